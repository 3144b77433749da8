#include "emulator/machine/boot/fw_cfg_items.h"

#include "emulator/machine/boot/memory_map.h"

namespace orrery {

void describe_guest(FwCfg& fw_cfg, const Bus& bus, const GuestFiles& files) {
    std::vector<u8> table;
    const auto append = [&table](u64 value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) table.push_back(static_cast<u8>(value >> 8 * i));
    };
    for (const MemoryRange& range : memory_map(bus)) {
        append(range.base, 8);
        append(range.length, 8);
        append(static_cast<u32>(range.type), 4);
    }
    fw_cfg.set_e820(table);
    fw_cfg.set_command_line(
        files.modules.empty() && files.arguments.empty() ? files.command_line : files.arguments,
        kCommandLineAddress);
    if (files.initrd) fw_cfg.set_initrd(files.initrd->bytes);
    if (!files.modules.empty()) fw_cfg.set_initrd(files.modules[0].image.bytes);
}

}  // namespace orrery
