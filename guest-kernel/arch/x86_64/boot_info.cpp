// Reading the PVH start_info (arch/x86_64/boot_info.h).
//
// Guarantees: nothing is trusted but the magic: counts are clamped, missing pieces are left empty.
#include "arch/x86_64/boot_info.h"

#include "core/cmdline.h"
#include "core/panic.h"
#include "mm/page.h"

BootInfo boot_info;

namespace {

constexpr u32 kMagic = 0x336ec578;

struct StartInfo {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr;
    u64 memmap_paddr;  // version 1 and later
    u32 memmap_entries, reserved;
};
struct Module {
    u64 paddr, size, cmdline_paddr, reserved;
};
struct MemmapEntry {
    u64 addr, size;
    u32 type, reserved;
};

}  // namespace

void read_boot_info(u64 start_info) {
    const auto* info = static_cast<const StartInfo*>(phys_to_virt(start_info));
    if (info->magic != kMagic) panic("not booted through PVH: start_info has magic %08x", info->magic);
    boot_info.start_info = start_info;
    if (info->cmdline_paddr) setup_command_line(static_cast<const char*>(phys_to_virt(info->cmdline_paddr)));
    if (info->nr_modules && info->modlist_paddr) {
        const auto* module = static_cast<const Module*>(phys_to_virt(info->modlist_paddr));
        boot_info.initrd_start = module->paddr;
        boot_info.initrd_size = module->size;
    }
    boot_info.rsdp = info->rsdp_paddr;
    if (info->version >= 1 && info->memmap_paddr) {
        const auto* entries = static_cast<const MemmapEntry*>(phys_to_virt(info->memmap_paddr));
        for (u32 i = 0; i < info->memmap_entries && boot_info.memory_count < 64; i++) {
            boot_info.memory[boot_info.memory_count++] = {entries[i].addr, entries[i].size, entries[i].type};
        }
    }
    if (boot_info.memory_count == 0) panic("the boot loader gave no memory map");
}
