// Finds the row for an opcode. Built once from rows(): a dense array for the common case (every feature on),
// and an exact search for the rare ones (a row whose feature is off, NOP against XCHG R8). The rules of
// choice are those of SDM Vol. 2, 2.1.2 and appendix A: F2/F3 select before 66 does; a row without a
// mandatory prefix takes what no more specific row wants.
#pragma once

#include <array>
#include <vector>

#include "emulator/isa/row.h"

namespace orrery {

/// What selects a row, ModRM apart.
struct OpcodeKey {
    u8 map = 0;
    u8 opcode = 0;
    u8 prefix = 0;  // 0: none, 1: 66, 2: F3, 3: F2 (the last of F2/F3; 66 only if neither)
    bool in64 = false;
    bool rex_w = false;
    bool rex_b = false;
    bool vex = false;  // map is then 1 to 3, and rex_w VEX.W
    bool vex_l = false;
};

class DecodeTable {
  public:
    static const DecodeTable& instance();

    /// First step, without ModRM. kAbsent: no such opcode. Otherwise pass it to needs_modrm() and row().
    u16 slot(const OpcodeKey& key) const { return slots_[slot_index(key)]; }

    /// Whether the choice between rows depends on ModRM (a single row may still have one of its own).
    static bool needs_modrm(u16 slot) { return (slot & kKindMask) != kDirect; }

    /// The row for this slot and ModRM, or kNoRow. The caller still checks the row's feature and REX.B0.
    u16 row(u16 slot, u8 modrm) const {
        u16 at = slot & kIndexMask;
        switch (slot & kKindMask) {
            case kDirect:
                return at;
            case kByReg:
                return by_reg_[at][((modrm >= 0xc0) << 3) | ((modrm >> 3) & 7)];
            default:
                return by_byte_[at][modrm];
        }
    }

    /// The exact choice among all rows under these features, kNoRow if none. Slow.
    static u16 search(const OpcodeKey& key, u8 modrm, const CpuFeatures& features);

    static constexpr u16 kAbsent = 0xffff;

  private:
    DecodeTable();

    static unsigned slot_index(const OpcodeKey& key) {
        const unsigned encoding = key.vex ? 1u + key.vex_l : 0u;
        return ((((encoding * 2u + key.in64) * 4u + key.map) * 4u + key.prefix) * 2u + key.rex_w) * 256u +
               key.opcode;
    }

    static constexpr u16 kDirect = 0x0000;
    static constexpr u16 kByReg = 0x4000;
    static constexpr u16 kByByte = 0x8000;
    static constexpr u16 kKindMask = 0xc000;
    static constexpr u16 kIndexMask = 0x3fff;

    std::vector<u16> slots_;
    std::vector<std::array<u16, 16>> by_reg_;  // memory forms by ModRM.reg, then register forms
    std::vector<std::array<u16, 256>> by_byte_;
};

}  // namespace orrery
