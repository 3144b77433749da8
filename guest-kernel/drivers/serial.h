// The 16550 UARTs as the kernel's console and as terminals.
//
// Guarantees: serial_early_init makes printk visible before anything else works (polled); serial_init
// switches reception to interrupts and gives TtyDrivers.
#pragma once

#include "drivers/tty_driver.h"

/// Set COM1 to 115200 8N1 and make it printk's console.
void serial_early_init();
/// Interrupt-driven reception; to be called once the IOAPIC works.
void serial_init();
/// The terminal of COM(n+1), or nullptr if it is not there.
TtyDriver* serial_tty_driver(unsigned n);
/// For panic: never wait for a lock again.
void serial_break_lock();
