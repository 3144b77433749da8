// A decoded instruction: everything the interpreter, the timing model and the debugger need, and nothing of
// any machine's state. Filled by decode() (decoder.h). Plain data; copyable; equal bytes in equal mode give
// equal Insns.
#pragma once

#include "emulator/isa/types.h"

namespace orrery {

struct Row;

// Segment registers by their encoding in ModRM.reg and prefixes (SDM Vol. 2, 2.1.1 and Table B-8).
enum SegmentIndex : i8 { kEs = 0, kCs = 1, kSs = 2, kDs = 3, kFs = 4, kGs = 5 };

constexpr u8 kNoRegister = 16;  // Insn::base, Insn::index: absent
constexpr u8 kRipRegister =
    17;  // Insn::base: RIP- or EIP-relative; add the address of the *next* instruction

enum class OperandKind : u8 {
    None,
    Gpr,           // reg 0..15; size 1, 2, 4 or 8. With high8: reg is 4..7 and names AH, CH, DH, BH
    Memory,        // the address in Insn::{segment,base,index,scale_log2,disp,asize}
    Immediate,     // Insn::imm, already sign-extended where the row says so
    Immediate2,    // Insn::imm2 (ENTER's level)
    Relative,      // Insn::imm, sign-extended displacement from the next instruction
    FarPointer,    // Insn::imm offset, Insn::imm2 selector
    Segment,       // reg: SegmentIndex
    Control,       // reg: number of CRn
    Debug,         // reg: number of DRn
    Xmm,           // reg 0..15; size 32: YMM
    Mmx,           // reg 0..7
    St,            // reg: i of ST(i)
    StringSource,  // Insn::segment:rSI, width by asize
    StringDest,    // ES:rDI, width by asize
    Constant,      // Insn::imm without a byte in the encoding: the "1" of D1 /4
};

enum class Access : u8 { Read, Write, ReadWrite, AddressOnly };  // AddressOnly: LEA, INVLPG, hint NOPs

struct Operand {
    OperandKind kind = OperandKind::None;
    u8 reg = 0;
    u16 size = 0;  // bytes; 0 where the row gives none (LEA's memory operand)
    Access access = Access::Read;
    bool high8 = false;

    constexpr bool is_gpr() const { return kind == OperandKind::Gpr; }
    constexpr bool is_memory() const { return kind == OperandKind::Memory; }
    constexpr bool operator==(const Operand&) const = default;
};

constexpr unsigned kMaxOperands = 4;
constexpr unsigned kMaxInsnLength = 15;

struct Insn {
    const Row* row = nullptr;
    u16 row_id = 0;
    u8 length = 0;  // bytes, 1..15

    u8 opsize = 0;     // effective operand size in bytes: 2, 4, 8 (also set for byte instructions)
    u8 asize = 0;      // effective address size in bytes: 2, 4, 8
    u8 mode_bits = 0;  // 16, 32 or 64: the mode it was decoded in

    bool lock = false;
    bool rep = false;            // F3 was the last of F2/F3 and is not a mandatory prefix of the row
    bool repne = false;          // F2 likewise
    bool opsize_prefix = false;  // 66 present
    bool has_rex = false;
    bool vex = false;  // VEX-encoded; rex_w is then VEX.W
    u8 vex_l = 0;      // VEX.L
    u8 vvvv = 0;       // register in VEX.vvvv, 0..15
    u8 vsib = 0;       // bytes of the vector register in `index` (VSIB), or 0
    bool rex_w = false;
    bool segment_override = false;
    i8 segment = kDs;  // SegmentIndex of the memory operand (or string source), default or override

    u8 map = 0;     // 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
    u8 opcode = 0;  // last opcode byte; its low nibble is the condition of Jcc, SETcc, CMOVcc
    bool has_modrm = false;
    u8 modrm = 0;
    u8 mod = 0;
    u8 reg = 0;  // ModRM.reg with REX.R: 0..15
    u8 rm = 0;   // ModRM.rm with REX.B: 0..15 (meaningful when mod is 3)

    u8 base = kNoRegister;   // 0..15, kNoRegister or kRipRegister
    u8 index = kNoRegister;  // 0..15 or kNoRegister; with vsib, a vector register
    u8 scale_log2 = 0;       // 0..3
    i64 disp = 0;            // sign-extended; moffs: the whole offset

    i64 imm = 0;
    i64 imm2 = 0;

    u8 operand_count = 0;
    Operand operands[kMaxOperands];

    /// The memory operand, or nullptr. No instruction has two.
    constexpr const Operand* memory() const {
        for (unsigned i = 0; i < operand_count; ++i) {
            if (operands[i].is_memory()) return &operands[i];
        }
        return nullptr;
    }
    constexpr bool has_memory() const { return memory() != nullptr; }
    constexpr bool operator==(const Insn&) const = default;
};

}  // namespace orrery
