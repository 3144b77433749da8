// alarm, setitimer, timer_create and their kin (setitimer(2), timer_create(2)).
//
// All of a process's timers have one lock, which their functions take; settings are changed and timers stopped under it,
// so a function that comes too late finds its timer stopped, or armed for later.
//
// Guarantees: expiry happens in interrupt context and only sends signals. A timer that repeats is armed again
// when its signal is delivered, and the intervals that have passed by then are its overruns (as Linux's
// posixtimer_rearm); if the signal is ignored, in the interrupt, but at most once in a tick.
#include "task/process_timers.h"

#include "abi/sigevent.h"
#include "core/string.h"
#include "syscall/syscalls.h"
#include "task/cpu_clock.h"
#include "task/signal.h"
#include "task/task.h"
#include "time/tick.h"

namespace {

constexpr clockid_t kRealtime = 0, kMonotonic = 1, kMonotonicRaw = 4, kMonotonicCoarse = 6, kBoottime = 7,
                    kTai = 11;
constexpr int kMaxPosixTimers = 32;
constexpr int kSigevSignal = 0, kSigevNone = 1, kSigevThreadId = 4;

}  // namespace

struct PosixTimer {
    SigQueue* entry = nullptr;  // the signal to send; null: this slot is free
    Timer timer;
    CpuWait cpu_wait;  // in place of `timer`, with a clock of processor time
    SignalStruct* signal = nullptr;
    clockid_t clock = 0;
    int notify = kSigevSignal;
    pid_t thread = 0;
    u64 expires = 0;  // ktime of the next or the last expiry; 0: disarmed
    u64 interval = 0;
    bool awaits_delivery = false;  // has fired, and goes on once the signal is delivered
    i32 overrun = 0;               // of the last delivered signal
};

struct ProcessTimers {
    SpinLock lock{LockRank::kProcessTimers};
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
    if (timers->signal->leader_task) (void)send_signal_process(timers->signal->leader_task, kSigAlrm).ok();
}

/// How many intervals, at least one, bring `expires` behind `now`.
u64 intervals_until(u64 expires, u64 interval, u64 now) {
    return now > expires ? (now - expires) / interval + 1 : 1;
}

/// The time of the timer's clock: ktime, or processor time (0 when whose it is is gone).
u64 now_of(const PosixTimer* t) {
    if (!is_cpu_clock(t->clock)) return ktime_get_ns();
    const Result<u64> now = cpu_clock_now(t->cpu_wait.clock);
    return now.ok() ? now.value() : 0;
}
void arm(PosixTimer* t) {
    if (is_cpu_clock(t->clock))
        cpu_wait_start(&t->cpu_wait, t->expires);
    else
        timer_start(&t->timer, t->expires);
}
void disarm(PosixTimer* t) {
    timer_stop(&t->timer);
    cpu_wait_stop(&t->cpu_wait);
}

bool send_signal_of(PosixTimer* t) {
    if (t->notify == kSigevThreadId) {
        const TaskRef task = find_task_by_pid(t->thread);
        // A timer of a thread that is gone stays quiet, and need not go on.
        return !task || task->signal != t->signal || send_timer_signal(task.get(), *t->entry, false);
    }
    return !t->signal->leader_task || send_timer_signal(t->signal->leader_task, *t->entry, true);
}

void posix_timer_fired(PosixTimer* t) {
    IrqGuard guard(t->signal->timers->lock);
    if (!t->entry || !t->expires || t->awaits_delivery || now_of(t) < t->expires) return;
    t->awaits_delivery = t->interval != 0;
    if (!t->interval) t->expires = 0;
    if (send_signal_of(t) || !t->interval) return;
    t->awaits_delivery = false;
    const u64 next_tick = now_of(t) + (t->interval < kTickNs ? kTickNs : 0);
    t->expires += intervals_until(t->expires, t->interval, next_tick) * t->interval;
    arm(t);
}

