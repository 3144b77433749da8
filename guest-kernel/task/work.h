// Work flags: what a task has to do on its way between user mode and the kernel (Linux's TIF_ and
// SYSCALL_WORK_ flags).
//
// Guarantees: task_struct::work is changed by single atomic operations, so that other CPUs and interrupt
// handlers may set a flag at any time; the task itself looks at it with interrupts off before it enters user
// mode (task/entry.cpp), so none is missed.
#pragma once

#include "core/types.h"

enum TaskWork : u32 {
    kWorkResched = 1,           // somebody else should run
    kWorkSignal = 2,            // there may be a signal to deliver (Linux's TIF_SIGPENDING)
    kWorkRestoreSigmask = 4,    // put task_struct::saved_sigmask back
    kWorkRseq = 8,              // the task was interrupted: look at its restartable sequence
    kWorkSeccompStrict = 0x10,  // only read, write, _exit and sigreturn (seccomp(2), SECCOMP_MODE_STRICT)
};
/// Looked at before each return to user mode.
constexpr u32 kExitWork = kWorkResched | kWorkSignal | kWorkRestoreSigmask | kWorkRseq;
/// Looked at on entry to each system call.
constexpr u32 kSyscallEntryWork = kWorkSeccompStrict;

/// The flags of one task.
class WorkFlags {
  public:
    void set(TaskWork flag) { __atomic_or_fetch(&bits_, flag, __ATOMIC_SEQ_CST); }
    void clear(TaskWork flag) {
        if (has(flag)) __atomic_and_fetch(&bits_, ~u32{flag}, __ATOMIC_SEQ_CST);
    }
    void assign(TaskWork flag, bool on) {
        if (has(flag) != on) on ? set(flag) : clear(flag);
    }
    bool has(TaskWork flag) const { return (all() & flag) != 0; }
    u32 all() const { return __atomic_load_n(&bits_, __ATOMIC_RELAXED); }

  private:
    u32 bits_ = 0;
};
