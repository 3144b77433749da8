// Where things lie in a freshly booted guest's memory, and the memory map that every boot protocol hands over
// in its own form (types as in E820: ACPI specification 6.4, table 15.4).
//
//   00001000-00007FFF  the loader's structures
//   00008000-0000EFFF  GDT, page tables (64-bit entry)
//   00010000-00010FFF  Linux's boot_params
//   00020000-0002FFFF  command line
//   0009FC00-0009FFFF  extended BIOS data area, reserved
//   000E0000-000FFFFF  firmware, reserved: ACPI tables in its first half
//   00100000-          the kernel; the initrd at the top of low memory
//
// A multiboot or PVH kernel may lie below 1 MiB; what the loader hands over then goes beside it (kernel_memory.h).
#pragma once

#include <vector>

#include "emulator/core/bus/bus.h"

namespace orrery {

enum class MemoryType : u32 { Usable = 1, Reserved = 2 };

struct MemoryRange {
    u64 base;
    u64 length;
    MemoryType type;
};

inline constexpr u64 kStartInfoAddress = 0x1000;
inline constexpr u64 kStructuresEnd = 0x8000;
inline constexpr u64 kGdtAddress = 0x8000;
inline constexpr u64 kPageTablesAddress = 0x9000;
inline constexpr u64 kBootParamsAddress = 0x10000;
inline constexpr u64 kCommandLineAddress = 0x20000;
inline constexpr u64 kCommandLineRoom = 0x10000;
inline constexpr u64 kEbdaAddress = 0x9fc00;
inline constexpr u64 kFirmwareAddress = 0xe0000;
inline constexpr u64 kAcpiTablesEnd = 0xf0000;  // at most; behind them the firmware's area is not used
inline constexpr u64 kFirmwareEnd = 0x100000;
inline constexpr u64 kHighMemory = 0x100000;

// The ranges in ascending order, without overlap.
std::vector<MemoryRange> memory_map(const Bus& bus);

// RAM below 4 GiB ends here.
u64 low_memory_end(const Bus& bus);

// Throws BootError naming `who` where the machine has less than 2 MiB: no protocol's structures would fit.
void require_memory(const Bus& bus, const std::string& who);

// Puts `image` at the highest page-aligned place that ends at or below `limit` and in low RAM, above
// `kernel_end`. Throws BootError if there is none: the message says how much memory both need.
u64 place_initrd(Bus& bus, const std::string& name, const std::vector<u8>& image, u64 kernel_end, u64 limit);

// Copies the NUL-terminated command line to `at`. Throws BootError if it is longer than `limit` bytes, or than its
// room.
void place_command_line(Bus& bus, const std::string& text, u64 at, u64 limit = kCommandLineRoom - 1);

// "37 MiB" of a number of bytes, rounded up.
std::string mebibytes(u64 bytes);

}  // namespace orrery
