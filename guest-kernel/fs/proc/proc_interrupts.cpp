// /proc/interrupts, /proc/softirqs and the line of /proc/stat about interrupts (proc(5)).
#include "arch/x86_64/percpu.h"
#include "drivers/irq.h"
#include "fs/proc/proc_system.h"

namespace {

using ull = unsigned long long;

u64 sum_over_cpus(u8 vector) {
    u64 sum = 0;
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) sum += vector_count(cpu, vector);
    return sum;
}

Result<void> append_counts(KString& out, u8 vector) {
    for (unsigned cpu = 0; cpu < online_cpus; cpu++)
        TRY(out.appendf("%10llu ", static_cast<ull>(vector_count(cpu, vector))));
    return {};
}

/// What this kernel's local APICs raise. Of the rest of Linux's list there is nothing to count.
constexpr struct {
    const char* name;
    u8 vector;
    const char* text;
} kLocal[] = {
    {"LOC", kTimerVector, "Local timer interrupts"},
    {"SPU", kSpuriousVector, "Spurious interrupts"},
    {"RES", kRescheduleVector, "Rescheduling interrupts"},
    {"CAL", kCallFunctionVector, "Function call interrupts"},
};

}  // namespace

Result<void> show_interrupts(KString& out) {
    TRY(out.append("           "));
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) TRY(out.appendf("CPU%-8u", cpu));
    TRY(out.push('\n'));
    IrqInfo info;
    for (unsigned irq = 0; irq < kIrqCount; irq++) {
        if (!irq_info(irq, &info)) continue;
        TRY(out.appendf("%3u: ", irq));
        TRY(append_counts(out, static_cast<u8>(kIrqBase + irq)));
        TRY(out.appendf("  IO-APIC %3u-%-8s %s\n", info.gsi, info.level ? "fasteoi" : "edge", info.name));
    }
    for (const auto& local : kLocal) {
        TRY(out.appendf("%s: ", local.name));
        TRY(append_counts(out, local.vector));
        TRY(out.appendf("  %s\n", local.text));
    }
    return out.appendf("ERR: %10u\nMIS: %10u\n", 0u, 0u);
}

// Work put off by interrupt handlers: there is none, handlers do all of theirs.
Result<void> show_softirqs(KString& out) {
    static constexpr const char* kNames[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                             "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    TRY(out.append("                    "));
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) TRY(out.appendf("CPU%-8u", cpu));
    TRY(out.push('\n'));
    for (const char* name : kNames) {
        TRY(out.appendf("%12s:", name));
        for (unsigned cpu = 0; cpu < online_cpus; cpu++) TRY(out.appendf(" %10u", 0u));
        TRY(out.push('\n'));
    }
    return {};
}

Result<void> show_stat_intr(KString& out) {
    u64 total = 0;
    for (unsigned vector = 0; vector < 256; vector++) total += sum_over_cpus(static_cast<u8>(vector));
    TRY(out.appendf("intr %llu", static_cast<ull>(total)));
    for (unsigned irq = 0; irq < kIrqCount; irq++)
        TRY(out.appendf(" %llu", static_cast<ull>(sum_over_cpus(static_cast<u8>(kIrqBase + irq)))));
    return out.push('\n');
}
