// GDT, TSS, IDT and the SYSCALL MSRs (arch/x86_64/segments.h).
//
// Guarantees: exceptions that may strike on a bad stack (#DF, NMI, #DB, #MC) have their own stacks (IST).
// SYSCALL clears TF, IF, DF, NT, AC and IOPL.
#include "arch/x86_64/segments.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "core/string.h"

extern "C" {
CpuData cpu_data[kMaxCpus] = {{&cpu_data[0], nullptr, 0, 0, 0, 0, 0, 0, nullptr, 0, &boot_cpu_tables}};
void entry_SYSCALL_64();
void entry_SYSCALL_compat();
void asm_int80_emulation();
extern u64 exception_entries[32];
extern u8 irq_entries_start[];
}
static_assert(offsetof(CpuData, current_task) == 0x08 && offsetof(CpuData, top_of_stack) == 0x10 &&
              offsetof(CpuData, user_rsp_scratch) == 0x18 && offsetof(CpuData, cpu_number) == 0x20);
unsigned online_cpus = 1;

namespace {

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};
struct [[gnu::packed]] Gate {
    u16 offset_low, selector;
    u8 ist, type;
    u16 offset_middle;
    u32 offset_high, reserved;
};

constexpr u64 kCode32 = 0x00cffb000000ffff, kCode64 = 0x00af9b000000ffff, kData = 0x00cf93000000ffff;
constexpr u64 kUserData = 0x00cff3000000ffff, kUserCode64 = 0x00affb000000ffff,
              kKernelCode32 = 0x00cf9b000000ffff;

/// What the vDSO's getcpu reads: a segment whose limit is the CPU's number.
constexpr u64 cpu_number_segment(u32 cpu) {
    return (cpu & 0xffff) | 0xf1ull << 40 | 0x4ull << 52;
}

alignas(16) Gate idt[256];  // one for all CPUs

void set_gate(unsigned vector, u64 handler, u8 ist, unsigned dpl) {
    idt[vector] = {static_cast<u16>(handler),
                   KERNEL_CS,
                   ist,
                   static_cast<u8>(0x8e | dpl << 5),
                   static_cast<u16>(handler >> 16),
                   static_cast<u32>(handler >> 32),
                   0};
}

}  // namespace

CpuTables boot_cpu_tables;

void setup_gdt(CpuTables& t) {
    for (int i = 0; i < 4; i++)
        t.tss.ist[i] = reinterpret_cast<u64>(t.ist_stacks[i] + CpuTables::kIstStackSize);
    t.tss.io_map_base = sizeof(TaskStateSegment);
    const u64 base = reinterpret_cast<u64>(&t.tss);
    const u64 descriptors[] = {
        0,
        kKernelCode32,
        kCode64,
        kData,
        kCode32,
        kUserData,
        kUserCode64,
        0,
        (sizeof(TaskStateSegment) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56,
        base >> 32,
        0,
        0,
        0,
        0,
        0,
        cpu_number_segment(this_cpu().cpu_number)};
    static_assert(sizeof(descriptors) <= sizeof(t.gdt));
    memcpy(t.gdt, descriptors, sizeof(descriptors));
    const TablePointer pointer = {sizeof(t.gdt) - 1, reinterpret_cast<u64>(t.gdt)};
    asm volatile("lgdt %0" ::"m"(pointer));
    asm volatile("lldt %w0" ::"r"(0));  // no local descriptors, whatever the firmware left
    asm volatile("ltr %w0" ::"r"(TSS_SELECTOR));
    this_cpu().tss = &t.tss;
}

void fill_idt() {
    for (unsigned v = 0; v < 32; v++) {
        const u8 ist = v == 1    ? kIstDebug
                       : v == 2  ? kIstNmi
                       : v == 8  ? kIstDoubleFault
                       : v == 18 ? kIstMachineCheck
                                 : 0;
        set_gate(v, exception_entries[v], ist, v == 3 || v == 4 ? 3 : 0);
    }
    for (unsigned v = 32; v < 256; v++) {
        set_gate(v, reinterpret_cast<u64>(irq_entries_start) + (v - 32) * 16, 0, 0);
    }
    set_gate(0x80, reinterpret_cast<u64>(&asm_int80_emulation), 0, 3);
}

void load_idt() {
    const TablePointer pointer = {sizeof(idt) - 1, reinterpret_cast<u64>(idt)};
    asm volatile("lidt %0" ::"m"(pointer));
}

void setup_syscall() {
    // SYSRET takes CS from STAR[63:48]+16 and SS from +8.
    wrmsr(kMsrStar, static_cast<u64>(USER32_CS) << 48 | static_cast<u64>(KERNEL_CS) << 32);
    wrmsr(kMsrLstar, reinterpret_cast<u64>(&entry_SYSCALL_64));
    wrmsr(kMsrCstar, reinterpret_cast<u64>(&entry_SYSCALL_compat));
    wrmsr(kMsrFmask, 0x47700);
}
