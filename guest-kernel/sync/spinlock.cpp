// Spin locks (sync/spinlock.h).
//
// Guarantees: with one CPU a lock that is found taken can only be a mistake of the holder: BUG. The rank
// check uses the CPU's highest held rank, which is restored on unlock by locks being released in reverse
// order.
#include "sync/spinlock.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "core/panic.h"

void SpinLock::lock() {
    CpuData& cpu = this_cpu();
    cpu.preempt_count++;
    if (cpu.lock_rank >= static_cast<u32>(rank_)) [[unlikely]]
        panic("lock rank %u taken while holding %u", static_cast<u32>(rank_), cpu.lock_rank);
    outer_rank_ = static_cast<u8>(cpu.lock_rank);
    cpu.lock_rank = static_cast<u32>(rank_);
    while (__atomic_exchange_n(&locked_, 1, __ATOMIC_ACQUIRE)) cpu_relax();
}

void SpinLock::unlock() {
    BUG_ON(!is_locked());
    const u8 outer = outer_rank_;
    __atomic_store_n(&locked_, 0, __ATOMIC_RELEASE);
    CpuData& cpu = this_cpu();
    cpu.lock_rank = outer;
    cpu.preempt_count--;
}

u64 SpinLock::lock_irqsave() {
    const u64 flags = local_irq_save();
    lock();
    return flags;
}

void SpinLock::unlock_irqrestore(u64 flags) {
    unlock();
    local_irq_restore(flags);
}
