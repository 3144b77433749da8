// Timers as files. The timer's interrupt only wakes who waits: how often it has expired follows from the
// clock.
#include "fs/timerfd.h"

#include "fs/anon_inode.h"
#include "fs/open_file.h"
#include "time/clock.h"

void TimerFile::on_time(Timer* timer) {
    static_cast<TimerFile*>(timer->data)->wait_.wake_one(POLLIN | POLLRDNORM);
}

bool TimerFile::expired() const {
    return expires_ != 0 && ktime_get_ns() >= expires_;
}

void TimerFile::set(const Setting& setting, bool absolute) {
    timer_cancel(&timer_);
    expires_ = 0;
    interval_ = setting.interval;
    if (setting.value == 0) return;
    const u64 now = ktime_get_ns();
    u64 at = absolute ? setting.value : now + setting.value;
    if (absolute && realtime_) {
        const u64 offset = ktime_get_real_ns() - now;
        at = at > offset ? at - offset : 1;
    }
    expires_ = max<u64>(at, 1);
    timer_start(&timer_, max(expires_, now));
}

TimerFile::Setting TimerFile::remaining() const {
    if (expires_ == 0) return {0, interval_};
    const u64 now = ktime_get_ns();
    if (now < expires_) return {expires_ - now, interval_};
    if (interval_ == 0) return {0, 0};
    return {interval_ - (now - expires_) % interval_, interval_};
}

Result<size_t> TimerFile::read(IovIter& to, loff_t&) {
    if (to.remaining() < sizeof(u64)) return Errno::EINVAL;
    while (!expired()) {
        if (nonblocking()) return Errno::EAGAIN;
        TRY(wait_event(wait_, [this] { return expired(); }));
    }
    u64 count = 1;
    if (interval_ == 0) {
        expires_ = 0;
    } else {
        count += (ktime_get_ns() - expires_) / interval_;
        expires_ += count * interval_;
        timer_start(&timer_, expires_);
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
