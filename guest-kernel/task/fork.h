// Making tasks: fork, vfork, clone, kernel threads.
//
// Guarantees: see fork.cpp.
#pragma once

#include "task/pid_namespace.h"
#include "task/task.h"

struct CloneArgs {
    u64 flags = 0;
    int exit_signal = 0;
    u64 stack = 0;  // new stack pointer, 0: the parent's
    u64 tls = 0;
    u64 parent_tid = 0;
    u64 child_tid = 0;
    u64 pidfd = 0;          // where CLONE_PIDFD's descriptor goes
    u32 set_tid_count = 0;  // pids that are asked for, of the innermost namespace first
    pid_t set_tid[kMaxPidLevels + 1];
};

/// clone(2). The child's pid in the parent.
Result<pid_t> kernel_clone(const CloneArgs& args);
/// A kernel thread that runs function(argument) and must not return unless it has become a user process.
Result<pid_t> kernel_thread(void (*function)(void*), void* argument, const char* name);
/// The vfork parent waits for this; exec and exit complete it.
struct VforkDone {
    WaitQueue queue;
    bool done = false;
};
void complete_vfork(task_struct* task);
void init_first_task();
extern u32 max_threads;
/// The idle task of a CPU that is about to start (pid 0, in no list), made that CPU's current one. Null without memory.
task_struct* make_idle_task(unsigned cpu);
