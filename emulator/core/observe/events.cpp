#include "emulator/core/observe/events.h"

#include <algorithm>

namespace orrery {

Observers::Id Observers::subscribe(u32 kinds, Callback callback) {
    subscribers_.push_back({next_, kinds, std::move(callback)});
    update();
    return next_++;
}

void Observers::unsubscribe(Id id) {
    std::erase_if(subscribers_, [id](const Subscriber& subscriber) { return subscriber.id == id; });
    update();
}

void Observers::update() {
    kinds_ = 0;
    for (const Subscriber& subscriber : subscribers_) kinds_ |= subscriber.kinds;
    if (changed_) changed_();
}

void Observers::emit(const Event& event) const {
    // By index: a callback may subscribe or unsubscribe.
    for (size_t i = 0; i < subscribers_.size(); ++i)
        if ((subscribers_[i].kinds & bit(event.kind())) != 0) subscribers_[i].callback(event);
}

}  // namespace orrery
