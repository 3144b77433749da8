// Dispatching hardware interrupts (arch/x86_64/irq.h).
//
// Guarantees: every vector is acknowledged; one without a handler is counted and named once.
#include "arch/x86_64/irq.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/thread.h"
#include "core/panic.h"
#include "core/printk.h"
#include "drivers/acpi.h"
#include "drivers/apic.h"
#include "time/tick.h"

u64 timer_interrupt_count;

namespace {

struct Irq {
    const char* name;
    IrqHandler handler;
    void* data;
    u64 count;
};
Irq irqs[kIrqCount];
u64 spurious_count;

}  // namespace

void request_irq(unsigned irq, const char* name, IrqHandler handler, void* data) {
    BUG_ON(irq >= kIrqCount);
    irqs[irq] = {name, handler, data, 0};
    u32 gsi = irq;
    u16 flags = irq < 16 ? 0 : 0xf;  // ISA: edge, active high; PCI: level, active low
    if (irq < 16 && acpi_info.irq_override[irq].used) {
        gsi = acpi_info.irq_override[irq].gsi;
        flags = acpi_info.irq_override[irq].flags;
    }
    ioapic_route(gsi, static_cast<u8>(kIrqBase + irq), flags);
}

IrqInfo irq_info(unsigned irq) {
    return {irqs[irq].name, irqs[irq].count};
}

extern "C" void common_interrupt(pt_regs* regs, u64 vector) {
    CpuData& cpu = this_cpu();
    const u32 interrupted_rank = cpu.lock_rank;
    cpu.lock_rank = 0;  // locks that handlers take are never held with interrupts on
    cpu.hardirq_depth++;
    cpu.irq_count++;
    if (vector == kTimerVector) {
        timer_interrupt_count++;
        lapic_eoi();
        timer_interrupt(regs);
    } else if (vector >= kIrqBase && vector < kIrqBase + kIrqCount) {
        Irq& irq = irqs[vector - kIrqBase];
        irq.count++;
        if (irq.handler) irq.handler(irq.data);
        lapic_eoi();
    } else if (vector != kSpuriousVector) {
        if (spurious_count++ == 0) printk(KERN_WARNING "unexpected interrupt vector 0x%lx\n", vector);
        lapic_eoi();
    }
    cpu.hardirq_depth--;
    cpu.lock_rank = interrupted_rank;
}
