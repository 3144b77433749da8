// The clock source (TSC) and the event device's frequency (local APIC timer).
//
// Guarantees: frequencies come from CPUID leaf 0x15 where it has them, else from a measurement against the
// ACPI PM timer, else against PIT channel 2.
#pragma once

#include "core/types.h"

void clocksource_init();
/// Local APIC timer count for `ns`, at least 1, at most 2^32-1.
u32 ns_to_lapic_count(u64 ns);
u64 tsc_khz();
/// Keep the clock's parameters in `to` from now on.
struct VdsoData;
void clocksource_export(VdsoData* to);
/// As Linux calls them: the only clock source there is, and the timer of each CPU.
inline const char* clocksource_name() {
    return "tsc";
}
inline const char* clockevent_name() {
    return "lapic";
}
