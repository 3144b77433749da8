// Timers as files. The timer's interrupt only wakes who waits: how often it has expired follows from the
// clock.
#include "fs/timerfd.h"

#include "fs/anon_inode.h"
#include "fs/open_file.h"
#include "time/clock.h"

void TimerFile::on_time(Timer* timer) {
    static_cast<TimerFile*>(timer->data)->wait_.wake_one(POLLIN | POLLRDNORM);
}

TimerFile::~TimerFile() {
    timer_cancel(&state_.lock()->timer);  // nobody else is left
}

bool TimerFile::expired() {
    const auto state = state_.lock();
    return state->expires != 0 && ktime_get_ns() >= state->expires;
}

TimerFile::Setting TimerFile::remaining(const State& state) {
    if (state.expires == 0) return {0, state.interval};
    const u64 now = ktime_get_ns();
    if (now < state.expires) return {state.expires - now, state.interval};
    if (state.interval == 0) return {0, 0};
    return {state.interval - (now - state.expires) % state.interval, state.interval};
}

TimerFile::Setting TimerFile::remaining() {
    return state_.with([](const State& state) { return remaining(state); });
}

TimerFile::Setting TimerFile::set(const Setting& setting, bool absolute) {
    const auto state = state_.lock();
    const Setting before = remaining(*state);
    timer_stop(&state->timer);
    state->expires = 0;
    state->interval = setting.interval;
    if (setting.value == 0) return before;
    const u64 now = ktime_get_ns();
    u64 at = absolute ? setting.value : now + setting.value;
    if (absolute && realtime_) {
        const u64 offset = ktime_get_real_ns() - now;
        at = at > offset ? at - offset : 1;
    }
    state->expires = max<u64>(at, 1);
    timer_start(&state->timer, max(state->expires, now));
    return before;
}

u64 TimerFile::take() {
    const auto state = state_.lock();
    const u64 now = ktime_get_ns();
    if (state->expires == 0 || now < state->expires) return 0;
    if (state->interval == 0) {
        state->expires = 0;
        return 1;
    }
    const u64 count = 1 + (now - state->expires) / state->interval;
    state->expires += count * state->interval;
    timer_start(&state->timer, state->expires);
    return count;
}

Result<size_t> TimerFile::read(IovIter& to, loff_t&) {
    if (to.remaining() < sizeof(u64)) return Errno::EINVAL;
    u64 count = take();
    if (count == 0) {
        if (nonblocking()) return Errno::EAGAIN;
        TRY(wait_event(wait_, [&] { return (count = take()) != 0; }));
    }
    return to.copy_to(&count, sizeof(count)) == sizeof(count) ? Result<size_t>(sizeof(count))
                                                              : Result<size_t>(Errno::EFAULT);
}

u32 TimerFile::poll(PollTable* table) {
    if (table) table->add(wait_);
    return expired() ? POLLIN | POLLRDNORM : 0;
}

Result<RefPtr<TimerFile>> make_timerfd(bool realtime, int flags) {
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<TimerFile> file = TRY(make_ref<TimerFile>(*inode, realtime));
    TRY(set_detached(*file, "anon_inode:[timerfd]", O_RDWR | (flags & O_NONBLOCK)));
    return file;
}
