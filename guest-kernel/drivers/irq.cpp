// Dispatching hardware interrupts (drivers/irq.h).
//
// Guarantees: every vector is acknowledged; of those without a handler the first is named in the log.
#include "drivers/irq.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/thread.h"
#include "core/panic.h"
#include "core/printk.h"
#include "drivers/acpi.h"
#include "drivers/apic.h"

namespace {

struct Irq {
    const char* name;
    IrqHandler handler;
    void* data;
    unsigned gsi;
    bool level;
};
struct VectorCounts {
    u64 counts[256] = {};
};
PerCpu<VectorCounts> vector_counts;
Irq irqs[kIrqCount];
VectorHandler vector_handlers[256];
// Message interrupts: one vector each, but not the one of 32-bit system calls. Entered at boot and by drivers' probes, never taken away.
constexpr u8 kFirstMessage = 0x60, kMessages = 0x60, kCallVector = 0x80;
Irq messages[kMessages];
u32 message_count;
bool named_unexpected;

}  // namespace

void set_vector_handler(u8 vector, VectorHandler handler) {
    vector_handlers[vector] = handler;
}

u64 vector_count(unsigned cpu, u8 vector) {
    return __atomic_load_n(&vector_counts.on(cpu).counts[vector], __ATOMIC_RELAXED);
}

bool irq_info(unsigned irq, IrqInfo* out) {
    const Irq& i = irqs[irq];
    if (!i.handler) return false;
    *out = {i.name, i.gsi, i.level};
    return true;
}

void request_irq(unsigned irq, const char* name, IrqHandler handler, void* data) {
    BUG_ON(irq >= kIrqCount);
    u32 gsi = irq;
    u16 flags = irq < 16 ? 0 : 0xf;  // ISA: edge, active high; PCI: level, active low
    if (irq < 16 && acpi_info.irq_override[irq].used) {
        gsi = acpi_info.irq_override[irq].gsi;
        flags = acpi_info.irq_override[irq].flags;
    }
    irqs[irq] = {name, handler, data, gsi, (flags & 0xc) == 0xc};
    ioapic_route(gsi, static_cast<u8>(kIrqBase + irq), flags);
}

Result<u8> request_vector(const char* name, IrqHandler handler, void* data) {
    u32 n = __atomic_fetch_add(&message_count, 1, __ATOMIC_RELAXED);
    if (n == kCallVector - kFirstMessage) n = __atomic_fetch_add(&message_count, 1, __ATOMIC_RELAXED);
    if (n >= kMessages) return Errno::ENODEV;
    messages[n] = {name, handler, data, 0, false};
    return static_cast<u8>(kFirstMessage + n);
}

extern "C" void common_interrupt(pt_regs* regs, u64 vector) {
    CpuData& cpu = this_cpu();
    const u32 interrupted_rank = cpu.lock_rank;
    cpu.lock_rank = 0;  // locks that handlers take are never held with interrupts on
    cpu.hardirq_depth++;
    vector_counts.here().counts[vector & 0xff]++;
    if (const VectorHandler handler = vector_handlers[vector]) {
        lapic_eoi();
        handler(regs);
    } else if (vector >= kIrqBase && vector < kIrqBase + kIrqCount) {
        Irq& irq = irqs[vector - kIrqBase];
        if (irq.handler) irq.handler(irq.data);
        lapic_eoi();
    } else if (vector >= kFirstMessage && vector < kFirstMessage + kMessages &&
               messages[vector - kFirstMessage].handler) {
        lapic_eoi();
        messages[vector - kFirstMessage].handler(messages[vector - kFirstMessage].data);
    } else if (vector != kSpuriousVector) {
        if (!__atomic_exchange_n(&named_unexpected, true, __ATOMIC_RELAXED))
            printk(KERN_WARNING "unexpected interrupt vector 0x%lx\n", vector);
        lapic_eoi();
    }
    cpu.hardirq_depth--;
    cpu.lock_rank = interrupted_rank;
}