Result<ProcessTimers*> my_timers() {
    SignalStruct* signal = current()->signal;
    if (!signal->timers) {
        auto* timers = new (std::nothrow) ProcessTimers;
        if (!timers) return Errno::ENOMEM;
        timers->signal = signal;
        timers->real.function = real_timer_fired;
        timers->real.data = timers;
        ProcessTimers* none = nullptr;  // two threads may come at once
        if (!__atomic_compare_exchange_n(&signal->timers, &none, timers, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_RELAXED))
            delete timers;
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

/// What the timer was before.
KItimerval change_itimer(ProcessTimers* timers, int which, u64 ns, u64 interval) {
    IrqGuard guard(timers->lock);
    const KItimerval before = read_itimer(timers, which);
    if (which == 0) {
        timer_stop(&timers->real);
        timers->real_interval = interval;
        if (ns) timer_start(&timers->real, ktime_get_ns() + ns);
    } else {
        timers->cpu_interval[which - 1] = interval;
        timers->cpu_value[which - 1] = ns ? cpu_time(which - 1) + ns : 0;
    }
    return before;
}

Result<PosixTimer*> find_posix(i32 id) {
    if (id < 0 || id >= kMaxPosixTimers || !current()->signal->timers) return Errno::EINVAL;
    PosixTimer* t = &current()->signal->timers->posix[id];
    if (!t->entry) return Errno::EINVAL;
    return t;
}

KItimerspec read_posix(const PosixTimer* t) {
    const u64 now = now_of(t);
    KItimerspec value{};
    value.interval = ns_to_timespec(t->interval);
    if (!t->expires) return value;
    const bool silent = t->notify == kSigevNone;
    u64 next = t->expires;
    if (next <= now && t->interval && (silent || t->awaits_delivery))
        next += intervals_until(next, t->interval, now) * t->interval;
    if (next > now)
        value.value = ns_to_timespec(next - now);
    else if (!silent)
        value.value = {0, 1};  // about to fire
    return value;
}

/// Makes a free slot a timer of `entry`; fill(timer, number) says which. The number, or -1 if all are in use.
template <class F>
i32 fill_slot(ProcessTimers* timers, SigQueue* entry, F fill) {
    IrqGuard guard(timers->lock);
    for (i32 slot = 0; slot < kMaxPosixTimers; slot++) {
        PosixTimer& t = timers->posix[slot];
        if (t.entry) continue;
        fill(t, slot);
        entry->timer = &t;
        t.timer.function = [](Timer* timer) { posix_timer_fired(static_cast<PosixTimer*>(timer->data)); };
        t.timer.data = &t;
        t.cpu_wait.function = [](CpuWait* wait) { posix_timer_fired(static_cast<PosixTimer*>(wait->data)); };
        t.cpu_wait.data = &t;
        t.signal = timers->signal;
        t.expires = t.interval = 0;
        t.awaits_delivery = false;
        t.overrun = 0;
        t.entry = entry;
        return slot;
    }
    return -1;
}

/// Make the slot free. A signal that is pending stays so. The timers are locked.
void drop(PosixTimer& t) {
    if (!t.entry) return;
    disarm(&t);
    t.expires = 0;
    IrqGuard guard(t.signal->lock);
    if (t.entry->node.linked())
        t.entry->timer = nullptr;
    else
        delete t.entry;
    t.entry = nullptr;
}

}  // namespace

SignalStruct::~SignalStruct() {
    delete timers;
}

void posix_timer_delivered(SignalStruct* signal, PosixTimer* t, i32* overrun) {
    IrqGuard guard(signal->timers->lock);
    if (!t->entry || !t->awaits_delivery) return;
    t->awaits_delivery = false;
    const u64 passed = intervals_until(t->expires, t->interval, now_of(t));
    t->expires += passed * t->interval;
    t->overrun = static_cast<i32>(min<u64>(passed - 1 + static_cast<u64>(*overrun), 0x7fffffff));
    *overrun = t->overrun;
    t->entry->info.timer.overrun = 0;
    arm(t);
}

void real_timer_delivered(SignalStruct* signal) {
    ProcessTimers* timers = signal->timers;
    if (!timers) return;
    IrqGuard guard(timers->lock);
    if (!timers->real_interval || timers->real.pending()) return;
    const u64 expires = timers->real.expires, interval = timers->real_interval;
    timer_start(&timers->real, expires + intervals_until(expires, interval, ktime_get_ns()) * interval);
}

void cancel_posix_timers(SignalStruct* signal) {
    if (!signal->timers) return;
    IrqGuard guard(signal->timers->lock);
    for (PosixTimer& t : signal->timers->posix) drop(t);
}

void cancel_process_timers(SignalStruct* signal) {
    ProcessTimers* timers = signal->timers;
    if (!timers) return;
    cancel_posix_timers(signal);
    timers->real_interval = 0;
    timer_cancel(&timers->real);
    for (PosixTimer& t : timers->posix) {  // until nobody is in their functions any more
        timer_cancel(&t.timer);
        cpu_wait_cancel(&t.cpu_wait);
    }
}

void check_cpu_timers(task_struct* task) {
    SignalStruct* signal = task->signal;
    const u64 limit = signal->rlimits[kRlimitCpu].cur;
    ProcessTimers* timers = signal->timers;
    const bool armed = timers && (timers->cpu_value[0] || timers->cpu_value[1]);
    if (limit == kRlimInfinity && !armed) return;
    if (armed) timers->lock.lock();  // two threads may tick at once
    for (int i = 0; armed && i < 2; i++) {
        if (!timers->cpu_value[i] || cpu_time(i) < timers->cpu_value[i]) continue;
        timers->cpu_value[i] = timers->cpu_interval[i] ? timers->cpu_value[i] + timers->cpu_interval[i] : 0;
        (void)send_signal_process(task, i == 0 ? kSigVtalrm : kSigProf).ok();
    }
    if (armed) timers->lock.unlock();
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
    ProcessTimers* timers = TRY(my_timers());
    KItimerval now;
    {
        IrqGuard guard(timers->lock);
        now = read_itimer(timers, which);
    }
    TRY(value.write(now));
    return 0;
}

SysResult sys_setitimer(int which, UserPtr<KItimerval> value, UserPtr<KItimerval> old) {
    KItimerval fresh{};
    if (value) fresh = TRY(value.read());
    if (which < 0 || which > 2) return Errno::EINVAL;
    if (!timeval_valid(fresh.value) || !timeval_valid(fresh.interval)) return Errno::EINVAL;
    ProcessTimers* timers = TRY(my_timers());
    const KItimerval before =
        change_itimer(timers, which, timeval_ns(fresh.value), timeval_ns(fresh.interval));
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_alarm(u32 seconds) {
    ProcessTimers* timers = TRY(my_timers());
    const KItimerval before = change_itimer(timers, 0, seconds * kNsPerSec, 0);
    long left = before.value.sec;
    if (before.value.usec >= 500'000 || (!left && before.value.usec)) left++;
    return left;
}

SysResult sys_timer_create(clockid_t clock, u64 event, UserPtr<i32> id) {
    KSigEvent sigevent{};
    if (event) sigevent = TRY(UserPtr<KSigEvent>(event).read());
    if (clock >= kMonotonicRaw && clock <= kMonotonicCoarse) return Errno::EOPNOTSUPP;
    CpuClock cpu;
    if (is_cpu_clock(clock))
        cpu = TRY(cpu_clock_of(clock));
    else if (clock != kRealtime && clock != kMonotonic && clock != kBoottime && clock != kTai)
        return Errno::EINVAL;
    ProcessTimers* timers = TRY(my_timers());
    if (sigevent.notify != kSigevSignal && sigevent.notify != kSigevNone &&
        sigevent.notify != kSigevThreadId) {
        return Errno::EINVAL;
    }
    if (event && sigevent.notify != kSigevNone && (sigevent.signo < 1 || sigevent.signo > kSigMax))
        return Errno::EINVAL;
    if (sigevent.notify == kSigevThreadId) {
        const TaskRef task = find_task_by_vpid(sigevent.thread);
        if (!task || task->tgid != current()->tgid) return Errno::EINVAL;
        sigevent.thread = task->pid;
    }
    SigQueue* entry = make_sig_queue(current()->cred.uid, task_rlimit(kRlimitSigpending));
    if (!entry) return Errno::EAGAIN;
    const i32 slot = fill_slot(timers, entry, [&](PosixTimer& t, i32 number) {
        if (!event) {
            sigevent.signo = kSigAlrm;
            sigevent.value = static_cast<u64>(number);
        }
        entry->info.signo = sigevent.signo;
        entry->info.code = kSiTimer;
        entry->info.timer.timer_id = number;
        entry->info.timer.value = sigevent.value;
        t.cpu_wait.clock = cpu;
        t.clock = clock;
        t.notify = sigevent.notify;
        t.thread = sigevent.thread;
    });
    if (slot < 0) {
        delete entry;
        return Errno::EAGAIN;
    }
    if (Result<void> told = id.write(slot); !told.ok()) {
        IrqGuard guard(timers->lock);
        drop(timers->posix[slot]);
        return told.error();
    }
    return 0;
}

namespace {

/// What the timer was before.
Result<KItimerspec> change_posix(i32 id, const KItimerspec& fresh, bool absolute) {
    IrqGuard guard(TRY(my_timers())->lock);
    PosixTimer* t = TRY(find_posix(id));
    const KItimerspec before = read_posix(t);
    disarm(t);
    t->awaits_delivery = false;
    t->overrun = 0;
    t->expires = 0;
    const u64 ns = timespec_to_ns(fresh.value), now = now_of(t);
    t->interval = ns ? timespec_to_ns(fresh.interval) : 0;
    if (ns) {
        const u64 offset = t->clock == kRealtime || t->clock == kTai ? ktime_get_real_ns() - now : 0;
        t->expires = !absolute ? now + ns : ns > offset ? ns - offset : 1;
        if (t->notify != kSigevNone) arm(t);
    }
    return before;
}

}  // namespace

SysResult sys_timer_settime(i32 id, int flags, UserPtr<KItimerspec> value, UserPtr<KItimerspec> old) {
    constexpr int kAbstime = 1;
    if (!value) return Errno::EINVAL;
    const KItimerspec fresh = TRY(value.read());
    if (!timespec_valid(fresh.value) || !timespec_valid(fresh.interval)) return Errno::EINVAL;
    const KItimerspec before = TRY(change_posix(id, fresh, flags & kAbstime));
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_timer_gettime(i32 id, UserPtr<KItimerspec> value) {
    KItimerspec now;
    {
        IrqGuard guard(TRY(my_timers())->lock);
        now = read_posix(TRY(find_posix(id)));
    }
    TRY(value.write(now));
    return 0;
}

SysResult sys_timer_getoverrun(i32 id) {
    IrqGuard guard(TRY(my_timers())->lock);
    return TRY(find_posix(id))->overrun;
}

SysResult sys_timer_delete(i32 id) {
    IrqGuard guard(TRY(my_timers())->lock);
    drop(*TRY(find_posix(id)));
    return 0;
}
