// ktime from the TSC, and its calibration (time/clocksource.h, time/clock.h).
//
// Guarantees: ns = (tsc - base) * mult >> 32 with a 128-bit product: no drift and no overflow in 500 years.
#include "time/clocksource.h"

#include "arch/x86_64/cpu.h"
#include "core/panic.h"
#include "core/printk.h"
#include "drivers/acpi.h"
#include "drivers/apic.h"
#include "drivers/rtc.h"
#include "time/clock.h"
#include "time/vdso_data.h"

namespace {

u64 tsc_base = 0;
u64 ns_mult = 0;  // 32.32 fixed point ns per TSC tick; 0: not yet known
u64 khz = 0;
u64 lapic_khz = 0;
u64 real_offset = 0;
VdsoData* exported = nullptr;  // set once, at boot

constexpr u64 kPmTimerHz = 3579545, kPitHz = 1193182;

/// Runs for about 10 ms; returns its exact length in ns.
u64 wait_pm_timer() {
    const u16 port = acpi_info.pm_timer_port;
    const u32 start = inl(port) & 0xffffff;
    u32 passed = 0;
    while (passed < kPmTimerHz / 100) passed = ((inl(port) & 0xffffff) - start) & 0xffffff;
    return passed * kNsPerSec / kPmTimerHz;
}

u64 wait_pit() {
    constexpr u16 kCount = kPitHz / 100;
    outb(0x61, static_cast<u8>((inb(0x61) & ~2) | 1));  // gate on, speaker off
    outb(0x43, 0xb0);                                   // channel 2, mode 0, low then high byte
    outb(0x42, kCount & 0xff);
    outb(0x42, kCount >> 8);
    for (int i = 0; i < 100000000 && !(inb(0x61) & 0x20); i++) {
    }
    return kCount * kNsPerSec / kPitHz;
}

bool pm_timer_runs() {
    if (!acpi_info.pm_timer_port) return false;
    const u32 start = inl(acpi_info.pm_timer_port);
    for (int i = 0; i < 100000; i++) {
        if (inl(acpi_info.pm_timer_port) != start) return true;
    }
    return false;
}

void calibrate() {
    const bool pm = pm_timer_runs();
    const u64 tsc_start = rdtsc();
    lapic_timer_start(0xffffffff);
    const u64 ns = pm ? wait_pm_timer() : wait_pit();
    const u32 lapic_left = lapic_timer_read();
    const u64 tsc_ticks = rdtsc() - tsc_start;
    lapic_timer_start(0);
    khz = tsc_ticks * 1'000'000 / ns;
    lapic_khz = (0xffffffffull - lapic_left) * 1'000'000 / ns;
    printk(KERN_INFO "tsc: measured against the %s\n", pm ? "ACPI PM timer" : "PIT");
}

}  // namespace

void clocksource_init() {
    const CpuFeatures& f = boot_cpu_features;
    if (f.tsc_khz && f.apic_timer_khz) {
        khz = f.tsc_khz;
        lapic_khz = f.apic_timer_khz;
    } else {
        calibrate();
    }
    if (khz == 0 || lapic_khz == 0) panic("no working timer to calibrate the TSC against");
    printk(KERN_INFO "tsc: Detected %lu.%03lu MHz processor\n", khz / 1000, khz % 1000);
    printk(KERN_INFO "APIC timer: %lu.%03lu MHz\n", lapic_khz / 1000, lapic_khz % 1000);
    tsc_base = rdtsc();
    ns_mult = (1'000'000ull << 32) / khz;
    real_offset = rtc_read_seconds() * kNsPerSec - ktime_get_ns();
}

u64 tsc_khz() {
    return khz;
}

u32 ns_to_lapic_count(u64 ns) {
    if (ns > 4 * kNsPerSec) ns = 4 * kNsPerSec;
    // Round up: a timer may be late by a tick, never early.
    const u64 count = (ns * lapic_khz + 999'999) / 1'000'000;
    return static_cast<u32>(min<u64>(max<u64>(count, 1), 0xffffffff));
}

u64 ktime_get_ns() {
    if (!ns_mult) return 0;
    return static_cast<u64>(static_cast<unsigned __int128>(rdtsc() - tsc_base) * ns_mult >> 32);
}

u64 ktime_get_real_ns() {
    return ktime_get_ns() + real_offset;
}

Result<void> set_real_ns(u64 ns) {
    if (ns < ktime_get_ns()) return Errno::EINVAL;
    real_offset = ns - ktime_get_ns();
    if (!exported) return {};
    __atomic_add_fetch(&exported->seq, 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&exported->real_offset, real_offset, __ATOMIC_RELAXED);
    __atomic_add_fetch(&exported->seq, 1, __ATOMIC_RELEASE);
    return {};
}

void clocksource_export(VdsoData* to) {
    to->tsc_base = tsc_base;
    to->mult = ns_mult;
    to->real_offset = real_offset;
    exported = to;
}
