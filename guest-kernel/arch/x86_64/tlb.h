// The translation look-aside buffers: loading address spaces and flushing what has changed (Intel SDM vol.
// 3, 4.10).
//
// Every CR3 load, INVLPG and flush of the kernel is in tlb.cpp. A change of page tables is told by one of the
// flush functions after the entry has changed and before its page is used for something else; they know which
// CPUs have the address space loaded and which only remember some of it.
//
// Guarantees: each change of an address space counts up its generation. A CPU that runs in it is interrupted and has
// flushed when the function returns; every other CPU compares generations when it comes to it. With PCIDs a CPU keeps
// the translations of the address spaces that it has left; each CPU numbers them by itself. A CPU that is idle or runs
// a kernel thread keeps what it had loaded and is left in peace (lazy), unless page tables themselves go.
#pragma once

#include "arch/x86_64/percpu.h"
#include "core/types.h"

/// What the TLBs know of one address space.
struct TlbContext {
    struct OnCpu {
        u64 seen = 0;             // the generation up to which this CPU has flushed
        u64 pcid_generation = 0;  // `pcid` is valid while the CPU's own generation is equal
        u16 pcid = 0;
    };
    u64 generation = 0;
    u64 loaded_on = 0;  // CPUs, a bit each
    u64 lazy_on = 0;    // those of them that only keep it loaded
    OnCpu cpus[kMaxCpus];
};

/// Load the kernel's own page tables: at boot, and when nothing else is left.
void tlb_load_kernel();
/// Load an address space on this CPU. With interrupts off.
void tlb_load(TlbContext& context, u64* pgd);
/// This CPU goes on without user memory, on what it has loaded. With interrupts off.
void tlb_be_lazy();
/// The address space is about to go: leave it if it is loaded on this CPU. No other CPU may have it loaded.
void tlb_forget(TlbContext& context);

// The flushes of user memory may wait for other CPUs: interrupts must be on (arch/x86_64/smp.h, call_on).
/// Entries of [start, end) have changed.
void tlb_flush_range(TlbContext& context, u64 start, u64 end);
/// An entry allows more than before: this CPU is to see it at once, others after a fault.
void tlb_flush_page_here(u64 address);
/// One page's entry has changed.
void tlb_flush_page(TlbContext& context, u64 address);
/// Many entries have changed.
void tlb_flush_all(TlbContext& context);
/// Page tables have been unlinked: after this no CPU's page walker is in them.
void tlb_flush_tables(TlbContext& context);
/// An entry of the kernel half has changed, on every CPU.
void tlb_flush_kernel_page(u64 address);
