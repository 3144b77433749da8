// Exceptions: what a fault means to the program that caused it, or to the kernel.
//
// Guarantees: a fault in user mode becomes a signal; one in the kernel is repaired by the exception table or
// is a panic.
#pragma once

#include "arch/x86_64/thread.h"
#include "core/types.h"

inline bool user_mode(const pt_regs* regs) {
    return (regs->cs & 3) != 0;
}
/// If the kernel instruction at regs->rip may fault, go on at its fixup.
bool fixup_exception(pt_regs* regs);
/// What the frame of the signal to come, and of later ones, says of the exception (SDM vol. 3, 6.15).
void note_trap(u64 number, u64 error_code);
/// "Oops": print the registers and panic.
[[noreturn]] void die(const char* what, const pt_regs* regs, u64 error_code);

enum PageFaultError : u64 {
    kPfPresent = 1,
    kPfWrite = 2,
    kPfUser = 4,
    kPfReserved = 8,
    kPfInstruction = 16,
};
