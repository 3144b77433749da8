// Restartable sequences (rseq(2)): per-CPU critical sections of user mode that the kernel aborts.
//
// Guarantees: see rseq.cpp.
#pragma once

#include "arch/x86_64/thread.h"

/// Before returning to user mode after a preemption, and before a signal's frame is built: leave the critical
/// section that `regs` is in, and tell the program its CPU. A malformed area is SIGSEGV.
void rseq_handle(pt_regs* regs);
