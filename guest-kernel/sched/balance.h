// Which CPU a task runs on (sched/sched.h).
//
// Guarantees: a task never gets a CPU that sched_setaffinity(2) forbids. Other CPUs' queues are judged by two numbers
// that are read without their locks: a choice may be second best, never wrong.
#pragma once

#include "sched/sched.h"

/// Where `task`, which has slept or has lost its CPU, is to run: where it ran if that is free, else on a free CPU, else
/// where it ran. A real-time task: where the least urgent one runs.
unsigned select_cpu(const task_struct* task);
/// Where a new task is to run: on the CPU with the fewest.
unsigned select_cpu_for_new(const task_struct* task);

/// This CPU has nothing to do: take over a task that waits elsewhere. With interrupts off. True if there is one.
bool pull_task();
/// At a tick: every few of them compare `rq`, this CPU's, with the others. Without locks.
void balance_at_tick(RunQueue& rq);
