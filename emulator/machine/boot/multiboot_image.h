// Puts a multiboot kernel's bytes where they belong (Multiboot Specification 0.6.96, 3.1.3 and 3.1.1): by the
// header's address fields, or by the program headers of an ELF32. Every number in the file is checked before
// it is used.
#pragma once

#include "emulator/machine/boot/kernel_memory.h"
#include "emulator/machine/boot/multiboot.h"

namespace orrery {

// The physical entry. Throws BootError naming the file.
u64 load_multiboot_image(KernelMemory& memory, const BootImage& image, const MultibootHeader& header);

}  // namespace orrery
