// TLB flushes and CR3 (arch/x86_64/tlb.h).
//
// Guarantees: as in the header. TlbContext::loaded_on is set before the generation is read, and a flush
// counts the generation up before it reads loaded_on: either the flush sees the CPU, or the CPU sees the
// change.
#include "arch/x86_64/tlb.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pgtable.h"
#include "core/panic.h"

namespace {

struct TlbState {
    TlbContext* loaded = nullptr;  // null: the kernel's own page tables
    u64 pcid_generation = 1;
    u16 last_pcid = 0;  // 0 itself is the kernel's own page table
};
constinit PerCpu<TlbState> tlb_states;

constexpr u16 kMaxPcid = 4095;
constexpr u64 kCr3NoFlush = 1ull << 63;

u64 read_cr3() {
    u64 value;
    asm volatile("movq %%cr3, %0" : "=r"(value)::"memory");
    return value;
}
void write_cr3(u64 value) {
    asm volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}
void invlpg(u64 address) {
    asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}
/// All entries of all identifiers, global ones too.
void flush_everything() {
    const u64 cr4 = read_cr4();
    write_cr4(cr4 & ~kCr4Pge);
    write_cr4(cr4);
}

u64 physical(u64* pgd) {
    return reinterpret_cast<u64>(pgd) - kDirectMap;
}
u64 this_cpu_bit() {
    return 1ull << this_cpu_number();
}

/// A fresh identifier; when all are used up everything is flushed and the count starts again.
void give_pcid(TlbState& tlb, TlbContext::OnCpu& here) {
    if (tlb.last_pcid == kMaxPcid) {
        tlb.pcid_generation++;
        tlb.last_pcid = 0;
        flush_everything();
    }
    here.pcid = ++tlb.last_pcid;
    here.pcid_generation = tlb.pcid_generation;
}

void leave_loaded(TlbState& tlb) {
    if (tlb.loaded) __atomic_and_fetch(&tlb.loaded->loaded_on, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
    tlb.loaded = nullptr;
}

/// The shootdown: interrupt `cpus` and wait until each has flushed. With one CPU running there is nobody to
/// tell.
void flush_on(u64 cpus) {
    BUG_ON(cpus != 0);
}

u64 others(u64 cpus) {
    return cpus & ~this_cpu_bit();
}

/// Counts the change. True if this CPU has the address space loaded: it is to flush now, which is noted
/// already.
bool note_change(TlbContext& context) {
    const u64 generation = __atomic_add_fetch(&context.generation, 1, __ATOMIC_SEQ_CST);
    if (tlb_states.here().loaded != &context) return false;
    context.cpus[this_cpu_number()].seen = generation;
    return true;
}

}  // namespace

void tlb_load_kernel() {
    leave_loaded(tlb_states.here());
    write_cr3(physical(kernel_pgd));
}

void tlb_load(TlbContext& context, u64* pgd) {
    TlbState& tlb = tlb_states.here();
    if (tlb.loaded == &context) return;
    leave_loaded(tlb);
    tlb.loaded = &context;
    __atomic_or_fetch(&context.loaded_on, this_cpu_bit(), __ATOMIC_SEQ_CST);
    TlbContext::OnCpu& here = context.cpus[this_cpu_number()];
    const u64 generation = __atomic_load_n(&context.generation, __ATOMIC_SEQ_CST);
    u64 cr3 = physical(pgd);
    if (boot_cpu_features.pcid) {
        const bool fresh = here.pcid_generation != tlb.pcid_generation;
        if (fresh) give_pcid(tlb, here);
        cr3 |= here.pcid;
        if (fresh || here.seen == generation) cr3 |= kCr3NoFlush;
    }
    here.seen = generation;
    write_cr3(cr3);
}

void tlb_forget(TlbContext& context) {
    if (tlb_states.here().loaded == &context) tlb_load_kernel();
    BUG_ON(context.loaded_on != 0);
}

void tlb_flush_page(TlbContext& context, u64 address) {
    if (note_change(context)) invlpg(address);
    flush_on(others(context.loaded_on));
}

void tlb_flush_all(TlbContext& context) {
    if (note_change(context)) write_cr3(read_cr3());
    flush_on(others(context.loaded_on));
}

void tlb_flush_kernel_page(u64 address) {
    invlpg(address);
    flush_on(others((1ull << online_cpus) - 1));
}
