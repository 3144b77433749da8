// Kernels with a multiboot header (Multiboot Specification 0.6.96, "multiboot 1"): any file whose first
// 8 KiB hold, 4-byte aligned, 1BADB002H, flags and a checksum that makes the three sum to zero. The kernel
// is what the header's address fields say where flag 16 is set, else an ELF32 x86 executable.
//
// Entry (section 3.2): 32-bit protected mode, paging off, flat segments, A20 open, interrupts off,
// EAX = 2BADB002H, EBX = the information structure. That has memory sizes and map, the command line, the
// modules and the loader's name; all of it but the modules lies below 1 MiB. As with QEMU, the command line's
// first word is the kernel's name (here without its directory), a module's string is all that was given for
// it, and modules follow the kernel, each on a page of its own.
#pragma once

#include <optional>
#include <string>

#include "emulator/machine/boot/loader.h"

namespace orrery {

struct MultibootHeader {
    u64 offset;  // in the file
    u32 flags;
};

// The first valid header, if there is one.
std::optional<MultibootHeader> find_multiboot_header(const BootImage& image);

// True for what load_multiboot() is to boot: a file with a valid header that is not a 64-bit ELF.
bool is_multiboot(const BootImage& image);

// Where a file is nearly a multiboot kernel, what is wrong with it ("has a multiboot header with a wrong
// checksum"); empty otherwise.
std::string multiboot_complaint(const BootImage& image);

// The modules of `--initrd "FILE ARGUMENTS,FILE…"`, read. Throws BootError.
std::vector<GuestModule> read_modules(const std::string& list);

// Throws BootError naming the file.
EntryState load_multiboot(Bus& bus, const GuestFiles& files);

}  // namespace orrery
