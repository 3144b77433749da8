// From the names of images to their bytes: which file is the initrd, and which are a multiboot kernel's
// modules.
#pragma once

#include <span>

#include "emulator/machine/boot/loader.h"
#include "emulator/machine/machine.h"

namespace orrery {

// Reads what `images` names. Throws BootError: a file cannot be read, or cannot be used with this kernel.
GuestFiles read_images(const BootImages& images);

// A further cpio archive behind the initrd, where there is one.
void append_archive(GuestFiles& files, std::span<const u8> archive);

}  // namespace orrery
