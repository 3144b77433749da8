// The display as a loader tells a kernel of it: found by its registers, as firmware would find it.
#pragma once

#include <optional>

#include "emulator/core/bus/bus.h"

namespace orrery {

struct LinearDisplay {
    u16 width = 0;  // pixels
    u16 height = 0;
    u16 stride = 0;  // bytes from one line to the next
    u64 address = 0;
    u64 size = 0;  // of the video memory, bytes
};

// Nothing where there is no display, or it is not on with 32 bits per pixel.
std::optional<LinearDisplay> find_display(Bus& bus);

}  // namespace orrery
