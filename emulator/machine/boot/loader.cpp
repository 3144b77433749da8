#include "emulator/machine/boot/loader.h"

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/bzimage.h"
#include "emulator/machine/boot/memory_map.h"
#include "emulator/machine/boot/multiboot.h"
#include "emulator/machine/boot/pvh.h"

namespace orrery {

EntryState load_guest(Bus& bus, const GuestFiles& files, u64 rsdp) {
    if (files.kernel.bytes.empty()) throw BootError(files.kernel.name + ": is empty");
    require_memory(bus, files.kernel.name);
    if (is_multiboot(files.kernel)) return load_multiboot(bus, files);
    if (is_bzimage(files.kernel)) return load_bzimage(bus, files, rsdp);
    if (const std::string why = multiboot_complaint(files.kernel); !why.empty())
        throw BootError(files.kernel.name + ": " + why);
    if (is_elf(files.kernel)) return load_pvh(bus, files, rsdp);
    throw BootError(files.kernel.name +
                    ": is neither an ELF file nor a multiboot kernel nor a Linux bzImage");
}

}  // namespace orrery
