#include "emulator/inspect/gdb/access.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "emulator/inspect/gdb/packets.h"
#include "emulator/inspect/gdb/registers.h"

namespace orrery {

namespace {

bool write_one(Machine& machine, unsigned cpu, RegisterId id, std::span<const u8> value) {
    u8 present[kLargestRegister] = {};
    const size_t size = read_register(machine.cpu(cpu), id, present);
    if (value.size() == size && std::memcmp(present, value.data(), size) == 0) return true;
    std::vector<u8> input{static_cast<u8>(cpu), static_cast<u8>(id)};
    input.insert(input.end(), value.begin(), value.end());
    try {
        machine.input(kRegisterInput, std::move(input));
    } catch (const std::invalid_argument&) {
        return false;
    }
    return true;
}

// A stretch of a write that lies in one page.
struct Piece {
    u64 physical;
    size_t at, size;
};

std::optional<std::vector<Piece>> pieces_of(Machine& machine, unsigned cpu, u64 linear, size_t size) {
    std::vector<Piece> pieces;
    for (size_t at = 0; at < size;) {
        const size_t count = std::min<size_t>(size - at, kPageSize - ((linear + at) & (kPageSize - 1)));
        const WalkResult found = machine.translate(cpu, linear + at);
        if (!found.ok || machine.bus().ram_at(found.physical) == nullptr) return std::nullopt;
        pieces.push_back({found.physical, at, count});
        at += count;
    }
    return pieces;
}

}  // namespace

std::string gdb_read_registers(const Cpu& cpu) {
    std::string text;
    for (const RegisterId id : gdb_registers(cpu.features)) {
        u8 value[kLargestRegister];
        text += gdb_hex(std::span(value).first(read_register(cpu, id, value)));
    }
    return text;
}

bool gdb_write_registers(Machine& machine, unsigned cpu, std::span<const u8> values) {
    const std::span<const RegisterId> all = gdb_registers(machine.cpu(cpu).features);
    size_t size = 0;
    for (const RegisterId id : all) size += register_size(id);
    if (values.size() != size) return false;
    for (const RegisterId id : all) {
        if (!write_one(machine, cpu, id, values.first(register_size(id)))) return false;
        values = values.subspan(register_size(id));
    }
    return true;
}

std::optional<std::string> gdb_read_register(const Cpu& cpu, u64 number) {
    const std::span<const RegisterId> all = gdb_registers(cpu.features);
    if (number >= all.size()) return std::nullopt;
    u8 value[kLargestRegister];
    return gdb_hex(std::span(value).first(read_register(cpu, all[number], value)));
}

bool gdb_write_register(Machine& machine, unsigned cpu, u64 number, std::span<const u8> value) {
    const std::span<const RegisterId> all = gdb_registers(machine.cpu(cpu).features);
    return number < all.size() && write_one(machine, cpu, all[number], value);
}

std::vector<u8> gdb_read_memory(Machine& machine, unsigned cpu, u64 linear, size_t size) {
    std::vector<u8> data(size);
    data.resize(machine.peek(cpu, linear, data.data(), size));
    return data;
}

bool gdb_write_memory(Machine& machine, unsigned cpu, u64 linear, std::span<const u8> data) {
    const auto pieces = pieces_of(machine, cpu, linear, data.size());
    if (!pieces) return false;
    for (const Piece& piece : *pieces) {
        if (std::memcmp(machine.bus().ram_at(piece.physical), data.data() + piece.at, piece.size) == 0)
            continue;
        std::vector<u8> input(sizeof piece.physical);
        std::memcpy(input.data(), &piece.physical, sizeof piece.physical);
        const auto bytes = data.subspan(piece.at, piece.size);
        input.insert(input.end(), bytes.begin(), bytes.end());
        machine.input(kMemoryInput, std::move(input));
    }
    return true;
}

}  // namespace orrery
