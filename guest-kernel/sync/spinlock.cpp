// Spin locks (sync/spinlock.h).
//
// Guarantees: as in the header. The rank check uses the CPU's highest held rank, which is restored on unlock
// by locks being released in reverse order.
#include "sync/spinlock.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "core/panic.h"

void SpinLock::lock() {
    CpuData& cpu = this_cpu();
    cpu.preempt_count++;
    if (cpu.lock_rank >= static_cast<u32>(rank_)) [[unlikely]]
        panic("lock rank %u taken while holding %u", static_cast<u32>(rank_), cpu.lock_rank);
    const u32 me = cpu.cpu_number + 1;
    // An interrupt handler's ranks start anew, so the check above does not see what it has interrupted.
    if (__atomic_load_n(&holder_, __ATOMIC_RELAXED) == me) [[unlikely]]
        panic("lock rank %u taken by an interrupt of its own holder", static_cast<u32>(rank_));
    const u32 ticket = __atomic_fetch_add(&next_, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&serving_, __ATOMIC_ACQUIRE) != ticket) cpu_relax();
    __atomic_store_n(&holder_, me, __ATOMIC_RELAXED);
    outer_rank_ = static_cast<u8>(cpu.lock_rank);
    cpu.lock_rank = static_cast<u32>(rank_);
}

void SpinLock::unlock() {
    CpuData& cpu = this_cpu();
    BUG_ON(holder_ != cpu.cpu_number + 1);
    const u8 outer = outer_rank_;
    __atomic_store_n(&holder_, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&serving_, serving_ + 1, __ATOMIC_RELEASE);
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
