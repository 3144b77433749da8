// Loads the segments of an ELF64 x86-64 kernel to their physical addresses (System V ABI, chapter 5; the PVH
// note: see pvh.h). Every number in the file is checked before it is used.
#pragma once

#include "emulator/machine/boot/boot_image.h"
#include "emulator/machine/boot/kernel_memory.h"

namespace orrery {

// The PVH entry: physical, below 4 GiB, within a loaded segment. Throws BootError naming the file.
u64 load_elf_kernel(KernelMemory& memory, const BootImage& image);

}  // namespace orrery
