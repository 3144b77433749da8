// Kernels that are entered as Xen's PVH guests (Xen, docs/misc/pvh.pandoc; the structures:
// xen/include/public/arch-x86/ hvm/start_info.h, version 1): an ELF64 executable with a note of name "Xen"
// and type 18 (XEN_ELFNOTE_PHYS32_ENTRY).
//
// Entry: 32-bit protected mode, paging off, flat segments, EBX = address of hvm_start_info, interrupts off.
// All that start_info points to lies below 1 MiB, but the initrd (module 0).
#pragma once

#include "emulator/machine/boot/loader.h"

namespace orrery {

bool is_elf(const BootImage& image);
EntryState load_pvh(Bus& bus, const GuestFiles& files, u64 rsdp);

}  // namespace orrery
