// Local APIC and IOAPIC (Intel SDM vol. 3, chapter 10; 82093AA data sheet).
//
// Guarantees: after apic_init the legacy PICs are masked and interrupts go through the APICs. The local timer
// is one-shot.
#pragma once

#include "core/types.h"

void apic_init();
/// Set this CPU's local APIC up; apic_init has done so for the CPU that boots.
void lapic_init();
/// Interrupts from this CPU to another: an ordinary one, an NMI, and the two that start it (`start`: a page below
/// 1 MiB; Intel SDM vol. 3, 10.6).
void lapic_send(u32 apic_id, u8 vector);
void lapic_send_nmi(u32 apic_id);
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, u64 start);
void lapic_eoi();
/// Raw access for calibration: start a count-down from 2^32-1, and read it.
void lapic_timer_start(u32 count);
u32 lapic_timer_read();
/// Route global interrupt `gsi` to `vector` on this CPU and unmask it. `flags` as in a MADT override.
void ioapic_route(u32 gsi, u8 vector, u16 flags);
