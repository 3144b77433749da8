// Loads the segments of an ELF64 x86-64 kernel to their physical addresses (System V ABI, chapter 5; the PVH
// note: see pvh.h). Every number in the file is checked before it is used.
#pragma once

#include "emulator/core/bus/bus.h"
#include "emulator/machine/boot/boot_image.h"

namespace orrery {

struct ElfKernel {
    u64 pvh_entry;  // physical, below 4 GiB, within a loaded segment
    u64 end;        // the first physical address behind its segments
};

// Throws BootError naming the file.
ElfKernel load_elf_kernel(Bus& bus, const BootImage& image);

}  // namespace orrery
