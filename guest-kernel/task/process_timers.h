// Timers of a process: alarm and setitimer, POSIX timers, CPU time limits.
//
// Guarantees: freed with the process; POSIX timers do not survive execve, interval timers do.
#pragma once

struct SignalStruct;
struct task_struct;

void cancel_process_timers(SignalStruct* signal);
void cancel_posix_timers(SignalStruct* signal);
/// From the tick: ITIMER_VIRTUAL, ITIMER_PROF and RLIMIT_CPU of the running task.
void check_cpu_timers(task_struct* task);
