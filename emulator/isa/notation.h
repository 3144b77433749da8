// clang-format off
// The words a row of the instruction table is written in. After Intel SDM Vol. 2, 3.1.1 (encodings) and
// appendix A.2 (operands), with the few additions marked (own).
//
// ENCODING: space-separated, in this order
//   NP | 66 | F3 | F2   mandatory prefix; NP: none of the three may stand before the opcode. Without any of these
//                       66 is the operand-size prefix and F2/F3 are ignored, or repeat (attribute Rep).
//   REX.W               only with REX.W = 1. A row without it takes both, unless a REX.W row exists beside it.
//   REX.B0              (own) only with REX.B = 0.
//   VEX.128.66.0F38.W0  instead of all these and of the map: 128, LZ (both VEX.L = 0), 256 (1) or LIG (ignored);
//                       66, F3, F2 or nothing; the map; W0, W1 or WIG (ignored). Outside 64-bit mode VEX.W counts
//                       as 0 where a register operand is general. VEX.vvvv must be unused without H or B.
//   00 | 0F 00 | 0F 38 00 | 0F 3A 00   the opcode; "50+r": its low three bits are a register.
//   /r | /0../7         ModRM follows; with a digit ModRM.reg is an opcode extension.
//   D0 | C0+i           a further byte: ModRM must be this byte, or one of the eight from it.
//   ib iw id io iz iv cb cd cz cp mo /is4   immediates and displacements; for the reader only, the operands decide.
//
// OPERANDS: comma-separated, destination first; at most four. [mark]letter[size]
//   marks (own): none read, = written, + read and written, & address only (not accessed)
//   E  ModRM.rm: general register or memory      G  ModRM.reg: general register
//   R  ModRM.rm: general register only           M  ModRM.rm: memory only
//   Z  general register in the opcode's low three bits
//   S  ModRM.reg: segment register   C  control register   D  debug register
//   V  ModRM.reg: XMM    W  ModRM.rm: XMM or memory    U  ModRM.rm: XMM only
//   H  VEX.vvvv: XMM    B  VEX.vvvv: general register    L  imm8[7:4]: XMM; the other bits are Insn::imm
//   vm32x vm64y with a further d or q: memory at the elements of a vector index (VSIB), XMM or YMM; d, q: of one element
//   P  ModRM.reg: MMX    Q  ModRM.rm: MMX or memory    N  ModRM.rm: MMX only
//   R?/M? U?/M? N?/M?    register form and memory form of different sizes: "=Rv/Mw", "Udq/Mq"
//   I  immediate: Ib and Iw zero-extended, Iz and Iv sign-extended; "Ibs": imm8 sign-extended to the operand size.
//      A second I is Insn::imm2
//   J  relative branch target        A  far pointer in the instruction (Ap)      O  memory at an offset (moffs)
//   X  string source, segment:rSI    Y  string destination, ES:rDI
//   AL CL DX AX eAX rAX CS DS ES SS FS GS ST0 XMM0   that register (eAX: 2 or 4 bytes, rAX: 2, 4 or 8)
//   STi  the x87 register in ModRM.rm                1  the constant one
//   sizes: b 1   w 2   d 4   q 8   dq 16 bytes   t 10 (x87 extended, BCD)
//          v 2, 4 or 8: operand size    z 2 or 4 (4 for 8)    y 4 or 8 (4 for 2)
//          n (own) native: 8 in 64-bit mode, else 4            p far pointer: offset of operand size + 2 bytes
//          s descriptor-table operand: 6, in 64-bit mode 10    a BOUND's pair: twice the operand size
//          qq 32 bytes     x by VEX.L, 16 or 32; ps and pd likewise in VEX rows
//          c (own) x87 environment: 14 or 28     x (own) x87 state: 94 or 108     f (own) FXSAVE area: 512
//          e (own) XSAVE area: 576, without the extended part
//          ss sd ps pd pi   as d q dq dq q       none: no size (LEA's M)
//
// ATTRS: the words of namespace row_words::attributes below, or'ed.
// FLAGS: CF PF AF ZF SF OF (together Status), TF IF DF NT RF AC..., and C0 to C3 of the x87; or'ed; None.
//   A flag is in at most one of written and undefined; in neither it is unchanged. A row whose effect depends on
//   an operand (shifts by 0 or by more than 1) lists what holds in general; tests/isa/outcome_compare.cpp refines it.
// clang-format on
#pragma once

