// The instruction table: one row per instruction form. Decoder, interpreter, timing, documentation and
// generated tests are all made from it. The rows are in rows_*.def, as
//
//   ROW(mnemonic, "encoding", "operands", "implicit", attrs, flow, flags_read, flags_written, flags_undefined,
//       exceptions, cpuid, privilege, timing, semantics)
//
// and read like the opcode maps of Intel SDM Vol. 2, appendix A. notation.h explains every word of a row.
// `semantics` names the interpreter's selector `select_<semantics>(const Insn&)`; this folder only keeps the
// name.
#pragma once

#include <span>

#include "emulator/isa/insn.h"
#include "emulator/isa/notation.h"

namespace orrery {

/// Position of a row in rows(): the number of ROWs before it in rows.def. Stable within one build only.
enum RowId : u16 { kNoRow = 0xffff };

/// What the encoding column says, parsed.
struct Encoding {
    enum class Prefix : u8 {
        Any,   // no mandatory prefix: 66 is the operand size, F2 and F3 are ignored or repeat
        None,  // "NP": 66, F2 and F3 make it another instruction
        P66,
        PF3,
        PF2,
    };
    enum class ModRm : u8 {
        None,
        Any,    // "/r"
        Digit,  // "/0".."/7": ModRM.reg is `digit`
        Fixed,  // "D0" after the opcode, or "C0+i": ModRM is `fixed`..`fixed + fixed_count - 1`
    };

    // "VEX.256.66.0F38.W0": the words may be ignored (LIG, WIG).
    enum class VexL : u8 { Ignored, Zero, One };
    enum class VexW : u8 { Ignored, Zero, One };

    bool vex = false;
    VexL vex_l = VexL::Ignored;
    VexW vex_w = VexW::Ignored;
    u8 map = 0;  // 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A
    u8 opcode = 0;
    Prefix prefix = Prefix::Any;
    bool rex_w = false;        // "REX.W": only with REX.W
    bool rex_b_clear = false;  // "REX.B0": only without REX.B (NOP among XCHG rAX, r)
    bool plus_r = false;       // "50+r": register in the opcode's low three bits
    ModRm modrm = ModRm::None;
    u8 digit = 0;
    u8 fixed = 0;
    u8 fixed_count = 1;
};

/// One operand of a row, parsed from notation like "+Ev".
struct OperandSpec {
    char kind = 0;  // the addressing letter (notation.h), or 'f' for a fixed register, '1' for a constant
    SizeCode size = SizeCode::None;      // of the register or the only form
    SizeCode mem_size = SizeCode::None;  // of the memory form ("Rv/Mw": Word)
    Access access = Access::Read;
    OperandKind fixed_kind = OperandKind::None;  // 'f': Gpr, Segment or St
    u8 fixed_reg = 0;
    bool sign_extend = false;      // "Ibs"
    u8 vsib = 0;                   // "vm32x": bytes of the index register
    u8 vsib_index = 0;             // and of one index in it
    bool allows_register = false;  // for the operand held in ModRM.rm
    bool allows_memory = false;
};

/// One thing of the implicit column.
struct ImplicitSpec {
    enum class Kind : u8 {
        Gpr,      // which: the register's number
        Vector,   // bits: of these XMM or YMM
        St,       // bits: of these ST(i), as numbered before
        Segment,  // bits: of these SegmentIndexes
        System,   // bits: of system_state
        Memory,   // which: a Place
        Push,     // of the x87's stack
        Pop,
        TopDown,
        TopUp,
        SetTop,
    };
    // Of a general register: 1, 2, 4, 8; operand size (V, or 4 for 2: Y); address size; the stack's width.
    enum class Width : u8 { B, W, D, Q, V, Y, Address, Stack };
    enum Place : u8 {
        AtTable,
        AtRdi,
        AtRax,
        AtStack,
        AtFrame,
        AtSystem
    };  // [aBX+AL] [aDI] [aAX] [SP] [BP] [*]

    const char* name = "";
    Kind kind = Kind::Gpr;
    u8 which = 0;
    u16 bits = 0;
    Width width = Width::Q;
    bool high8 = false;
    Access access = Access::Read;
};

/// What a CPU holds beside its general, vector, x87 and segment registers, as bits.
namespace system_state {
constexpr u16 kGdtr = 1 << 0, kLdtr = 1 << 1, kIdtr = 1 << 2, kTr = 1 << 3, kControl = 1 << 4,
              kDebug = 1 << 5, kXcr0 = 1 << 6, kPkru = 1 << 7, kMxcsr = 1 << 8, kMsr = 1 << 9,
              kBase = 1 << 10, kTlb = 1 << 11,
              kX87 = 1 << 12,  // control, status, tags, last instruction
    kPorts = 1 << 13;
}

constexpr unsigned kMaxImplicit = 9;  // PUSHA, XRSTOR

struct Row {
    const char* mnemonic = "";
    const char* encoding_text = "";
    const char* operands_text = "";
    const char* implicit_text = "";
    u32 attrs = 0;
    Flow flow = Flow::Next;
    FlagSet flags_read = 0;
    FlagSet flags_written = 0;    // defined by the manual afterwards, changed or not
    FlagSet flags_undefined = 0;  // left to the implementation
    ExceptionClass exceptions = ExceptionClass::None;
    Feature feature = Feature::None;
    Privilege privilege = Privilege::Any;
    Timing timing = Timing::Alu;
    const char* semantics = "";
    const char* family = "";  // "integer", "sse2", …: the .def file
    RowId id = kNoRow;

    Encoding encoding;
    u8 operand_count = 0;
    OperandSpec operands[kMaxOperands];
    u8 implicit_count = 0;
    ImplicitSpec implicit[kMaxImplicit];

    bool has(u32 attr) const { return (attrs & attr) != 0; }
    bool has_modrm() const { return encoding.modrm != Encoding::ModRm::None; }
};

/// All rows in the order of rows.def. Parsed at first use; a row that cannot be parsed ends the program with
/// a message that names it (the table is part of the program: a mistake in it is a bug, found by any test).
std::span<const Row> rows();

}  // namespace orrery
