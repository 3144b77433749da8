// alarm, setitimer, timer_create and their kin (setitimer(2), timer_create(2)).
//
// Guarantees: expiry happens in interrupt context and only sends signals; an overrun timer sends one signal
// and counts the rest.
#include "task/process_timers.h"

#include "core/string.h"
#include "syscall/syscalls.h"
#include "task/signal.h"
#include "task/task.h"
#include "time/tick.h"

namespace {

constexpr int kMaxPosixTimers = 32;
constexpr int kSigevSignal = 0, kSigevNone = 1, kSigevThreadId = 4;

struct PosixTimer {
    bool used = false;
    Timer timer;
    SignalStruct* signal = nullptr;
    clockid_t clock = 0;
    i32 id = 0;
    int notify = kSigevSignal, signo = 0;
    pid_t thread = 0;
    u64 value = 0;  // sigev_value
    u64 interval = 0;
    i32 overrun = 0;
};

}  // namespace

struct ProcessTimers {
    SignalStruct* signal;
    Timer real;
    u64 real_interval = 0;
    u64 cpu_value[2] = {0, 0};  // ITIMER_VIRTUAL, ITIMER_PROF: absolute CPU time of expiry
    u64 cpu_interval[2] = {0, 0};
    PosixTimer posix[kMaxPosixTimers];
};

namespace {

void real_timer_fired(Timer* timer) {
    auto* timers = static_cast<ProcessTimers*>(timer->data);
    if (timers->real_interval) timer_start(timer, timer->expires + timers->real_interval);
    if (timers->signal->leader_task) (void)send_signal_process(timers->signal->leader_task, kSigAlrm).ok();
}

void posix_timer_fired(Timer* timer) {
    auto* t = static_cast<PosixTimer*>(timer->data);
    if (t->interval) {
        const u64 now = ktime_get_ns();
        const u64 missed = now > timer->expires ? (now - timer->expires) / t->interval : 0;
        t->overrun = static_cast<i32>(min<u64>(missed, 0x7fffffff));
        timer_start(timer, timer->expires + (missed + 1) * t->interval);
    }
    if (t->notify == kSigevNone) return;
    KSigInfo info;
    info.signo = t->signo;
    info.code = kSiTimer;
    info.timer.timer_id = t->id;
    info.timer.overrun = t->overrun;
    info.timer.value = t->value;
    if (t->notify == kSigevThreadId) {
        const TaskRef task = find_task_by_pid(t->thread);
        if (task) (void)send_signal_info(task.get(), info, false).ok();
    } else if (t->signal->leader_task) {
        (void)send_signal_info(t->signal->leader_task, info, true).ok();
    }
}

Result<ProcessTimers*> my_timers() {
    SignalStruct* signal = current()->signal;
    if (!signal->timers) {
        auto* timers = new (std::nothrow) ProcessTimers;
        if (!timers) return Errno::ENOMEM;
        timers->signal = signal;
        timers->real.function = real_timer_fired;
        timers->real.data = timers;
        signal->timers = timers;
    }
    return signal->timers;
}

u64 timeval_ns(const KTimeval& t) {
    return timespec_to_ns({t.sec, t.usec * 1000});
}
bool timeval_valid(const KTimeval& t) {
    return t.sec >= 0 && t.usec >= 0 && t.usec < 1'000'000;
}

u64 cpu_time(int which) {  // 0: user, 1: user and system
    const CpuTimes t = process_times(current());
    return which == 0 ? t.utime : t.utime + t.stime;
}

KItimerval read_itimer(ProcessTimers* timers, int which) {
    KItimerval value{};
    const u64 now = ktime_get_ns();
    u64 left = 0, interval = 0;
    if (which == 0) {
        interval = timers->real_interval;
        if (timers->real.pending()) left = timers->real.expires > now ? timers->real.expires - now : 1000;
    } else {
        interval = timers->cpu_interval[which - 1];
        const u64 used = cpu_time(which - 1), end = timers->cpu_value[which - 1];
        if (end) left = end > used ? end - used : 1000;
    }
    value.interval = ns_to_timeval(interval);
    value.value = ns_to_timeval(left + 999);
    if (!left) value.value = {0, 0};
    return value;
}

Result<PosixTimer*> find_posix(i32 id) {
    if (id < 0 || id >= kMaxPosixTimers || !current()->signal->timers) return Errno::EINVAL;
    PosixTimer* t = &current()->signal->timers->posix[id];
    if (!t->used) return Errno::EINVAL;
    return t;
}

KItimerspec read_posix(const PosixTimer* t) {
    const u64 now = ktime_get_ns();
    KItimerspec value{};
    value.interval = ns_to_timespec(t->interval);
    if (t->timer.pending()) value.value = ns_to_timespec(t->timer.expires > now ? t->timer.expires - now : 1);
    return value;
}

}  // namespace

void cancel_posix_timers(SignalStruct* signal) {
    if (!signal->timers) return;
    for (PosixTimer& t : signal->timers->posix) {
        timer_cancel(&t.timer);
        t.used = false;
    }
}

void cancel_process_timers(SignalStruct* signal) {
    if (!signal->timers) return;
    cancel_posix_timers(signal);
    timer_cancel(&signal->timers->real);
    delete signal->timers;
    signal->timers = nullptr;
}

