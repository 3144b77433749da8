#include "emulator/inspect/gdb/access.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "emulator/inspect/gdb/packets.h"
#include "emulator/inspect/gdb/registers.h"

namespace orrery {

namespace {

const GdbLayout& layout_of(const Machine& machine, unsigned cpu) {
    return gdb_layout(machine.cpu(cpu).features, machine.kernel_is_32_bit());
}

std::string read_one(const Machine& machine, unsigned cpu, const GdbRegister& reg) {
    u8 value[kLargestRegister];
    read_register(machine.cpu(cpu), reg.id, value);
    return gdb_hex(std::span(value).first(reg.size));
}

// Writing a lower half clears the upper one, as instructions do.
bool write_one(Machine& machine, unsigned cpu, const GdbRegister& reg, std::span<const u8> value) {
    if (value.size() != reg.size) return false;
    u8 present[kLargestRegister] = {};
    const size_t size = read_register(machine.cpu(cpu), reg.id, present);
    if (std::memcmp(present, value.data(), value.size()) == 0) return true;
    std::vector<u8> input{static_cast<u8>(cpu), static_cast<u8>(reg.id)};
    input.insert(input.end(), value.begin(), value.end());
    input.resize(2 + size);
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

std::string gdb_read_registers(const Machine& machine, unsigned cpu) {
    std::string text;
    for (const GdbRegister& reg : layout_of(machine, cpu).registers) text += read_one(machine, cpu, reg);
    return text;
}

bool gdb_write_registers(Machine& machine, unsigned cpu, std::span<const u8> values) {
    const std::vector<GdbRegister>& all = layout_of(machine, cpu).registers;
    size_t size = 0;
    for (const GdbRegister& reg : all) size += reg.size;
    if (values.size() != size) return false;
    for (const GdbRegister& reg : all) {
        if (!write_one(machine, cpu, reg, values.first(reg.size))) return false;
        values = values.subspan(reg.size);
    }
    return true;
}

std::optional<std::string> gdb_read_register(const Machine& machine, unsigned cpu, u64 number) {
    const std::vector<GdbRegister>& all = layout_of(machine, cpu).registers;
    if (number >= all.size()) return std::nullopt;
    return read_one(machine, cpu, all[number]);
}

bool gdb_write_register(Machine& machine, unsigned cpu, u64 number, std::span<const u8> value) {
    const std::vector<GdbRegister>& all = layout_of(machine, cpu).registers;
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
