#include "emulator/inspect/models/framebuffer.h"

#include <fmt/format.h>
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>

#include "devices/pc_board.h"
#include "emulator/machine/machine.h"

namespace orrery {

namespace {

// A field of `bits` bits, widened to eight by repeating its upper bits.
u32 widened(u32 value, unsigned bits) {
    return value << (8 - bits) | value >> (2 * bits - 8);
}

u32 pixel_of(const u8* at, u32 bits) {
    constexpr u32 kOpaque = 0xff00'0000;
    u32 raw = 0;
    std::memcpy(&raw, at, bits == 32 ? 4 : bits == 24 ? 3 : 2);
    if (bits >= 24) return kOpaque | (raw & 0xff'ffff);
    const u32 blue = widened(raw & 31, 5);
    if (bits == 15) return kOpaque | widened(raw >> 10 & 31, 5) << 16 | widened(raw >> 5 & 31, 5) << 8 | blue;
    return kOpaque | widened(raw >> 11, 5) << 16 | widened(raw >> 5 & 63, 6) << 8 | blue;
}

u64 pixel_hash(const FramebufferModel& model) {
    return XXH3_64bits(model.pixels->data(), model.pixels->size() * sizeof(u32));
}

// How many pixels are not black: 0 says that the screen is empty.
size_t drawn_pixels(const FramebufferModel& model) {
    const std::vector<u32>& pixels = *model.pixels;
    return pixels.size() - static_cast<size_t>(std::count(pixels.begin(), pixels.end(), 0xff00'0000));
}

}  // namespace

FramebufferModel framebuffer_model(const ModelContext& context) {
    FramebufferModel model;
    const VgaStd* display = context.machine.board().display();
    if (display == nullptr) {
        model.problem = "this machine has no display (--vga std gives it one)";
        return model;
    }
    const DisplayMode mode = display->mode();
    if (!mode.enabled) {
        model.problem = "the display is off";
        return model;
    }
    const Bus& bus = context.machine.bus();
    model.width = mode.width;
    model.height = mode.height;
    model.bits = mode.bits;
    model.stride = mode.stride;
    model.address = bus.video_base() == Bus::kUnmapped ? 0 : bus.video_base() + mode.origin;
    std::vector<u32> pixels(size_t{mode.width} * mode.height);
    const u32 bytes = (mode.bits + 7) / 8;
    for (u32 y = 0; y < mode.height; ++y) {
        const u8* line = bus.video_memory() + mode.origin + u64{y} * mode.stride;
        u32* out = &pixels[size_t{y} * mode.width];
        for (u32 x = 0; x < mode.width; ++x) out[x] = pixel_of(line + size_t{x} * bytes, mode.bits);
    }
    model.pixels = std::make_shared<const std::vector<u32>>(std::move(pixels));
    return model;
}

std::string to_text(const FramebufferModel& model) {
    if (!model.visible()) return model.problem + "\n";
    return fmt::format(
        "{} x {} pixels of {} bits, {} bytes a line, at {}\n{} of {} pixels are not black\nXXH3 {:016x}\n",
        model.width, model.height, model.bits, model.stride, hex(model.address), grouped(drawn_pixels(model)),
        grouped(model.pixels->size()), pixel_hash(model));
}

Json to_json(const FramebufferModel& model) {
    if (!model.visible()) return {{"problem", model.problem}};
    return {{"width", model.width},
            {"height", model.height},
            {"bits", model.bits},
            {"stride", model.stride},
            {"address", hex64(model.address)},
            {"not_black", drawn_pixels(model)},
            {"hash", fmt::format("{:016x}", pixel_hash(model))}};
}

std::vector<u8> rgb_bytes(const FramebufferModel& model) {
    std::vector<u8> bytes;
    bytes.reserve(model.pixels->size() * 3);
    for (const u32 pixel : *model.pixels)
        bytes.insert(bytes.end(),
                     {static_cast<u8>(pixel >> 16), static_cast<u8>(pixel >> 8), static_cast<u8>(pixel)});
    return bytes;
}

}  // namespace orrery
