#include "emulator/core/time/event_queue.h"

#include <algorithm>

namespace orrery {

EventQueue::TimerId EventQueue::add_timer(std::string name, Handler handler) {
    timers_.push_back({std::move(name), std::move(handler), kNever});
    return static_cast<TimerId>(timers_.size() - 1);
}

void EventQueue::schedule(TimerId timer, Ticks when) {
    Ticks before = next_;
    timers_[timer].when = when;
    find_next();
    if (next_ < before && earlier_) earlier_();
}

void EventQueue::find_next() {
    // A machine has a dozen timers: a scan is faster than a heap, and its order is plain.
    next_ = kNever;
    for (const Timer& timer : timers_) next_ = std::min(next_, timer.when);
}

void EventQueue::run_due() {
    while (next_ <= now_) {
        auto due = std::min_element(timers_.begin(), timers_.end(),
                                    [](const Timer& a, const Timer& b) { return a.when < b.when; });
        due->when = kNever;
        find_next();
        due->handler(now_);
    }
}

std::vector<EventQueue::TimerView> EventQueue::timers() const {
    std::vector<TimerView> views;
    for (const Timer& timer : timers_) views.push_back({&timer.name, timer.when});
    return views;
}

void EventQueue::visit(Archive& archive) {
    archive.field("now", now_);
    for (Timer& timer : timers_) {
        archive.begin(timer.name);
        archive.field("when", timer.when);
        archive.end();
    }
    if (archive.loading()) find_next();
}

}  // namespace orrery
