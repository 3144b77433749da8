// Clocks and sleeping (clock_gettime(2), clock_nanosleep(2), gettimeofday(2), times(2)).
//
// Guarantees: a relative sleep that a signal interrupts can be restarted with the time that was left.
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/signal.h"
#include "time/tick.h"

namespace {

enum Clock : clockid_t {
    kRealtime = 0,
    kMonotonic = 1,
    kProcessCputime = 2,
    kThreadCputime = 3,
    kMonotonicRaw = 4,
    kRealtimeCoarse = 5,
    kMonotonicCoarse = 6,
    kBoottime = 7,
    kRealtimeAlarm = 8,
    kBoottimeAlarm = 9,
    kTai = 11,
};

/// Clocks of other processes and threads: ~pid << 3 | kind (clock_getcpuclockid(3)).
Result<u64> dynamic_clock(clockid_t clock) {
    const pid_t pid = ~(clock >> 3);
    const bool thread = clock & 4;
    if ((clock & 3) == 3) return Errno::EINVAL;
    if (pid == 0) {
        if (thread) return task_runtime_ns(current());
        const CpuTimes t = process_times(current());
        return t.utime + t.stime;
    }
    const TaskRef task = find_task_by_pid(pid);
    if (!task) return Errno::EINVAL;
    if (thread) return task_runtime_ns(task.get());
    const CpuTimes t = process_times(task.get());
    return t.utime + t.stime;
}

Result<u64> clock_now(clockid_t clock) {
    switch (clock) {
        case kRealtime:
        case kRealtimeAlarm:
        case kTai:
            return ktime_get_real_ns();
        case kRealtimeCoarse:
            return align_down(ktime_get_real_ns(), kTickNs) / kTickNs * kTickNs;
        case kMonotonic:
        case kMonotonicRaw:
        case kBoottime:
        case kBoottimeAlarm:
            return ktime_get_ns();
        case kMonotonicCoarse:
            return ktime_get_ns() / kTickNs * kTickNs;
        case kThreadCputime:
            return task_runtime_ns(current());
        case kProcessCputime: {
            const CpuTimes t = process_times(current());
            return t.utime + t.stime;
        }
        default:
            if (clock < 0) return dynamic_clock(clock);
            return Errno::EINVAL;
    }
}

/// Restart of a relative sleep: args 0: deadline, 1: where to store what is left.
long restart_nanosleep(task_struct* task);

/// The seam of hrtimer sleeps, under Linux's name for probes.
Result<void> sleep_interruptible(u64 deadline) {
    task_struct* task = current();
    for (;;) {
        task->state = TASK_INTERRUPTIBLE;
        if (signal_pending(task)) {
            task->state = TASK_RUNNING;
            return Errno::ERESTART_RESTARTBLOCK;
        }
        if (!schedule_until(deadline)) return {};
    }
}

SysResult relative_sleep(u64 deadline, UserPtr<timespec64> left) {
    const Result<void> result = sleep_interruptible(deadline);
    if (result.ok()) return 0;
    const u64 now = ktime_get_ns();
    if (now >= deadline) return 0;
    if (left) TRY(left.write(ns_to_timespec(deadline - now)));
    task_struct* task = current();
    task->restart_block.fn = restart_nanosleep;
    task->restart_block.args[0] = deadline;
    task->restart_block.args[1] = left.address();
    return Errno::ERESTART_RESTARTBLOCK;
}

long restart_nanosleep(task_struct* task) {
    const SysResult r =
        relative_sleep(task->restart_block.args[0], UserPtr<timespec64>(task->restart_block.args[1]));
    return r.ok() ? r.value() : -static_cast<long>(r.error());
}

}  // namespace

/// Sleep `ns` nanoseconds; what clock_nanosleep and nanosleep do for a relative time.
extern "C" long do_nanosleep(u64 ns, u64 left) {
    const SysResult r = relative_sleep(wait_detail::deadline_after(ns), UserPtr<timespec64>(left));
    return r.ok() ? r.value() : -static_cast<long>(r.error());
}

