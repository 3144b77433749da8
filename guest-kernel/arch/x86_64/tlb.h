// The translation look-aside buffers: loading address spaces and flushing what has changed (Intel SDM vol.
// 3, 4.10).
//
// Every CR3 load, INVLPG and flush of the kernel is in tlb.cpp. A change of page tables is told by one of the
// flush functions after the entry has changed and before its page is used for something else; they know which
// CPUs have the address space loaded and which only remember some of it.
//
// Guarantees: each change of an address space counts up its generation. A CPU that has it loaded is flushed
// at once; every other CPU compares generations when it loads it. With PCIDs a CPU keeps the translations of
// the address spaces that it has left; each CPU numbers them by itself.
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
    OnCpu cpus[kMaxCpus];
};

/// Load the kernel's own page tables: at boot, and when nothing else is left.
void tlb_load_kernel();
/// Load an address space on this CPU.
void tlb_load(TlbContext& context, u64* pgd);
/// The address space is about to go: leave it if it is loaded on this CPU. No other CPU may have it loaded.
void tlb_forget(TlbContext& context);

/// One page's entry has changed.
void tlb_flush_page(TlbContext& context, u64 address);
/// Many entries, or page tables themselves, have changed.
void tlb_flush_all(TlbContext& context);
/// An entry of the kernel half has changed, on every CPU.
void tlb_flush_kernel_page(u64 address);
