#include "tests/isa/decoder_cases.h"

#include "emulator/isa/row.h"
#include "tests/isa/rng.h"

namespace orrery::testing {
namespace {

using Bytes = std::vector<u8>;

// The first four select rows and are tried with every ModRM.
constexpr std::size_t kFullSets = 4;

std::vector<Bytes> prefix_sets(CpuMode mode) {
    std::vector<Bytes> sets = {{},     {0x66}, {0xf3},       {0xf2},       {0xf0},       {0x67},      {0x64},
                               {0x2e}, {0x36}, {0x66, 0xf3}, {0x66, 0xf2}, {0x66, 0x67}, {0x65, 0x67}};
    if (mode == CpuMode::Bits64) {
        for (const Bytes& b : {Bytes{0x48},
                               {0x40},
                               {0x41},
                               {0x42},
                               {0x44},
                               {0x47},
                               {0x4f},
                               {0x66, 0x48},
                               {0xf3, 0x48},
                               {0xf2, 0x48},
                               {0x66, 0x4d},
                               {0xf3, 0x45},
                               {0xf2, 0x45},
                               {0xf0, 0x49},
                               {0x67, 0x43},
                               {0x66, 0xf2, 0x4c}}) {
            sets.push_back(b);
        }
    }
    return sets;
}

// Which opcodes take a ModRM byte according to the table; those no row claims are taken to have one.
bool has_modrm(unsigned map, unsigned opcode, CpuMode mode) {
    bool claimed = false;
    for (const Row& row : rows()) {
        const Encoding& e = row.encoding;
        if (e.vex || e.map != map || opcode < e.opcode || opcode >= e.opcode + (e.plus_r ? 8u : 1u)) continue;
        if (row.has(mode == CpuMode::Bits64 ? row_words::No64 : row_words::Only64)) continue;
        claimed = true;
        if (row.has_modrm()) return true;
    }
    return !claimed;
}

bool is_prefix_or_escape(unsigned opcode, CpuMode mode) {
    switch (opcode) {
        case 0x0f:
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67:
        case 0xf0:
        case 0xf2:
        case 0xf3:
            return true;
        default:
            return mode == CpuMode::Bits64 && (opcode & 0xf0) == 0x40;
    }
}

}  // namespace

std::vector<DecoderCase> decoder_cases(CpuMode mode) {
    std::vector<DecoderCase> out;
    Rng rng(0x0441 + static_cast<u64>(mode));
    const std::vector<Bytes> sets = prefix_sets(mode);
    auto emit = [&](const Bytes& prefix, unsigned map, unsigned opcode, int modrm) {
        DecoderCase c;
        std::size_t at = 0;
        for (u8 b : prefix) c.bytes[at++] = b;
        c.prefix_count = static_cast<u8>(at);
        if (map) c.bytes[at++] = 0x0f;
        if (map > 1) c.bytes[at++] = map == 2 ? 0x38 : 0x3a;
        c.bytes[at++] = static_cast<u8>(opcode);
        if (modrm >= 0) c.bytes[at++] = static_cast<u8>(modrm);
        while (at < c.bytes.size()) c.bytes[at++] = rng.byte();
        out.push_back(c);
    };
    for (unsigned map = 0; map < 4; ++map) {
        for (unsigned opcode = 0; opcode < 256; ++opcode) {
            if (map == 0 && is_prefix_or_escape(opcode, mode)) continue;
            if (map == 1 && (opcode == 0x38 || opcode == 0x3a)) continue;
            bool modrm = has_modrm(map, opcode, mode);
            for (std::size_t set = 0; set < sets.size(); ++set) {
                if (!modrm) {
                    for (int i = 0; i < 2; ++i) emit(sets[set], map, opcode, -1);
                } else if (set < kFullSets) {
                    for (int m = 0; m < 256; ++m) emit(sets[set], map, opcode, m);
                } else {
                    for (unsigned reg = 0; reg < 8; ++reg) {
                        for (unsigned mod = 0; mod < 4; ++mod) {
                            unsigned rm = mod == 1 ? 4u : static_cast<unsigned>(rng.below(8));
                            emit(sets[set], map, opcode, static_cast<int>(mod << 6 | reg << 3 | rm));
                        }
                    }
                }
            }
        }
    }
    return out;
}

std::vector<DecoderCase> vex_decoder_cases(CpuMode mode) {
    std::vector<DecoderCase> out;
    Rng rng(0xc4c5 + static_cast<u64>(mode));
    const bool in64 = mode == CpuMode::Bits64;
    // Map, opcode, pp, L, W, and one ModRM of each mod and reg.
    for (unsigned n = 0; n < 3u * 256 * 16 * 32; ++n) {
        const unsigned form = n & 31, bits = n >> 5 & 15, opcode = n >> 9 & 255, map = (n >> 17) + 1;
        // Registers above 7 only in 64-bit mode; elsewhere these bits make it LES or LDS.
        const unsigned rxb = in64 ? static_cast<unsigned>(rng.below(8)) : 7;
        const unsigned vvvv =
            rng.one_in(2) ? 15 : (in64 ? 0 : 8) | static_cast<unsigned>(rng.below(in64 ? 16 : 8));
        const unsigned last = vvvv << 3 | (bits & 7);
        const bool w = bits & 8;
        DecoderCase c;
        std::size_t at = 0;
        if (rng.one_in(16)) c.bytes[at++] = 0x67;
        if (map == 1 && !w && (rxb & 3) == 3) {
            c.bytes[at++] = 0xc5;
            c.bytes[at++] = static_cast<u8>((rxb & 4) << 5 | last);
        } else {
            c.bytes[at++] = 0xc4;
            c.bytes[at++] = static_cast<u8>(rxb << 5 | map);
            c.bytes[at++] = static_cast<u8>((w ? 0x80 : 0) | last);
        }
        c.prefix_count = static_cast<u8>(at);
        c.bytes[at++] = static_cast<u8>(opcode);
        const unsigned mod = form >> 3, reg = form & 7;
        const unsigned rm = rng.one_in(3) ? 4u : static_cast<unsigned>(rng.below(8));
        c.bytes[at++] = static_cast<u8>(mod << 6 | reg << 3 | rm);
        while (at < c.bytes.size()) c.bytes[at++] = rng.byte();
        out.push_back(c);
    }
    return out;
}

}  // namespace orrery::testing
