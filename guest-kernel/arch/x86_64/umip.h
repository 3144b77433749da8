// UMIP: programs may not read where the kernel's tables lie (SGDT, SIDT, SLDT, STR, SMSW raise #GP at CPL 3); as Linux
// does, they get made-up values instead (arch/x86/kernel/umip.c).
//
// Guarantees: the values are constants; a program learns nothing of the kernel from them.
#pragma once

struct pt_regs;

/// After a #GP of a program: carries out the instruction if it is one of these. False: it is not, or cannot be read.
/// A result that cannot be stored is a fault of the program's, sent as a signal.
bool fixup_umip_exception(pt_regs* regs);