SysResult sys_clock_gettime(clockid_t clock, UserPtr<timespec64> time) {
    TRY(time.write(ns_to_timespec(TRY(clock_now(clock)))));
    return 0;
}

SysResult sys_clock_settime(clockid_t clock, UserPtr<timespec64> time) {
    if (clock != kRealtime) return Errno::EINVAL;
    const timespec64 t = TRY(time.read());
    if (!timespec_valid(t)) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysTime)) return Errno::EPERM;
    set_real_ns(timespec_to_ns(t));
    return 0;
}

SysResult sys_clock_getres(clockid_t clock, UserPtr<timespec64> resolution) {
    TRY(clock_now(clock));
    const bool coarse = clock == kRealtimeCoarse || clock == kMonotonicCoarse;
    if (resolution) TRY(resolution.write({0, coarse ? static_cast<i64>(kTickNs) : 1}));
    return 0;
}

SysResult sys_clock_nanosleep(clockid_t clock, int flags, UserPtr<timespec64> request,
                              UserPtr<timespec64> left) {
    constexpr int kAbstime = 1;
    if (clock == kThreadCputime || clock < 0 || clock == kProcessCputime) return Errno::EINVAL;
    if (clock == kMonotonicRaw || clock == kRealtimeCoarse || clock == kMonotonicCoarse)
        return Errno::EOPNOTSUPP;
    TRY(clock_now(clock));
    const timespec64 t = TRY(request.read());
    if (!timespec_valid(t)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t);
    if (!(flags & kAbstime)) {
        const long result = do_nanosleep(ns, left.address());
        if (result < 0) return static_cast<Errno>(-result);
        return result;
    }
    const u64 now = ktime_get_ns();
    u64 deadline = ns;
    if (clock == kRealtime || clock == kRealtimeAlarm || clock == kTai) {
        const u64 real = ktime_get_real_ns();
        deadline = ns > real ? now + (ns - real) : 0;
    }
    if (deadline <= now) return 0;
    if (!sleep_interruptible(deadline).ok()) return Errno::ERESTARTNOHAND;
    return 0;
}

SysResult sys_nanosleep(UserPtr<timespec64> request, UserPtr<timespec64> left) {
    const timespec64 t = TRY(request.read());
    if (!timespec_valid(t)) return Errno::EINVAL;
    const long result = do_nanosleep(timespec_to_ns(t), left.address());
    if (result < 0) return static_cast<Errno>(-result);
    return result;
}

SysResult sys_gettimeofday(UserPtr<KTimeval> time, u64 zone) {
    if (time) TRY(time.write(ns_to_timeval(ktime_get_real_ns())));
    if (zone) TRY(UserPtr<u64>(zone).write(0));
    return 0;
}

SysResult sys_settimeofday(UserPtr<KTimeval> time, u64) {
    if (!time) return 0;
    const KTimeval t = TRY(time.read());
    if (t.sec < 0 || t.usec < 0 || t.usec > 1'000'000) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysTime)) return Errno::EPERM;
    set_real_ns(timespec_to_ns({t.sec, t.usec * 1000}));
    return 0;
}

SysResult sys_time(UserPtr<i64> time) {
    const i64 seconds = ktime_get_real_seconds();
    if (time) TRY(time.write(seconds));
    return seconds;
}

SysResult sys_times(UserPtr<KTms> times) {
    constexpr u64 kNsPerClock = kNsPerSec / kUserHz;
    if (times) {
        const CpuTimes t = process_times(current());
        TRY(times.write({static_cast<i64>(t.utime / kNsPerClock), static_cast<i64>(t.stime / kNsPerClock),
                         static_cast<i64>(t.cutime / kNsPerClock),
                         static_cast<i64>(t.cstime / kNsPerClock)}));
    }
    return static_cast<long>(ktime_get_ns() / kNsPerClock);
}
