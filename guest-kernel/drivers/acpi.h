// The little of ACPI that we need: MADT (interrupt controllers), FADT (power, PM timer), HPET presence, \_S5.
//
// Guarantees: checksums are verified; a missing table leaves its fields zero. After: ACPI
// specification 6.4, 5.2.
#pragma once

#include "arch/x86_64/percpu.h"
#include "core/types.h"

struct AcpiInfo {
    bool present;
    u64 lapic_address;
    struct {
        u8 id;
        u64 address;
        u32 gsi_base;
    } ioapic[4];
    unsigned ioapic_count;
    struct {
        u32 gsi;
        u16 flags;  // bit 1: active low, bit 3: level
        bool used;
    } irq_override[16];
    u8 apic_ids[kMaxCpus];  // of the CPUs that may be used, the first kMaxCpus
    unsigned cpu_count;
    u16 pm_timer_port;  // 0: none
    u16 pm1a_control, pm1b_control;
    u16 pm1a_event;
    u8 s5_type_a, s5_type_b;
    bool has_s5;
    bool has_reset;
    u8 reset_space;  // 0: memory, 1: port
    u64 reset_address;
    u8 reset_value;
    u32 smi_command;
    u8 acpi_enable;
};
extern AcpiInfo acpi_info;

void acpi_init(u64 rsdp);
