// Turning the machine off, restarting it, stopping it; and leaving an emulator through isa-debug-exit.
//
// Guarantees: power_off and restart try every way they know, then halt: they do not return.
#pragma once

#include "core/types.h"

// Beyond a byte, so that it is none of the statuses 0-255 that programs leave with; the emulator's exit
// status, (value << 1) | 1 modulo 256, is 255.
constexpr u32 kDebugExitPanic = 0x17f;

/// ACPI S5 through PM1a_CNT (and PM1b_CNT); else isa-debug-exit; else halt.
[[noreturn]] void power_off();
/// The FADT's reset register, port 0xcf9, the keyboard controller, a triple fault.
[[noreturn]] void machine_restart();
/// Stop for good with interrupts off.
[[noreturn]] void machine_halt();
/// Write `code` to port 0xf4 (QEMU's isa-debug-exit, Orrery's too). Returns if there is no such device.
void debug_exit(u32 code);
