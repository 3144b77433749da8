// timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).
#include "fs/files_struct.h"
#include "fs/timerfd.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"

namespace {

constexpr int kClockRealtime = 0, kClockMonotonic = 1, kClockBoottime = 7;

Result<u64> to_ns(const KernelTimespec& t) {
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
    const u64 seconds = min<u64>(static_cast<u64>(t.tv_sec), (~0ull >> 2) / kNsPerSec);
    return seconds * kNsPerSec + static_cast<u64>(t.tv_nsec);
}

KernelTimespec from_ns(u64 ns) {
    return {static_cast<i64>(ns / kNsPerSec), static_cast<i64>(ns % kNsPerSec)};
}

Result<RefPtr<File>> timer_file(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->as_timer_file()) return Errno::EINVAL;
    return file;
}

Result<void> give(UserPtr<KernelItimerspecFs> user, const TimerFile::Setting& s) {
    return user.write({from_ns(s.interval), from_ns(s.value)});
}

}  // namespace

SysResult sys_timerfd_create(int clock, int flags) {
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) return Errno::EINVAL;
    if (clock != kClockRealtime && clock != kClockMonotonic && clock != kClockBoottime) return Errno::EINVAL;
    RefPtr<TimerFile> file = TRY(make_timerfd(clock == kClockRealtime, flags));
    return long{TRY(current()->files->install(file, (flags & TFD_CLOEXEC) != 0))};
}

SysResult sys_timerfd_settime(int fd, int flags, UserPtr<KernelItimerspecFs> fresh,
                              UserPtr<KernelItimerspecFs> old) {
    const KernelItimerspecFs wanted = TRY(fresh.read());
    if (flags & ~TFD_TIMER_ABSTIME) return Errno::EINVAL;  // TFD_TIMER_CANCEL_ON_SET is not there
    const TimerFile::Setting setting{TRY(to_ns(wanted.value)), TRY(to_ns(wanted.interval))};
    RefPtr<File> file = TRY(timer_file(fd));
    TimerFile& timer = *file->as_timer_file();
    const TimerFile::Setting before = timer.set(setting, (flags & TFD_TIMER_ABSTIME) != 0);
    if (!old.is_null()) TRY(give(old, before));
    return 0L;
}

SysResult sys_timerfd_gettime(int fd, UserPtr<KernelItimerspecFs> current_value) {
    RefPtr<File> file = TRY(timer_file(fd));
    TRY(give(current_value, file->as_timer_file()->remaining()));
    return 0L;
}
