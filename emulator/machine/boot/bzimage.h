// Linux's bzImage by the 64-bit boot protocol (Linux, Documentation/arch/x86/boot.rst, sections "The
// Real-Mode Kernel Header" and "64-bit Boot Protocol"; zero-page.rst): protocol 2.12 or later with
// XLF_KERNEL_64.
//
// Entry: 64-bit mode at the load address + 200H, the low 4 GiB mapped one to one by 2 MiB pages, flat
// segments with selectors 10H and 18H, RSI = address of boot_params, interrupts off.
#pragma once

#include "emulator/machine/boot/loader.h"

namespace orrery {

bool is_bzimage(const BootImage& image);
EntryState load_bzimage(Bus& bus, const GuestFiles& files, u64 rsdp);

}  // namespace orrery
