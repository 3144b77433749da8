// Puts a multiboot kernel's bytes where they belong (Multiboot Specification 0.6.96, 3.1.3 and 3.1.1): by the
// header's address fields, or by the program headers of an ELF32. Every number in the file is checked before
// it is used.
#pragma once

#include "emulator/core/bus/bus.h"
#include "emulator/machine/boot/multiboot.h"

namespace orrery {

struct LoadedMultiboot {
    u64 entry;  // physical
    u64 end;    // the first physical address behind the kernel and its bss
};

// Throws BootError naming the file.
LoadedMultiboot load_multiboot_image(Bus& bus, const BootImage& image, const MultibootHeader& header);

}  // namespace orrery
