#include "tests/isa/addresses.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "emulator/isa/row.h"

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

std::vector<MemoryTouch> memory_touches(const Insn& insn, const u64 (&gpr)[16], u64 rflags,
                                        u64 insn_address) {
    std::vector<MemoryTouch> out;
    const std::string_view name = insn.row->mnemonic;
    const bool down = rflags & row_words::DF;
    const unsigned stack_width = insn.mode_bits == 64 ? 8 : 4;
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        const Operand& op = insn.operands[i];
        if (op.is_memory() && (name.starts_with("XSAVE") || name.starts_with("XRSTOR"))) {
            out.push_back(
                {linear_address(insn, gpr, insn_address), kXsaveAreaSize, name.starts_with("XSAVE")});
            continue;
        }
        if (op.access == Access::AddressOnly && name != "CLFLUSH") continue;
        if (op.kind == OperandKind::Memory && insn.vsib != 0) continue;  // gather_touches()
        if (op.kind == OperandKind::Memory) {
            u64 address = linear_address(insn, gpr, insn_address);
            u64 size = op.size;
            // POP to memory computes its address after RSP has moved.
            if (name == "POP" && insn.base == 4) address += insn.opsize;
            if ((name == "BT" || name == "BTS" || name == "BTR" || name == "BTC") &&
                insn.operands[1].is_gpr()) {
                const i64 bit = sign_extend(gpr[insn.operands[1].reg], insn.opsize);
                const int word_shift = insn.opsize == 8 ? 6 : insn.opsize == 4 ? 5 : 4;
                address += static_cast<u64>((bit >> word_shift) * insn.opsize);
                address = to_linear(insn, segment_base(insn), address - segment_base(insn));
            }
            out.push_back({address, size, op.access != Access::Read});
        } else if (op.kind == OperandKind::StringSource || op.kind == OperandKind::StringDest) {
            const bool source = op.kind == OperandKind::StringSource;
            const u64 start = to_linear(insn, source ? segment_base(insn) : 0, gpr[source ? 6 : 7]);
            u64 count = insn.rep || insn.repne ? cut(gpr[1], insn.asize) : 1;
            if (count > 0x10000) count = 0x10000;
            u64 bytes = count * op.size;
            const bool writes = op.access != Access::Read;
            if (bytes) out.push_back({down ? start - bytes + op.size : start, bytes, writes});
        }
    }
    if (name == "XLAT") {
        out.push_back({to_linear(insn, segment_base(insn), gpr[3] + (gpr[0] & 0xff)), 1, false});
    }
    if (name == "MASKMOVQ" || name.ends_with("MASKMOVDQU")) {
        out.push_back({to_linear(insn, segment_base(insn), gpr[7]), name == "MASKMOVQ" ? 8u : 16u, true});
    }
    const u64 rsp = cut(gpr[4], stack_width);
    if (name.starts_with("PUSH") || name.starts_with("POP") || name.starts_with("CALL") ||
        name.starts_with("RET")) {
        if (name != "POPCNT") out.push_back({rsp - 40, 80, true});
    } else if (name == "ENTER") {
        out.push_back({rsp - 8 * 34, 8 * 34, true});
        out.push_back({cut(gpr[5], stack_width) - 8 * 34, 8 * 34, false});
        // The frame is touched at its end too (a probing write), at most 64 KiB below.
        out.push_back({rsp - 8 * 34 - static_cast<u64>(insn.imm) - 8, 8, false});
    } else if (name == "LEAVE") {
        out.push_back({cut(gpr[5], stack_width), 8, false});
    }
    return out;
}

std::vector<MemoryTouch> gather_touches(const Insn& insn, const TestState& s) {
    const unsigned size = insn.operands[1].size;
    const unsigned index_size =
        std::string_view(insn.row->operands_text).find("vm32") != std::string_view::npos ? 4 : 8;
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
