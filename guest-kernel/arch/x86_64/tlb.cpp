// TLB flushes and CR3 (arch/x86_64/tlb.h).
//
// Guarantees: as in the header. TlbContext::loaded_on is set (and lazy_on cleared) before the generation is read, and
// a flush counts the generation up before it reads them: either the flush sees the CPU, or the CPU sees the change.
// `seen` never passes a generation whose change this CPU has not flushed: a single flush moves it by one, and only from
// the generation before; whoever lags further flushes everything.
#include "arch/x86_64/tlb.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/smp.h"
#include "core/panic.h"

namespace {

struct TlbState {
    TlbContext* loaded = nullptr;  // null: the kernel's own page tables
    bool lazy = false;             // `loaded` is only kept
    u64 pcid_generation = 1;
    u16 last_pcid = 0;  // 0 itself is the kernel's own page table
};
constinit PerCpu<TlbState> tlb_states;

constexpr u16 kMaxPcid = 4095;
constexpr u64 kCr3NoFlush = 1ull << 63;
constexpr u64 kMaxSinglePages = 32;  // from here on one flush of everything costs less

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
    if (tlb.loaded) {
        __atomic_and_fetch(&tlb.loaded->loaded_on, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
        if (tlb.lazy) __atomic_and_fetch(&tlb.loaded->lazy_on, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
    }
    tlb.loaded = nullptr;
    tlb.lazy = false;
}

/// All entries of the loaded address space.
void flush_loaded() {
    write_cr3(read_cr3());
}

/// What is to be flushed, and the generation that this makes.
struct Change {
    TlbContext* context;
    u64 start, end;
    u64 generation;
    bool tables;
};

bool is_short(const Change& change) {
    return change.end - change.start <= kMaxSinglePages * kPageSize;
}

/// This CPU's part of a flush; with interrupts off.
void flush_here(const Change& change) {
    TlbState& tlb = tlb_states.here();
    TlbContext& context = *change.context;
    TlbContext::OnCpu& here = context.cpus[this_cpu_number()];
    if (tlb.loaded != &context) return;  // it compares generations when it comes back
    if (tlb.lazy && change.tables) {
        tlb_load_kernel();
    } else if (tlb.lazy || here.seen >= change.generation) {
        return;
    } else if (here.seen + 1 == change.generation && is_short(change)) {
        for (u64 a = change.start; a < change.end; a += kPageSize) invlpg(a);
        here.seen = change.generation;
    } else {
        const u64 generation = __atomic_load_n(&context.generation, __ATOMIC_SEQ_CST);
        flush_loaded();
        here.seen = generation;
    }
}

void flush_here_in_call(void* change) {
    flush_here(*static_cast<const Change*>(change));
}

/// The shootdown: here, and on every CPU that may use the old entries.
void flush(TlbContext& context, u64 start, u64 end, bool tables) {
    Change change = {&context, start, end, 0, tables};
    change.generation = __atomic_add_fetch(&context.generation, 1, __ATOMIC_SEQ_CST);
    const u64 flags = local_irq_save();
    flush_here(change);
    local_irq_restore(flags);
    u64 cpus = __atomic_load_n(&context.loaded_on, __ATOMIC_SEQ_CST);
    if (!tables) cpus &= ~__atomic_load_n(&context.lazy_on, __ATOMIC_SEQ_CST);
    if (cpus & ~this_cpu_bit()) call_on(cpus, flush_here_in_call, &change);
}

}  // namespace

void tlb_load_kernel() {
    leave_loaded(tlb_states.here());
    write_cr3(physical(kernel_pgd));
}

void tlb_load(TlbContext& context, u64* pgd) {
    TlbState& tlb = tlb_states.here();
    TlbContext::OnCpu& here = context.cpus[this_cpu_number()];
    if (tlb.loaded == &context) {
        if (!tlb.lazy) return;
        tlb.lazy = false;
        __atomic_and_fetch(&context.lazy_on, ~this_cpu_bit(), __ATOMIC_SEQ_CST);
        const u64 generation = __atomic_load_n(&context.generation, __ATOMIC_SEQ_CST);
        if (here.seen == generation) return;
        flush_loaded();
        here.seen = generation;
        return;
    }
    leave_loaded(tlb);
    tlb.loaded = &context;
    __atomic_or_fetch(&context.loaded_on, this_cpu_bit(), __ATOMIC_SEQ_CST);
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

void tlb_be_lazy() {
    TlbState& tlb = tlb_states.here();
    if (!tlb.loaded || tlb.lazy) return;
    tlb.lazy = true;
    __atomic_or_fetch(&tlb.loaded->lazy_on, this_cpu_bit(), __ATOMIC_SEQ_CST);
}

void tlb_forget(TlbContext& context) {
    const u64 flags = local_irq_save();
    if (tlb_states.here().loaded == &context) tlb_load_kernel();
    local_irq_restore(flags);
    BUG_ON(__atomic_load_n(&context.loaded_on, __ATOMIC_SEQ_CST) != 0);
}

void tlb_flush_range(TlbContext& context, u64 start, u64 end) {
    flush(context, start, end, false);
}

void tlb_flush_page_here(u64 address) {
    invlpg(address);
}

void tlb_flush_page(TlbContext& context, u64 address) {
    flush(context, address & kPageMask, (address & kPageMask) + kPageSize, false);
}

void tlb_flush_all(TlbContext& context) {
    flush(context, 0, ~0ull, false);
}

void tlb_flush_tables(TlbContext& context) {
    flush(context, 0, ~0ull, true);
}

void tlb_flush_kernel_page(u64 address) {
    const auto flush_one = [](void* page) { invlpg(reinterpret_cast<u64>(page)); };
    flush_one(reinterpret_cast<void*>(address));
    call_on(online_mask(), flush_one, reinterpret_cast<void*>(address));
}
