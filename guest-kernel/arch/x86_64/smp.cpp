// Starting CPUs and calls between them (arch/x86_64/smp.h).
//
// A call: the caller fills in its own slot and sets a bit for each CPU that is to run it; each of those looks through
// all slots when it is interrupted, and clears its bit. A CPU has one call under way at most: it waits for it, and
// handlers make none.
//
// Guarantees: as in the header.
#include "arch/x86_64/smp.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/tlb.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "drivers/acpi.h"
#include "drivers/apic.h"
#include "drivers/irq.h"
#include "mm/page.h"
#include "sched/sched.h"
#include "task/fork.h"
#include "time/clock.h"

// What ap_start_high (boot.S) loads: one CPU is started at a time.
extern "C" {
extern const u8 trampoline_start[], trampoline_end[];
CpuData* ap_cpu_data;
u64 ap_stack_top;
}

namespace {

constexpr u64 kTrampoline = 0x8000;  // below 1 MiB, which is reserved from the start (mm/memblock.cpp)

struct Call {
    u64 pending = 0;  // who has still to run it
    void (*function)(void*) = nullptr;
    void* argument = nullptr;
};
PerCpu<Call> calls;
bool stop_asked = false;

void run_calls(pt_regs*) {
    const u64 me = cpu_bit(this_cpu_number());
    calls.for_each_online([me](Call& call) {
        if (!(__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE) & me)) return;
        call.function(call.argument);
        __atomic_and_fetch(&call.pending, ~me, __ATOMIC_RELEASE);
    });
}

void wait_ns(u64 ns) {
    for (const u64 end = ktime_get_ns() + ns; ktime_get_ns() < end;) cpu_relax();
}

bool comes_online(unsigned cpu, u64 within_ns) {
    const u64 end = ktime_get_ns() + within_ns;
    while (__atomic_load_n(&online_cpus, __ATOMIC_ACQUIRE) <= cpu) {
        if (ktime_get_ns() >= end) return false;
        cpu_relax();
    }
    return true;
}

/// What the CPU needs before its first instruction in C++.
bool prepare(unsigned cpu, u32 apic_id) {
    CpuData& data = cpu_data[cpu];
    data.self = &data;
    data.cpu_number = cpu;
    data.apic_id = apic_id;
    data.tables = new (std::nothrow) CpuTables;
    data.current_task = make_idle_task(cpu);
    if (!data.tables || !data.current_task) return false;
    data.top_of_stack = reinterpret_cast<u64>(data.current_task->stack) + kThreadSize;
    ap_cpu_data = &data;
    ap_stack_top = data.top_of_stack;
    return true;
}

bool start_cpu(unsigned cpu, u32 apic_id) {
    constexpr u64 kMicrosecond = 1000;
    if (!prepare(cpu, apic_id)) {
        printk(KERN_ERR "smp: no memory for CPU%u\n", cpu);
        return false;
    }
    lapic_send_init(apic_id);
    wait_ns(10 * kMicrosecond);  // today's CPUs need none of the manual's 10 ms
    lapic_send_startup(apic_id, kTrampoline);
    if (!comes_online(cpu, 1000 * kMicrosecond)) lapic_send_startup(apic_id, kTrampoline);
    if (comes_online(cpu, 2 * kNsPerSec)) return true;
    printk(KERN_ERR "smp: CPU%u (APIC %u) does not answer\n", cpu, apic_id);
    return false;
}

unsigned wanted_cpus() {
    u64 limit = kMaxCpus;
    char value[16];
    if (cmdline_value("maxcpus", value, sizeof(value)) && !parse_u64(value, 10, &limit)) limit = kMaxCpus;
    if (cmdline_has("nosmp")) limit = 1;
    return static_cast<unsigned>(max<u64>(min<u64>(acpi_info.cpu_count, limit), 1));
}

}  // namespace

/// Where boot.S brings a CPU, on the stack of its idle task.
extern "C" [[noreturn]] void ap_main() {
    setup_gdt(*this_cpu().tables);
    load_idt();
    enable_cpu_features();
    setup_syscall();
    tlb_load_kernel();
    lapic_init();
    __atomic_store_n(&online_cpus, this_cpu_number() + 1, __ATOMIC_RELEASE);
    local_irq_enable();
    cpu_idle();
}

void start_other_cpus() {
    set_vector_handler(kRescheduleVector, [](pt_regs*) {});  // the way out of the interrupt looks
    set_vector_handler(kCallFunctionVector, run_calls);
    memcpy(phys_to_virt(kTrampoline), trampoline_start,
           static_cast<size_t>(trampoline_end - trampoline_start));
    const u32 own_id = this_cpu().apic_id;
    const unsigned wanted = wanted_cpus();
    for (unsigned i = 0; i < acpi_info.cpu_count && online_cpus < wanted; i++) {
        const u32 apic_id = acpi_info.apic_ids[i];
        if (apic_id != own_id && !start_cpu(online_cpus, apic_id)) break;
    }
    printk(KERN_INFO "smp: Brought up 1 node, %u CPU%s\n", online_cpus, online_cpus == 1 ? "" : "s");
}

u64 online_mask() {
    return (1ull << __atomic_load_n(&online_cpus, __ATOMIC_ACQUIRE)) - 1;
}

void send_reschedule(unsigned cpu) {
    lapic_send(cpu_data[cpu].apic_id, kRescheduleVector);
}

void call_on(u64 cpus, void (*function)(void*), void* argument) {
    cpus &= online_mask() & ~cpu_bit(this_cpu_number());
    if (!cpus) return;
    BUG_ON(irqs_disabled() || this_cpu().hardirq_depth != 0);
    Call& call = calls.here();
    call.function = function;
    call.argument = argument;
    __atomic_store_n(&call.pending, cpus, __ATOMIC_SEQ_CST);
    for (u64 left = cpus; left; left &= left - 1)
        lapic_send(cpu_data[__builtin_ctzll(left)].apic_id, kCallFunctionVector);
    while (__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE)) cpu_relax();
}

void stop_other_cpus() {
    if (__atomic_exchange_n(&stop_asked, true, __ATOMIC_SEQ_CST)) return;
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        if (cpu != this_cpu_number()) lapic_send_nmi(cpu_data[cpu].apic_id);
    }
}

void smp_stop_if_asked() {
    if (!__atomic_load_n(&stop_asked, __ATOMIC_ACQUIRE)) return;
    for (;;) asm volatile("cli; hlt");
}
