// Segment selectors, the TSS and interrupt gates (Intel SDM vol. 3, chapters 3, 6 and 8).
//
// Guarantees: selectors equal Linux's, so user land sees CS=0x33, SS=0x2b.
#pragma once

#include "core/types.h"

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER32_CS 0x23
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x40

struct [[gnu::packed]] TaskStateSegment {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_map_base;
};
static_assert(sizeof(TaskStateSegment) == 104);

enum IstIndex : u8 { kIstNone = 0, kIstDoubleFault = 1, kIstNmi = 2, kIstDebug = 3, kIstMachineCheck = 4 };

/// Load the GDT and TSS of this CPU.
void setup_gdt();
/// Fill and load the IDT.
void setup_idt();
/// Program SYSCALL (STAR, LSTAR, FMASK).
void setup_syscall();
