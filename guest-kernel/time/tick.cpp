// Timers and the tick (time/tick.h): for each CPU one sorted list of timers, one one-shot device.
//
// Guarantees: a timer never fires early. Insertion is linear in the number of pending timers, of which there
// are as many as sleepers.
#include "time/tick.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/traps.h"
#include "core/panic.h"
#include "drivers/apic.h"
#include "drivers/irq.h"
#include "sync/guarded.h"
#include "time/clock.h"
#include "time/clocksource.h"

namespace {

struct TimerQueue {
    List<Timer, &Timer::node> timers;  // the earliest first
    u64 next_tick = kTickNs;
    u64 armed_for = ~0ull;
    bool tick_running = false;

    /// Arm this CPU's device for the earliest event.
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
    void insert(Timer* timer) {
        Timer* after = timers.back();
        while (after && after->expires > timer->expires) after = timers.prev(after);
        if (after)
            timers.insert_after(after, timer);
        else
            timers.push_front(timer);
    }
    /// The first that is due; `running` is set to it under the lock, so that nobody finds it in neither place.
    Timer* take_due(u64 now, const Timer** running) {
        Timer* timer = timers.front();
        if (!timer || timer->expires > now) return nullptr;
        timer->node.remove();
        __atomic_store_n(running, timer, __ATOMIC_RELEASE);
        return timer;
    }
    /// True once for each tick that is due.
    bool take_tick(u64 now) {
        if (!tick_running || now < next_tick) return false;
        next_tick += kTickNs;
        if (next_tick <= now) next_tick = next_multiple(now);
        return true;
    }
    static u64 next_multiple(u64 now) { return now - now % kTickNs + kTickNs; }
};
constexpr unsigned kMaxHandlers = 4;
TickHandler handlers[kMaxHandlers];
unsigned handler_count = 0;
PerCpu<Guarded<TimerQueue, LockRank::kTimer>> timer_queues;
PerCpu<const Timer*> running_timers;  // whose function each CPU is in; others look

}  // namespace

bool timer_stop(Timer* timer) {
    auto queue = timer_queues.on(__atomic_load_n(&timer->cpu, __ATOMIC_RELAXED)).lock();
    if (!timer->pending()) return false;
    timer->node.remove();
    return true;
}

namespace {

bool runs_elsewhere(const Timer* timer) {
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        if (cpu != this_cpu_number() && __atomic_load_n(&running_timers.on(cpu), __ATOMIC_ACQUIRE) == timer)
            return true;
    }
    return false;
}

}  // namespace

void timer_start(Timer* timer, u64 expires) {
    timer_stop(timer);
    timer->expires = expires;
    timer->cpu = this_cpu_number();
    auto queue = timer_queues.here().lock();
    queue->insert(timer);
    queue->program();
}

bool timer_cancel(Timer* timer) {
    bool was_pending = timer_stop(timer);
    while (runs_elsewhere(timer)) {
        cpu_relax();
        was_pending |= timer_stop(timer);  // its function may have armed it again
    }
    return was_pending;
}

namespace {

void timer_interrupt(pt_regs* regs) {
    auto& queue = timer_queues.here();
    const u64 now = ktime_get_ns();
    queue.lock()->armed_for = ~0ull;
    const Timer** running = &running_timers.here();
    while (Timer* timer = queue.lock()->take_due(now, running)) timer->function(timer);
    __atomic_store_n(running, nullptr, __ATOMIC_RELEASE);
    const bool ticked = queue.with([&](TimerQueue& q) {
        const bool due = q.take_tick(now);
        q.program();
        return due;
    });
    if (!ticked) return;
    for (unsigned i = 0; i < handler_count; i++) handlers[i](user_mode(regs));
}

}  // namespace

void tick_init() {
    set_vector_handler(kTimerVector, timer_interrupt);
}

void on_tick(TickHandler handler) {
    BUG_ON(handler_count == kMaxHandlers);
    handlers[handler_count++] = handler;
}

void tick_stop() {
    auto queue = timer_queues.here().lock();
    queue->tick_running = false;
    queue->program();
}

void tick_restart() {
    auto queue = timer_queues.here().lock();
    queue->tick_running = true;
    queue->next_tick = TimerQueue::next_multiple(ktime_get_ns());
    queue->program();
}

u64 jiffies() {
    return ktime_get_ns() / kTickNs;
}
