// Timers of a process: alarm and setitimer, POSIX timers, CPU time limits.
//
// Guarantees: freed with the process; POSIX timers do not survive execve, interval timers do. A timer that
// repeats goes on when its signal is delivered, not when it fires: no interval, however short, keeps the CPU
// in interrupts.
#pragma once

#include "core/types.h"

struct PosixTimer;
struct SignalStruct;
struct task_struct;

/// The last thread ends.
void cancel_process_timers(SignalStruct* signal);
void cancel_posix_timers(SignalStruct* signal);
/// The timer's signal is taken from its queue: arm it for its next interval and add to `overrun` those that
/// have passed (timer_getoverrun(2)). By a thread of the process, without locks.
void posix_timer_delivered(SignalStruct* signal, PosixTimer* timer, i32* overrun);
/// A SIGALRM of the process is delivered: ITIMER_REAL goes on if it repeats. By a thread of the process.
void real_timer_delivered(SignalStruct* signal);
/// From the tick: ITIMER_VIRTUAL, ITIMER_PROF and RLIMIT_CPU of the running task.
void check_cpu_timers(task_struct* task);
