#include "emulator/machine/boot/linear_display.h"

#include "devices/vga_std.h"

namespace orrery {

std::optional<LinearDisplay> find_display(Bus& bus) {
    if (bus.video_base() == Bus::kUnmapped) return std::nullopt;
    const auto get = [&bus](u16 index) {
        bus.io_write(VgaStd::kIndexPort, 2, index);
        return static_cast<u16>(bus.io_read(VgaStd::kDataPort, 2));
    };
    if ((get(VgaStd::kEnable) & 1) == 0 || get(VgaStd::kBits) != 32) return std::nullopt;
    LinearDisplay display;
    display.width = get(VgaStd::kWidth);
    display.height = get(VgaStd::kHeight);
    display.stride = static_cast<u16>(4 * get(VgaStd::kVirtualWidth));
    display.address = bus.video_base();
    display.size = bus.video_size();
    return display;
}

}  // namespace orrery