void check_cpu_timers(task_struct* task) {
    SignalStruct* signal = task->signal;
    const u64 limit = signal->rlimits[kRlimitCpu].cur;
    ProcessTimers* timers = signal->timers;
    const bool armed = timers && (timers->cpu_value[0] || timers->cpu_value[1]);
    if (limit == kRlimInfinity && !armed) return;
    for (int i = 0; armed && i < 2; i++) {
        if (!timers->cpu_value[i] || cpu_time(i) < timers->cpu_value[i]) continue;
        timers->cpu_value[i] = timers->cpu_interval[i] ? timers->cpu_value[i] + timers->cpu_interval[i] : 0;
        (void)send_signal_process(task, i == 0 ? kSigVtalrm : kSigProf).ok();
    }
    if (limit == kRlimInfinity) return;
    const u64 seconds = cpu_time(1) / kNsPerSec;
    if (seconds >= signal->rlimits[kRlimitCpu].max) {
        (void)send_signal_process(task, kSigKill).ok();
    } else if (seconds >= limit) {
        signal->rlimits[kRlimitCpu].cur = seconds + 1;  // again each second, as Linux does
        (void)send_signal_process(task, kSigXcpu).ok();
    }
}

SysResult sys_getitimer(int which, UserPtr<KItimerval> value) {
    if (which < 0 || which > 2) return Errno::EINVAL;
    TRY(value.write(read_itimer(TRY(my_timers()), which)));
    return 0;
}

SysResult sys_setitimer(int which, UserPtr<KItimerval> value, UserPtr<KItimerval> old) {
    if (which < 0 || which > 2) return Errno::EINVAL;
    KItimerval fresh{};
    if (value) fresh = TRY(value.read());
    if (!timeval_valid(fresh.value) || !timeval_valid(fresh.interval)) return Errno::EINVAL;
    ProcessTimers* timers = TRY(my_timers());
    const KItimerval before = read_itimer(timers, which);
    const u64 ns = timeval_ns(fresh.value), interval = timeval_ns(fresh.interval);
    if (which == 0) {
        timer_cancel(&timers->real);
        timers->real_interval = interval;
        if (ns) timer_start(&timers->real, ktime_get_ns() + ns);
    } else {
        timers->cpu_interval[which - 1] = interval;
        timers->cpu_value[which - 1] = ns ? cpu_time(which - 1) + ns : 0;
    }
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_alarm(u32 seconds) {
    ProcessTimers* timers = TRY(my_timers());
    const KItimerval before = read_itimer(timers, 0);
    timer_cancel(&timers->real);
    timers->real_interval = 0;
    if (seconds) timer_start(&timers->real, ktime_get_ns() + seconds * kNsPerSec);
    long left = before.value.sec;
    if (before.value.usec >= 500'000 || (!left && before.value.usec)) left++;
    return left;
}

SysResult sys_timer_create(clockid_t clock, u64 event, UserPtr<i32> id) {
    struct {
        u64 value;
        i32 signo, notify, thread, pad;
        u8 rest[40];
    } sigevent{};
    static_assert(sizeof(sigevent) == 64);
    if (clock != 0 && clock != 1 && clock != 7) return Errno::EINVAL;
    ProcessTimers* timers = TRY(my_timers());
    i32 slot = 0;
    while (slot < kMaxPosixTimers && timers->posix[slot].used) slot++;
    if (slot == kMaxPosixTimers) return Errno::EAGAIN;
    if (event) {
        TRY(UserBytes(event).copy_in(&sigevent, sizeof(sigevent)));
    } else {
        sigevent.signo = kSigAlrm;
        sigevent.value = static_cast<u64>(slot);
    }
    if (sigevent.notify != kSigevSignal && sigevent.notify != kSigevNone &&
        sigevent.notify != kSigevThreadId) {
        return Errno::EINVAL;
    }
    if (sigevent.notify != kSigevNone && (sigevent.signo < 1 || sigevent.signo > kSigMax))
        return Errno::EINVAL;
    if (sigevent.notify == kSigevThreadId) {
        const TaskRef task = find_task_by_pid(sigevent.thread);
        if (!task || task->tgid != current()->tgid) return Errno::EINVAL;
    }
    TRY(id.write(slot));
    PosixTimer& t = timers->posix[slot];
    t.used = true;
    t.timer.function = posix_timer_fired;
    t.timer.data = &t;
    t.signal = current()->signal;
    t.clock = clock;
    t.id = slot;
    t.notify = sigevent.notify;
    t.signo = sigevent.signo;
    t.thread = sigevent.thread;
    t.value = sigevent.value;
    t.interval = 0;
    t.overrun = 0;
    return 0;
}

SysResult sys_timer_settime(i32 id, int flags, UserPtr<KItimerspec> value, UserPtr<KItimerspec> old) {
    constexpr int kAbstime = 1;
    PosixTimer* t = TRY(find_posix(id));
    const KItimerspec fresh = TRY(value.read());
    if (!timespec_valid(fresh.value) || !timespec_valid(fresh.interval)) return Errno::EINVAL;
    const KItimerspec before = read_posix(t);
    timer_cancel(&t->timer);
    t->interval = timespec_to_ns(fresh.interval);
    t->overrun = 0;
    const u64 ns = timespec_to_ns(fresh.value), now = ktime_get_ns();
    if (ns) {
        const u64 offset = t->clock == 0 ? ktime_get_real_ns() - now : 0;
        timer_start(&t->timer, !(flags & kAbstime) ? now + ns : ns > offset ? ns - offset : 1);
    }
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_timer_gettime(i32 id, UserPtr<KItimerspec> value) {
    TRY(value.write(read_posix(TRY(find_posix(id)))));
    return 0;
}

SysResult sys_timer_getoverrun(i32 id) {
    return TRY(find_posix(id))->overrun;
}

SysResult sys_timer_delete(i32 id) {
    PosixTimer* t = TRY(find_posix(id));
    timer_cancel(&t->timer);
    t->used = false;
    return 0;
}
