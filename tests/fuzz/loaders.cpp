// Kernels of any bytes: ELF with PVH note, multiboot, bzImage. They are loaded, or refused by a BootError.
#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/loader.h"
#include "emulator/machine/boot/multiboot.h"
#include "tests/fuzz/target.h"

namespace orrery::fuzz {

namespace {

void run(std::span<const u8> data) {
    static Bus bus(32 << 20);
    if (data.empty()) return;
    GuestFiles files;
    files.kernel = {"fuzz", {data.begin() + 1, data.end()}};
    files.command_line = files.arguments = "a b";
    if ((data[0] & 1) != 0) files.initrd = BootImage{"initrd", std::vector<u8>(3000)};
    if ((data[0] & 2) != 0) files.modules = {{BootImage{"module", std::vector<u8>(3000)}, "module x"}};
    try {
        const EntryState state = load_guest(bus, files, 0xe0000);
        require((state.cr0 & 1) != 0, "kernels are entered in protected mode");
        require(bus.ram_at(state.rip) != nullptr, "the entry is in memory");
    } catch (const BootError& error) {
        require(std::strchr(error.what(), '\n') == nullptr, "an error is one line");
    }
}

const Target target("loaders", run);

}  // namespace

}  // namespace orrery::fuzz
