// A file for the guest, as bytes, with the name that messages call it by.
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

struct BootImage {
    std::string name;
    std::vector<u8> bytes;

    // Little-endian reads; the caller has checked `offset` against the size.
    u16 u16_at(u64 offset) const { return static_cast<u16>(bytes[offset] | bytes[offset + 1] << 8); }
    u32 u32_at(u64 offset) const { return u16_at(offset) | u32{u16_at(offset + 2)} << 16; }
    u64 u64_at(u64 offset) const { return u32_at(offset) | u64{u32_at(offset + 4)} << 32; }
    bool has(u64 offset, u64 size) const { return offset <= bytes.size() && size <= bytes.size() - offset; }
};

// Reads a whole regular file. Throws BootError if it is missing, unreadable, not a regular file or empty.
BootImage read_boot_image(const std::string& path);

}  // namespace orrery
