// The window "Memory": bytes at an address, as hexadecimal and as characters.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct MemoryRow {
    u64 address = 0;
    std::vector<u8> bytes;       // 16
    std::vector<bool> readable;  // per byte: mapped, and RAM
    std::string ascii;           // '.' for what does not print
};

struct MemoryModel {
    u64 address = 0;
    bool physical = false;
    std::string symbol;
    std::vector<MemoryRow> rows;
};

struct MemoryParameters {
    u64 address = 0;
    size_t size = 256;  // bytes; rounded up to rows of 16
    bool physical = false;
    std::optional<u64> cr3;
};

MemoryModel memory_model(const ModelContext& context, const MemoryParameters& parameters);
std::string to_text(const MemoryModel& model);
Json to_json(const MemoryModel& model);

}  // namespace orrery
