// What the boot loader told us (PVH start_info), copied out of its memory.
//
// Guarantees: filled once by read_boot_info, before the page allocator exists. After: Xen's
// public/arch-x86/hvm/start_info.h.
#pragma once

#include "core/types.h"

struct MemoryRange {
    u64 start;
    u64 size;
    u32 type;  // 1: RAM, 2: reserved, 3: ACPI reclaimable, 4: ACPI NVS, 5: unusable
};

struct BootInfo {
    MemoryRange memory[64];
    u32 memory_count;
    u64 initrd_start, initrd_size;  // physical; size 0: none
    u64 rsdp;                       // physical, 0: search for it
    u64 start_info;                 // physical
};
extern BootInfo boot_info;

/// Panics if `start_info` (physical) has no valid magic.
void read_boot_info(u64 start_info);
