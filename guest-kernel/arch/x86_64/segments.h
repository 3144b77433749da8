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

/// A CPU's own descriptors, task state and stacks for exceptions that may strike on a bad one.
struct CpuTables {
    static constexpr size_t kIstStackSize = 8192;
    alignas(16) u64 gdt[16];
    alignas(16) TaskStateSegment tss;
    alignas(16) u8 ist_stacks[4][kIstStackSize];
};
extern CpuTables boot_cpu_tables;

/// Fill `tables` and make them this CPU's.
void setup_gdt(CpuTables& tables);
/// Fill the IDT, once for all CPUs.
void fill_idt();
/// Let this CPU use it.
void load_idt();
/// Program this CPU's SYSCALL (STAR, LSTAR, FMASK).
void setup_syscall();
