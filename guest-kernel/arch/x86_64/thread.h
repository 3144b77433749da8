// The machine part of a task: what a context switch saves, and the saved user registers.
//
// Guarantees: pt_regs has Linux's layout (asm/ptrace.h).
#pragma once

#include "arch/x86_64/fpu.h"
#include "core/types.h"

struct pt_regs {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 orig_rax;  // system call number, error code, or -1
    u64 rip, cs, eflags, rsp, ss;
};

struct thread_struct {
    u64 sp = 0;  // kernel stack pointer while switched out
    u64 fsbase = 0;
    u64 gsbase = 0;                      // the user's (in KERNEL_GS_BASE while in the kernel)
    u64 tls[3] = {};                     // its descriptors in the GDT (arch/x86_64/tls.h)
    u16 ds = 0, es = 0, fs = 0, gs = 0;  // selectors, while switched out
    // Of the last exception that became a signal, for the frames of all later ones.
    u64 trap_nr = 0;
    u64 error_code = 0;
    u64 cr2 = 0;
    u64 fault_fixup = 0;
    FpuState fpu;
};

constexpr u64 kThreadSize = 16384;
