// The clock event device: timers that fire, and the scheduler's tick.
//
// Guarantees: each CPU has its own queue of timers and its own tick. The local APIC's timer is armed for
// whichever comes first, the next timer or (while a task runs) the next tick; an idle CPU has no tick. Timer
// functions run in interrupt context, with interrupts off.
#pragma once

#include "core/list.h"
#include "core/types.h"

constexpr u64 kHz = 250;  // ticks per second, as Debian's kernel
constexpr u64 kTickNs = kNsPerSec / kHz;
constexpr u64 kUserHz = 100;  // clock_t of the ABI

struct Timer {
    ListNode node;
    u32 cpu = 0;      // in whose queue it waits
    u64 expires = 0;  // ktime
    void (*function)(Timer*) = nullptr;
    void* data = nullptr;

    bool pending() const { return node.linked(); }
};

// Who arms and cancels one timer takes care that it is not done twice at once.
/// Arm (or re-arm) `timer` for ktime `expires`; it fires on this CPU. Its function may still be running on another.
void timer_start(Timer* timer, u64 expires);
/// Disarm it; its function may still be running on another CPU. True if it was pending.
bool timer_stop(Timer* timer);
/// Disarm it and wait until its function runs on no other CPU: then it may go. For that no lock may be held that the
/// function takes. True if it was pending.
bool timer_cancel(Timer* timer);

/// Take the timer's interrupt; before the first timer starts.
void tick_init();
/// Called at each tick of a CPU, in its interrupt. `user`: user mode was interrupted.
using TickHandler = void (*)(bool user);
void on_tick(TickHandler handler);
/// The CPU goes idle (no tick needed) or leaves idle.
void tick_stop();
void tick_restart();
/// Ticks since boot, as if the tick never stopped.
u64 jiffies();
