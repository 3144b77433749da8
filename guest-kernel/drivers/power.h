// Turning the machine off, restarting it, stopping it; and leaving an emulator through isa-debug-exit.
//
// Guarantees: power_off and restart try every way they know, then halt: they do not return.
#pragma once

#include "core/types.h"

constexpr u8 kDebugExitPanic = 127;  // the emulator's exit status is (127 << 1) | 1 = 255

/// ACPI S5 through PM1a_CNT (and PM1b_CNT); else isa-debug-exit; else halt.
[[noreturn]] void power_off();
/// The FADT's reset register, port 0xcf9, the keyboard controller, a triple fault.
[[noreturn]] void machine_restart();
/// Stop for good with interrupts off.
[[noreturn]] void machine_halt();
/// Write `code` to port 0xf4 (QEMU's isa-debug-exit, Orrery's too). Returns if there is no such device.
void debug_exit(u8 code);
