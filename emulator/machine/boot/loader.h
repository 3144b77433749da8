// Loading a guest without firmware: picks the boot protocol by the kernel's format.
//
//   a multiboot header               Multiboot 1 (multiboot.h), but for x86-64 ELFs
//   an x86-64 ELF with a PVH note    Xen's PVH ABI (pvh.h)
//   a Linux bzImage                  Linux's 64-bit boot protocol (bzimage.h)
//
// Order of use: Bus and PcBoard made and reset, set_up_firmware(board) (firmware.h), then load_guest().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/core/bus/bus.h"
#include "emulator/machine/boot/boot_image.h"
#include "emulator/machine/boot/entry_state.h"

namespace orrery {

// A file for a multiboot kernel, and the string that goes with it.
struct GuestModule {
    BootImage image;
    std::string text;
};

struct GuestFiles {
    BootImage kernel;
    std::optional<BootImage> initrd;
    std::string command_line;
    // For multiboot kernels, instead of the two above.
    std::vector<GuestModule> modules = {};
    std::string arguments = {};
};

// Copies the guest into RAM; `rsdp` is the ACPI root pointer's address. Throws BootError on whatever cannot
// work; RAM may then have been changed.
EntryState load_guest(Bus& bus, const GuestFiles& files, u64 rsdp);

}  // namespace orrery
