#include "tests/isa/addresses.h"

#include <algorithm>
#include <cstring>

#include "emulator/isa/effects.h"

namespace orrery::testing {
namespace {

u64 cut(u64 value, unsigned bytes) {
    return bytes >= 8 ? value : value & ((u64{1} << (8 * bytes)) - 1);
}

u64 segment_base(const Insn& insn) {
    return insn.segment == kGs ? kGsBase : 0;
}

u64 to_linear(const Insn& insn, u64 base, u64 offset) {
    return cut(base + cut(offset, insn.asize), insn.mode_bits == 64 ? 8 : 4);
}

i64 sign_extend(u64 value, unsigned bytes) {
    const unsigned shift = 64 - 8 * bytes;
    return static_cast<i64>(value << shift) >> shift;
}

}  // namespace

bool is_canonical(u64 address) {
    return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
}

u64 linear_address(const Insn& insn, const u64 (&gpr)[16], u64 insn_address) {
    u64 offset = static_cast<u64>(insn.disp);
    if (insn.base == kRipRegister) {
        offset += insn_address + insn.length;
    } else if (insn.base != kNoRegister) {
        offset += gpr[insn.base];
    }
    if (insn.index != kNoRegister && insn.vsib == 0) offset += gpr[insn.index] << insn.scale_log2;
    return to_linear(insn, segment_base(insn), offset);
}

namespace {

// Of the memory operand. POP works its address out after rSP has moved; a bit string begins where the bit is.
MemoryTouch operand_touch(const Insn& insn, const MemoryEffect& effect, const u64 (&gpr)[16],
                          u64 insn_address) {
    MemoryTouch touch{linear_address(insn, gpr, insn_address), effect.size, effect.written};
    if (uses_xsave_area(*insn.row)) touch.size = kXsaveAreaSize;
    if (insn.row->has(row_words::AfterPop) && insn.base == 4) touch.address += insn.opsize;
    if (insn.row->has(row_words::BitString)) {
        const i64 bit = sign_extend(gpr[insn.operands[1].reg], insn.opsize);
        const int word_shift = insn.opsize == 8 ? 6 : insn.opsize == 4 ? 5 : 4;
        const u64 offset = touch.address + static_cast<u64>((bit >> word_shift) * insn.opsize);
        touch.address = to_linear(insn, segment_base(insn), offset - segment_base(insn));
        touch.size = insn.opsize;
    }
    return touch;
}

MemoryTouch string_touch(const Insn& insn, const MemoryEffect& effect, const u64 (&gpr)[16], bool down) {
    const bool source = effect.at == MemoryEffect::At::StringSource;
    const u64 start = to_linear(insn, source ? segment_base(insn) : 0, gpr[source ? 6 : 7]);
    u64 count = insn.rep || insn.repne ? cut(gpr[1], insn.asize) : 1;
    if (count > 0x10000) count = 0x10000;
    const u64 bytes = count * effect.size;
    return {down ? start - bytes + effect.size : start, bytes, effect.written};
}

}  // namespace

std::vector<MemoryTouch> memory_touches(const Insn& insn, const u64 (&gpr)[16], u64 rflags,
                                        u64 insn_address) {
    using At = MemoryEffect::At;
    std::vector<MemoryTouch> out;
    const Effects e = effects(insn);
    const unsigned stack_width = insn.mode_bits == 64 ? 8 : 4;
    const u64 rsp = cut(gpr[4], stack_width), rbp = cut(gpr[5], stack_width);
    constexpr u64 kPointers = u64{8} * 34;
    for (unsigned i = 0; i < e.memory_count; ++i) {
        const MemoryEffect& m = e.memory[i];
        switch (m.at) {
            case At::Operand:
                if (insn.vsib == 0) out.push_back(operand_touch(insn, m, gpr, insn_address));
                break;  // else gather_touches()
            case At::StringSource:
            case At::StringDest:
                out.push_back(string_touch(insn, m, gpr, (rflags & row_words::DF) != 0));
                if (out.back().size == 0) out.pop_back();
                break;
            case At::Table:
                out.push_back({to_linear(insn, segment_base(insn), gpr[3] + (gpr[0] & 0xff)), 1, false});
                break;
            case At::Rdi:
                out.push_back({to_linear(insn, segment_base(insn), gpr[7]), m.size, m.written});
                break;
            case At::Rax:
                out.push_back({to_linear(insn, segment_base(insn), gpr[0]), m.size, m.written});
                break;
            case At::Stack:
                out.push_back({rsp - 40, 80, true});
                break;
            case At::Frame:
                out.push_back({rbp - kPointers, kPointers + 8, false});
                // ENTER copies up to 31 frame pointers, and touches the frame at its end too (a probing write).
                if (!e.writes_memory()) break;
                out.push_back({rsp - kPointers, kPointers, true});
                out.push_back({rsp - kPointers - static_cast<u64>(insn.imm) - 8, 8, false});
                break;
            case At::System:
                break;
        }
    }
    return out;
}

bool uses_xsave_area(const Row& row) {
    return row.operand_count > 0 && row.operands[0].mem_size == SizeCode::E;
}

unsigned vsib_index_size(const Row& row) {
    for (const OperandSpec& operand : row.operands)
        if (operand.vsib != 0) return operand.vsib_index;
    return 0;
}

std::vector<MemoryTouch> gather_touches(const Insn& insn, const TestState& s) {
    const unsigned size = insn.operands[1].size;
    const unsigned index_size = vsib_index_size(*insn.row);
    const unsigned count = std::min(insn.operands[0].size / size, insn.vsib / index_size);
    u8 whole[32];
    std::memcpy(whole, s.fx.xmm[insn.index], 16);
    std::memcpy(whole + 16, s.ymm[insn.index], 16);
    const u64 base = insn.base != kNoRegister ? s.gpr[insn.base] : 0;
    std::vector<MemoryTouch> out;
    for (unsigned i = 0; i < count; ++i) {
        u64 index = 0;
        std::memcpy(&index, whole + i * index_size, index_size);
        index = static_cast<u64>(sign_extend(index, index_size));
        const u64 offset = base + (index << insn.scale_log2) + static_cast<u64>(insn.disp);
        out.push_back({to_linear(insn, segment_base(insn), offset), size, false});
    }
    return out;
}

// The part of the touch that lies in pages which can be written must lie in one window.
static bool writes_in_window(const MemoryTouch& t, u64 pages, u64 size) {
    const u64 from = std::max(t.address, pages), to = std::min(t.address + t.size, pages + size);
    if (from >= to) return true;
    for (const Window& w : kWindows) {
        if (from >= w.base && to <= w.base + w.size) return true;
    }
    return false;
}

bool stays_in_arena(const std::vector<MemoryTouch>& touches) {
    for (const MemoryTouch& t : touches) {
        // Beside the edges of the canonical range part of an access could be valid: leave it out.
        if (!is_canonical(t.address) && !is_canonical(t.address + t.size)) continue;
        if (t.address < kArenaBase || t.address > kArenaEnd || t.size > kArenaEnd - t.address) return false;
        if (t.writes &&
            !(writes_in_window(t, kDataBase, kDataSize) && writes_in_window(t, kStackBase, kStackSize))) {
            return false;
        }
    }
    return true;
}

}  // namespace orrery::testing
