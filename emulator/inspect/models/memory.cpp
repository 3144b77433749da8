// Memory as a hex dump.
#include "emulator/inspect/models/memory.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/machine/machine.h"

namespace orrery {
namespace {

constexpr size_t kPerRow = 16;

bool read_byte(const ModelContext& context, const MemoryParameters& parameters, u64 address, u8& byte) {
    if (!parameters.physical)
        return context.machine.peek(context.cpu, address, &byte, 1, parameters.cr3) == 1;
    const u8* host = context.machine.bus().ram_at(address);
    if (host != nullptr) byte = *host;
    return host != nullptr;
}

}  // namespace

MemoryModel memory_model(const ModelContext& context, const MemoryParameters& parameters) {
    MemoryModel model;
    model.address = parameters.address;
    model.physical = parameters.physical;
    if (!parameters.physical) model.symbol = symbol_text(context, parameters.address);
    for (size_t done = 0; done < parameters.size; done += kPerRow) {
        MemoryRow row;
        row.address = parameters.address + done;
        for (size_t i = 0; i < kPerRow; ++i) {
            u8 byte = 0;
            const bool readable = read_byte(context, parameters, row.address + i, byte);
            row.bytes.push_back(byte);
            row.readable.push_back(readable);
            row.ascii += !readable ? ' ' : byte >= ' ' && byte < 127 ? static_cast<char>(byte) : '.';
        }
        model.rows.push_back(std::move(row));
    }
    return model;
}

std::string to_text(const MemoryModel& model) {
    std::string text;
    if (!model.symbol.empty()) text += model.symbol + "\n";
    for (const MemoryRow& row : model.rows) {
        std::string line = hex64(row.address) + " ";
        for (size_t i = 0; i < row.bytes.size(); ++i) {
            if (i == 8) line += ' ';
            line += row.readable[i] ? fmt::format(" {:02x}", row.bytes[i]) : " --";
        }
        text += fmt::format("{}  |{}|\n", line, row.ascii);
    }
    return text;
}

Json to_json(const MemoryModel& model) {
    Json json;
    json["address"] = hex64(model.address);
    json["physical"] = model.physical;
    json["symbol"] = model.symbol;
    json["rows"] = Json::array();
    for (const MemoryRow& row : model.rows) {
        std::string bytes;
        for (size_t i = 0; i < row.bytes.size(); ++i)
            bytes += row.readable[i] ? fmt::format("{}{:02x}", i == 0 ? "" : " ", row.bytes[i])
                                     : fmt::format("{}--", i == 0 ? "" : " ");
        json["rows"].push_back({{"address", hex64(row.address)}, {"bytes", bytes}, {"ascii", row.ascii}});
    }
    return json;
}

}  // namespace orrery
