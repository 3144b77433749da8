// Hardware interrupts: vectors, handlers, end of interrupt.
//
// Guarantees: handlers run with interrupts off on the interrupted task's kernel stack. ISA interrupt n has
// vector 0x30 + n; the local APIC's timer 0xec, other CPUs' calls 0xfc and 0xfd, spurious 0xff, as in Linux.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct pt_regs;

constexpr u8 kIrqBase = 0x30;
constexpr u8 kTimerVector = 0xec;
constexpr u8 kCallFunctionVector = 0xfc, kRescheduleVector = 0xfd;
constexpr u8 kSpuriousVector = 0xff;
constexpr unsigned kIrqCount = 24;

using IrqHandler = void (*)(void* data);

/// Raised by this CPU's own local APIC, or by another CPU: acknowledged before the handler is called.
using VectorHandler = void (*)(pt_regs* regs);
void set_vector_handler(u8 vector, VectorHandler handler);

/// How often `cpu` has been interrupted by `vector`.
u64 vector_count(unsigned cpu, u8 vector);

struct IrqInfo {
    const char* name;
    unsigned gsi;
    bool level;
};
/// Who has taken interrupt `irq`. False: nobody.
bool irq_info(unsigned irq, IrqInfo* out);

/// Install the handler of ISA interrupt `irq` (0-15) or global interrupt 16-23, and unmask it.
void request_irq(unsigned irq, const char* name, IrqHandler handler, void* data);

/// A vector of its own for a device that sends its interrupts as messages (MSI-X): edge-triggered, never shared. ENODEV when
/// all are taken.
Result<u8> request_vector(const char* name, IrqHandler handler, void* data);
