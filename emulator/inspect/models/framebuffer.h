// The window "Display": what the guest's display adapter shows (devices/vga_std.h), as pixels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct FramebufferModel {
    u32 width = 0;
    u32 height = 0;
    u32 bits = 0;     // per pixel, as the guest stores them
    u32 stride = 0;   // bytes from one line to the next
    u64 address = 0;  // of the first pixel, physical
    // Line by line, 0xFFRRGGBB; shared with the frame before where nothing has changed.
    std::shared_ptr<const std::vector<u32>> pixels;
    std::string problem;  // why there is nothing to see

    bool visible() const { return pixels != nullptr; }
};

FramebufferModel framebuffer_model(const ModelContext& context);
std::string to_text(const FramebufferModel& model);
Json to_json(const FramebufferModel& model);

// Red, green and blue of each pixel in turn, as image files want them.
std::vector<u8> rgb_bytes(const FramebufferModel& model);

}  // namespace orrery
