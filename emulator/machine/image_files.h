// From the names of images to their bytes: which file is the initrd, and which are a multiboot kernel's
// modules.
#pragma once

#include "emulator/boot/loader.h"
#include "emulator/machine/machine.h"

namespace orrery {

// Reads what `images` names. Throws BootError: a file cannot be read, or cannot be used with this kernel.
GuestFiles read_images(const BootImages& images);

}  // namespace orrery
