// A CPU's registers and memory in the words of gdb's packets g, G, p, P, m, M and X (GDB manual, appendix E,
// "Packets").
//
// Reading changes nothing. What gdb writes enters the machine as logged inputs (machine/input.h), so that a
// recording has it; a write of what is there already does not enter at all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"

namespace orrery {

// All of the layout's registers, in hexadecimal.
std::string gdb_read_registers(const Machine& machine, unsigned cpu);
// False where `values` has not their size, or one of them cannot be; those before it are then written.
bool gdb_write_registers(Machine& machine, unsigned cpu, std::span<const u8> values);

// `number`: gdb's. nullopt: there is no such register.
std::optional<std::string> gdb_read_register(const Machine& machine, unsigned cpu, u64 number);
// False: there is no such register, or `value` cannot be its (emulator/core/cpu/state/register_file.h).
bool gdb_write_register(Machine& machine, unsigned cpu, u64 number, std::span<const u8> value);

// At most `size` bytes from `linear` on: fewer where what follows is not mapped, or no memory.
std::vector<u8> gdb_read_memory(Machine& machine, unsigned cpu, u64 linear, size_t size);
// Whatever the pages' rights are. False, and nothing is written, where not all of it is mapped to memory.
bool gdb_write_memory(Machine& machine, unsigned cpu, u64 linear, std::span<const u8> data);

}  // namespace orrery