#include "emulator/isa/features.h"
#include "emulator/isa/types.h"

namespace orrery {

using FlagSet = u32;

enum class SizeCode : u8 { None, B, W, D, Q, DQ, T, V, Z, Y, N, P, S, A, C, X, F, E, QQ };

enum class Privilege : u8 {
    Any,
    Cpl0,
    Iopl,    // CPL <= IOPL: CLI, STI
    Io,      // CPL <= IOPL or the I/O permission map: IN, OUT, INS, OUTS
    Cr4Tsd,  // RDTSC, RDTSCP: CPL 0 unless CR4.TSD is 0
    Cr4Pce,  // RDPMC
    Umip,    // SGDT SIDT SLDT SMSW STR: CPL 0 if CR4.UMIP
};

/// What can go wrong beyond decoding. Names for legacy SSE as in SDM Vol. 2, 2.4 (exception types).
enum class ExceptionClass : u8 {
    None,
    Mem,        // page and segment faults of the memory operand; #AC
    Stack,      // faults of the implicit stack access, and Mem
    De,         // #DE, and Mem
    Br,         // #BR (BOUND)
    Branch,     // #GP for a target outside the limit or not canonical, and Stack/Mem
    Far,        // loads of segment registers and far transfers: #GP #NP #SS #TS
    Int,        // software interrupts
    Gp,         // #GP by privilege or reserved bits
    Io,         // #GP by IOPL and permission map
    Ud,         // always #UD
    SseType1,   // memory operand must be aligned
    SseType2,   // aligned memory, SIMD floating-point exceptions
    SseType3,   // scalar or unaligned memory, SIMD floating-point exceptions
    SseType4,   // aligned memory, no SIMD floating-point exceptions
    SseType4u,  // as Type4 without the alignment check (MOVUPS, LDDQU, PCMPxSTRx)
    SseType5,   // scalar or no memory, no SIMD floating-point exceptions
    SseType7,   // registers only
    AvxType1,   // VEX forms: as above, but of memory only types 1 check alignment, to the operand's size
    AvxType2,
    AvxType3,
    AvxType4,
    AvxType5,
    AvxType6,  // no legacy form (broadcasts, VINSERTF128, VMASKMOV …)
    AvxType7,
    AvxType8,    // no operands: VZEROUPPER, VZEROALL
    AvxType11,   // conversions of half precision
    AvxType12,   // gathers
    AvxType13,   // VEX on general registers, with memory: BMI
    Mmx,         // #NM, #MF pending, #UD if CR0.EM, and Mem
    MmxFp,       // Mmx, and SIMD floating-point exceptions (CVTPI2PS and the like)
    X87,         // #NM, #MF, x87 floating-point exceptions, and Mem
    X87Control,  // as X87, but does not wait for pending exceptions (FNINIT, FNSTCW …)
};

/// Class for the timing model: what kind of work, memory operands apart.
enum class Timing : u8 {
    Nop,
    Mov,
    MovExtend,
    Alu,
    AluCarry,
    Lea,
    Shift,
    ShiftCarry,
    ShiftDouble,
    BitTest,
    BitScan,
    Mul,
    Div,
    Cmov,
    Setcc,
    Bswap,
    Xchg,
    Atomic,
    Push,
    Pop,
    Branch,
    BranchCond,
    Call,
    Ret,
    Loop,
    FarBranch,
    Interrupt,
    String,
    Flags,
    Bcd,
    Enter,
    Leave,
    Io,
    System,
    Serializing,
    Cpuid,
    Tsc,
    Fence,
    Prefetch,
    Crc32,
    Popcnt,
    VecMove,
    VecLoad,
    VecStore,
    VecLogic,
    VecAlu,
    VecMul,
    VecShift,
    VecShuffle,
    VecSad,
    VecMovemask,
    VecInsert,
    VecExtract,
    VecHorizontal,
    VecString,
    VecAes,
    FpMove,
    FpLogic,
    FpAdd,
    FpMul,
    FpDiv,
    FpSqrt,
    FpCmp,
    FpRecip,
    FpRound,
    FpConv,
    FpDot,
    FpHorizontal,
    Mxcsr,
    X87Move,
    X87Add,
    X87Mul,
    X87Div,
    X87Sqrt,
    X87Cmp,
    X87Conv,
    X87Round,
    X87Bcd,
    X87Trig,
    X87Control,
    X87State,
    Count,
};

// The bare words of the .def files. Whoever expands ROW and uses these columns says `using namespace` for
// these.
namespace row_words {

constexpr u32 None = 0;

inline namespace attributes {
constexpr u32 Lock = 1u << 0;     // LOCK allowed when the destination is memory
constexpr u32 D64 = 1u << 1;      // operand size defaults to 64 bits in 64-bit mode; 66 gives 16
constexpr u32 F64 = 1u << 2;      // operand size is 64 bits in 64-bit mode, whatever the prefixes
constexpr u32 No64 = 1u << 3;     // invalid in 64-bit mode
constexpr u32 Only64 = 1u << 4;   // valid in 64-bit mode only
constexpr u32 Rep = 1u << 5;      // F3 (and F2) repeat it: string instruction
constexpr u32 RepCond = 1u << 6;  // with Rep: repeats while ZF is as the prefix says (CMPS, SCAS)
constexpr u32 Branch = 1u << 7;   // changes RIP other than by falling through
constexpr u32 EndsBlock =
    1u << 8;  // ends a decoded block though it may fall through (mode, mapping, interrupts)
constexpr u32 IgnoreMod = 1u << 9;  // ModRM.mod is taken as 3 (MOV CR, MOV DR)
constexpr u32 NotReal = 1u << 10;   // #UD in real and virtual-8086 mode (Bits16 code outside protected mode)
constexpr u32 HintNop = 1u << 11;   // does nothing whatever the operand
constexpr u32 Conditional = 1u << 12;  // destination written or branch taken depending on flags
constexpr u32 Fixed32 = 1u << 13;      // operand size is 32 bits whatever the prefixes
constexpr u32 Unordered = 1u << 14;    // result is not a function of the architectural state (RDTSC, RDRAND)
}  // namespace attributes

constexpr FlagSet CF = 1u << 0;
constexpr FlagSet PF = 1u << 2;
constexpr FlagSet AF = 1u << 4;
constexpr FlagSet ZF = 1u << 6;
constexpr FlagSet SF = 1u << 7;
constexpr FlagSet TF = 1u << 8;
constexpr FlagSet IF = 1u << 9;
constexpr FlagSet DF = 1u << 10;
constexpr FlagSet OF = 1u << 11;
constexpr FlagSet IOPL = 3u << 12;
constexpr FlagSet NT = 1u << 14;
constexpr FlagSet RF = 1u << 16;
constexpr FlagSet VM = 1u << 17;
constexpr FlagSet AC = 1u << 18;
constexpr FlagSet VIF = 1u << 19;
constexpr FlagSet VIP = 1u << 20;
constexpr FlagSet ID = 1u << 21;
constexpr FlagSet Status = CF | PF | AF | ZF | SF | OF;
constexpr FlagSet C0 = 1u << 24;  // x87 status word
constexpr FlagSet C1 = 1u << 25;
constexpr FlagSet C2 = 1u << 26;
constexpr FlagSet C3 = 1u << 27;

}  // namespace row_words

}  // namespace orrery
