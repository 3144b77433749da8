// What memory management counts: events since boot, and where the pages are now. /proc/vmstat, /proc/meminfo and the
// node's files in /sys are made from these two alone.
#pragma once

#include "core/types.h"

enum class VmEvent : u16 {
#define VM_EVENT(name) name,
#include "mm/vm_events.def"
#undef VM_EVENT
    kCount
};

/// Counts `n` events, on this CPU; may be called anywhere.
void count_vm_event(VmEvent event, u64 n = 1);
/// Sum over the CPUs.
u64 vm_events(VmEvent event);
const char* vm_event_name(VmEvent event);

/// Where the pages are, in pages of 4 KiB unless told otherwise. What a machine or this kernel has not is 0.
struct MemoryInfo {
    u64 present = 0;  ///< all RAM, firmware's part of it too
    u64 total = 0, free = 0;
    u64 available = 0;  ///< what a new program could have without swapping
    u64 buffers = 0;    ///< page cache of block devices
    u64 cached = 0;     ///< page cache of files, tmpfs included
    u64 swap_cached = 0, swap_total = 0, swap_free = 0;
    u64 active_anon = 0, inactive_anon = 0, active_file = 0, inactive_file = 0, unevictable = 0;
    u64 mlocked = 0;
    u64 file_pages = 0;  ///< buffers and cached together
    u64 dirty = 0, writeback = 0;
    u64 dirtied = 0, written = 0;  ///< ever
    u64 anon = 0, anon_huge = 0, mapped = 0, shmem = 0;
    u64 slab_reclaimable = 0, slab_unreclaimable = 0;
    u64 kernel_stack = 0, page_tables = 0, vmalloc_used = 0;
    u64 commit_limit = 0, committed = 0;
    u64 hugetlb = 0;
    u64 low_watermark = 0;  ///< what is kept for the kernel
    u64 direct_2m = 0;      ///< of RAM, mapped to the kernel by large pages
};
MemoryInfo memory_info();
/// At boot, once the memory map is known.
void vmstat_init();
