// Clocks and sleeping (clock_gettime(2), clock_nanosleep(2), gettimeofday(2), times(2)).
//
// Guarantees: a relative sleep that a signal interrupts can be restarted with the time that was left.
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/cpu_clock.h"
#include "task/signal.h"
#include "time/tick.h"

namespace {

enum Clock : clockid_t {
    kRealtime = 0,
    kMonotonic = 1,
    kThreadCputime = 3,  // the others of processor time: task/cpu_clock.h
    kMonotonicRaw = 4,
    kRealtimeCoarse = 5,
    kMonotonicCoarse = 6,
    kBoottime = 7,
    kRealtimeAlarm = 8,
    kBoottimeAlarm = 9,
    kTai = 11,
};

Result<u64> clock_now(clockid_t clock) {
    switch (clock) {
        case kRealtime:
        case kRealtimeAlarm:
        case kTai:
            return ktime_get_real_ns();
        case kRealtimeCoarse:
            return ktime_get_real_ns() / kTickNs * kTickNs;
        case kMonotonic:
        case kMonotonicRaw:
        case kBoottime:
        case kBoottimeAlarm:
            return ktime_get_ns();
        case kMonotonicCoarse:
            return ktime_get_ns() / kTickNs * kTickNs;
        default:
            return cpu_clock_now(TRY(cpu_clock_of(clock)));
    }
}

/// Restart of a relative sleep: args 0: deadline, 1: where to store what is left.
long restart_nanosleep(task_struct* task);

/// The seam of hrtimer sleeps, under Linux's name for probes.
Result<void> sleep_interruptible(u64 deadline) {
    task_struct* task = current();
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
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
    task->restart_block.layout = call_layout();
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

namespace {

long restart_cpu_sleep(task_struct* task);

/// Sleeps until `clock` has come to `deadline`, or is gone. Relative sleeps (`relative`) are restarted after a signal,
/// with what is left written to `left`.
SysResult cpu_sleep(const CpuClock& clock, u64 deadline, bool relative, UserPtr<timespec64> left) {
    task_struct* task = current();
    CpuWait wait;
    wait.clock = clock;
    wait.data = task;
    wait.function = [](CpuWait* over) { wake_up_process(static_cast<task_struct*>(over->data)); };
    cpu_wait_start(&wait, deadline);
    u64 now = 0;
    bool interrupted = false;
    for (;;) {
        set_current_state(TASK_INTERRUPTIBLE);
        const Result<u64> used = cpu_clock_now(clock);
        if (!used.ok() || (now = used.value()) >= deadline) break;
        interrupted = signal_pending(task);
        if (interrupted) break;
        schedule();
    }
    task->state = TASK_RUNNING;
    cpu_wait_cancel(&wait);
    if (!interrupted) return 0;
    if (!relative) return Errno::ERESTARTNOHAND;
    if (left) TRY(left.write(ns_to_timespec(deadline - now)));
    task->restart_block.fn = restart_cpu_sleep;
    task->restart_block.layout = call_layout();
    const u64 arguments[] = {deadline, left.address(), static_cast<u64>(clock.pid), clock.thread};
    for (int i = 0; i < 4; i++) task->restart_block.args[i] = arguments[i];
    return Errno::ERESTART_RESTARTBLOCK;
}

long restart_cpu_sleep(task_struct* task) {
    const u64* a = task->restart_block.args;
    const SysResult r =
        cpu_sleep({static_cast<pid_t>(a[2]), a[3] != 0}, a[0], true, UserPtr<timespec64>(a[1]));
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
    if (clock != kRealtime && clock >= 0) return Errno::EINVAL;
    const timespec64 t = TRY(time.read());
    if (clock < 0) {  // processor time cannot be set
        TRY(cpu_clock_of(clock));
        return Errno::EPERM;
    }
    if (!timespec_valid(t)) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysTime)) return Errno::EPERM;
    TRY(set_real_ns(timespec_to_ns(t)));
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
    if (clock == kThreadCputime || clock == kMonotonicRaw || clock == kRealtimeCoarse ||
        clock == kMonotonicCoarse)
        return Errno::EOPNOTSUPP;
    if (clock >= 0) TRY(clock_now(clock));  // of a process's clock the process is looked for later
    const timespec64 t = TRY(request.read());
    if (!timespec_valid(t)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t);
    TRY(clock_now(clock));
    if (is_cpu_clock(clock)) {
        const CpuClock cpu = TRY(cpu_clock_of(clock));
        if (cpu.thread && cpu.pid == current()->pid) return Errno::EINVAL;  // it cannot work while it waits
        const bool relative = !(flags & kAbstime);
        return cpu_sleep(cpu, relative ? TRY(cpu_clock_now(cpu)) + ns : ns, relative, left);
    }
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

SysResult sys_settimeofday(UserPtr<KTimeval> time, u64 zone) {
    constexpr i32 kFarthestZone = 15 * 60;  // minutes
    KTimeval t{};
    if (time) {
        t = TRY(time.read());
        if (t.usec < 0 || t.usec > 1'000'000) return Errno::EINVAL;
    }
    i32 minutes_west = 0;
    if (zone) {
        i32 both[2];
        TRY(UserBytes(zone).copy_in(both, sizeof(both)));
        minutes_west = both[0];
    }
    if (time && (t.sec < 0 || t.usec == 1'000'000)) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysTime)) return Errno::EPERM;
    // The zone is taken note of by nothing here, as by nothing but file systems of other systems in Linux.
    if (zone && (minutes_west > kFarthestZone || minutes_west < -kFarthestZone)) return Errno::EINVAL;
    if (time) TRY(set_real_ns(timespec_to_ns({t.sec, t.usec * 1000})));
    return 0;
}

SysResult sys_time(UserPtr<UserLong> time) {
    const i64 seconds = ktime_get_real_seconds();
    if (time) TRY(time.write({seconds}));
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
