// The kernel's real spin lock, on a made-up CPU: the other tests run on the shim's locks, so it goes by another name
// here, and its panics are exceptions.
#include <stdexcept>

#include "tests/unit/catch.h"

#define SpinLock RealSpinLock
#define SpinGuard RealSpinGuard
#define IrqGuard RealIrqGuard
#define this_cpu spinning_cpu
#define panic throw_panic
#include "sync/spinlock.cpp"

[[noreturn]] void throw_panic(const char* format, ...) {
    throw std::runtime_error(format);
}

namespace {
CpuData* g_cpu;

/// What common_interrupt does to the ranks: those of the interrupted code do not count in a handler.
template <class F>
void in_interrupt(F handler) {
    const u32 rank = g_cpu->lock_rank;
    g_cpu->lock_rank = 0;
    handler();
    g_cpu->lock_rank = rank;
}
}  // namespace

CpuData& this_cpu() {
    return *g_cpu;
}

TEST_CASE("a spin lock may be taken under lower ranks only, and gives the CPU its old rank back") {
    CpuData cpu;
    g_cpu = &cpu;
    SpinLock outer(LockRank::kTasks), inner(LockRank::kPages);
    outer.lock();
    inner.lock();
    CHECK(cpu.preempt_count == 2);
    CHECK(cpu.lock_rank == static_cast<u32>(LockRank::kPages));
    CHECK_THROWS_AS(outer.lock(), std::runtime_error);
    cpu.preempt_count = 2;
    inner.unlock();
    CHECK(cpu.lock_rank == static_cast<u32>(LockRank::kTasks));
    outer.unlock();
    CHECK(cpu.lock_rank == 0);
    CHECK(cpu.preempt_count == 0);
}

TEST_CASE(
    "an interrupt that takes the lock that it interrupted is a panic, not a hang; once free, another CPU "
    "may") {
    CpuData cpu;
    g_cpu = &cpu;
    SpinLock lock(LockRank::kTimer);
    lock.lock();
    in_interrupt([&] { CHECK_THROWS_AS(lock.lock(), std::runtime_error); });
    cpu.preempt_count = 1;
    lock.unlock();
    CpuData other;
    other.cpu_number = 3;
    g_cpu = &other;
    lock.lock();
    lock.unlock();
    CHECK(other.preempt_count == 0);
}

TEST_CASE("a spin lock goes from CPU to CPU, and a panic breaks it open") {
    CpuData cpus[3];
    for (u32 i = 0; i < 3; i++) cpus[i].cpu_number = i;
    g_cpu = &cpus[0];
    SpinLock lock(LockRank::kTimer);
    lock.lock();
    lock.unlock();
    g_cpu = &cpus[1];
    lock.lock();
    lock.unlock();
    CHECK(cpus[0].preempt_count == 0);
    CHECK(cpus[1].preempt_count == 0);
    lock.lock();
    lock.break_open();  // in a panic: its holder is stopped
    g_cpu = &cpus[2];
    lock.lock();
    lock.unlock();
    CHECK(cpus[2].preempt_count == 0);
}
