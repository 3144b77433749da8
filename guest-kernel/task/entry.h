// The hooks on the way between user mode and the kernel, driven by the task's work flags (task/work.h).
//
// Guarantees: every system call passes syscall_enter_from_user_mode once before its handler runs; every
// return to user mode, from a call, an exception or an interrupt, passes exit_to_user_mode, which leaves no
// flag of kExitWork set. An end of the call alone (ptrace's stop at its exit) belongs into do_syscall_64
// between the two.
#pragma once

#include "core/types.h"

struct pt_regs;

/// Entry work of system call `number`, which need not exist; enables interrupts. May not return: the call may
/// be forbidden.
void syscall_enter_from_user_mode(i64 number);
/// Exit work: reschedule, deliver signals, mend restartable sequences. Returns with interrupts off, ready for
/// SYSRET or IRET to `regs`.
extern "C" void exit_to_user_mode(pt_regs* regs);
