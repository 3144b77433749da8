// Power off, restart, halt (drivers/power.h). ACPI 6.4, 4.8.3.2.1 (PM1 control) and 4.8.3.6 (reset register).
//
// Guarantees: as in the header.
#include "drivers/power.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"
#include "core/printk.h"
#include "drivers/acpi.h"
#include "mm/vmalloc.h"

namespace {

constexpr u16 kSleepEnable = 1 << 13;
constexpr u16 kDebugExitPort = 0xf4;

void wait_a_little() {
    for (int i = 0; i < 1000; i++) inb(0x80);
}

}  // namespace

void debug_exit(u32 code) {
    outl(kDebugExitPort, code);
}

void machine_halt() {
    local_irq_disable();
    stop_other_cpus();
    for (;;) asm volatile("hlt");
}

void power_off() {
    local_irq_disable();
    stop_other_cpus();
    if (acpi_info.has_s5 && acpi_info.pm1a_control) {
        outw(acpi_info.pm1a_control, static_cast<u16>(acpi_info.s5_type_a << 10 | kSleepEnable));
        if (acpi_info.pm1b_control) {
            outw(acpi_info.pm1b_control, static_cast<u16>(acpi_info.s5_type_b << 10 | kSleepEnable));
        }
        wait_a_little();
    }
    debug_exit(0);
    printk(KERN_EMERG "This machine cannot be powered off by software: halted.\n");
    machine_halt();
}

void machine_restart() {
    local_irq_disable();
    stop_other_cpus();
    if (acpi_info.has_reset && acpi_info.reset_space == 1) {
        outb(static_cast<u16>(acpi_info.reset_address), acpi_info.reset_value);
        wait_a_little();
    }
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
    wait_a_little();
    outb(0x64, 0xfe);  // pulse the keyboard controller's reset line
    wait_a_little();
    const struct [[gnu::packed]] {
        u16 limit;
        u64 base;
    } empty = {0, 0};
    asm volatile("lidt %0; int3" ::"m"(empty));
    machine_halt();
}
