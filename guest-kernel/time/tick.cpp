// Timers and the tick (time/tick.h): one sorted list of timers, one one-shot device.
//
// Guarantees: a timer never fires early. Insertion is linear in the number of pending timers, of which there
// are as many as sleepers.
#include "time/tick.h"

#include "arch/x86_64/traps.h"
#include "drivers/apic.h"
#include "sched/sched.h"
#include "sync/spinlock.h"
#include "time/clock.h"
#include "time/clocksource.h"
#include "time/cpu_clock.h"
#include "time/process_timers.h"

namespace {

List<Timer, &Timer::node> timers;
SpinLock timer_lock{LockRank::kTimer};
u64 next_tick = kTickNs;
u64 armed_for = ~0ull;
bool tick_running = false;

/// Under the lock: arm the device for the earliest event.
void program() {
    u64 next = tick_running ? next_tick : ~0ull;
    if (const Timer* first = timers.front()) next = min(next, first->expires);
    if (next == armed_for) return;
    armed_for = next;
    if (next == ~0ull) {
        lapic_timer_start(0);
        return;
    }
    const u64 now = ktime_get_ns();
    lapic_timer_start(ns_to_lapic_count(next > now ? next - now : 1));
}

}  // namespace

void timer_start(Timer* timer, u64 expires) {
    IrqGuard guard(timer_lock);
    if (timer->pending()) timer->node.remove();
    timer->expires = expires;
    Timer* after = timers.back();
    while (after && after->expires > expires) after = timers.prev(after);
    if (after)
        timers.insert_after(after, timer);
    else
        timers.push_front(timer);
    program();
}

bool timer_cancel(Timer* timer) {
    IrqGuard guard(timer_lock);
    if (!timer->pending()) return false;
    timer->node.remove();
    return true;
}

void timer_interrupt(pt_regs* regs) {
    const u64 now = ktime_get_ns();
    bool ticked = false;
    timer_lock.lock();
    armed_for = ~0ull;
    while (Timer* timer = timers.front()) {
        if (timer->expires > now) break;
        timer->node.remove();
        timer_lock.unlock();
        timer->function(timer);
        timer_lock.lock();
    }
    if (tick_running && now >= next_tick) {
        ticked = true;
        next_tick += kTickNs;
        if (next_tick <= now) next_tick = now - now % kTickNs + kTickNs;
    }
    program();
    timer_lock.unlock();
    if (!ticked) return;
    scheduler_tick(user_mode(regs));
    if (current()->mm) check_cpu_timers(current());
    check_cpu_waits();
}

void tick_stop() {
    IrqGuard guard(timer_lock);
    tick_running = false;
    program();
}

void tick_restart() {
    IrqGuard guard(timer_lock);
    const u64 now = ktime_get_ns();
    tick_running = true;
    next_tick = now - now % kTickNs + kTickNs;
    program();
}

u64 jiffies() {
    return ktime_get_ns() / kTickNs;
}
