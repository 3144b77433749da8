// What a PC's firmware has done when it hands over to a boot loader, as far as guests rely on it: the local
// APICs and interrupt controllers in virtual-wire mode, PCI BARs assigned, serial ports at 115200 baud 8N1, ACPI tables in memory.
//
// It works on the board's registers as firmware would; none of it is state of its own.
#pragma once

#include "devices/pc_board.h"

namespace orrery {

// To be called once after PcBoard::reset(), CPU 0 selected. Returns the address of the RSDP. The machine's
// RAM must reach 1 MiB at least (BootError).
u64 set_up_firmware(Bus& bus, PcBoard& board);

}  // namespace orrery
