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
// IMPLICIT: what the instruction touches beside its operands, comma-separated: [mark]thing, marks as above.
// Not listed, since other columns say it: RIP; the registers of an address; rSI of an X and rDI of a Y, which move
// on, and with a repeat prefix rCX; the x87's control, status and tags (exceptions X87…, Mmx…), MXCSR where SIMD
// floating-point exceptions can come; ports (privilege Io).
//   AL AH AX EAX ECX EDX EBX RAX RCX RDX RBX R11 RSP   that register, of that size
//   rAX rCX rDX rBX rBP rSI rDI   of operand size      yAX yDX (own) 4 or 8      aAX aBX aCX aDI (own) of address size
//   SP BP (own)   rSP and rBP, as wide as the stack
//   XMM0   XMM* (own) all of them: YMM          CS DS ES SS FS GS   SREG (own) all six
//   ST0 ST1   ST* (own) all eight      push pop (own) of the x87's stack: push writes the new ST(0)
//   TOP- TOP+ =TOP (own)   the x87's top moves down or up, or is set
//   GDTR LDTR IDTR TR CR DR XCR0 PKRU MXCSR X87   MSR (own) any, or the time   BASE (own) of FS and GS   TLB
//   [aBX+AL] [aDI] [aAX]   memory there, in the segment of a memory operand
//   [SP] [BP]   the stack (written: below its top), and what rBP points at       [*]   descriptor tables and TSS
//
// ATTRS: the words of namespace row_words::attributes below, or'ed.
//
// FLOW: where it goes on, a word of enum class Flow below. With attribute Conditional perhaps with the next one.
//
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

/// Where an instruction goes on.
enum class Flow : u8 {
    Next,             // with the one behind it
    Jump,             // elsewhere
    Call,             // elsewhere, having pushed where to come back to
    Return,           // where a Call came from
    Interrupt,        // through the IDT: INT n, INT3, INT1, INTO
    InterruptReturn,  // IRET
    SystemCall,       // SYSCALL, SYSENTER
    SystemReturn,     // SYSRET, SYSEXIT
    Fault,            // nowhere: always an exception
    Wait,             // with the next one, but perhaps not at once: HLT, MWAIT, PAUSE
};

/// Whether RIP becomes, or may become, something else than the address of the next instruction.
constexpr bool is_branch(Flow flow) {
    return flow != Flow::Next && flow != Flow::Wait;
}
/// Comes back to the instruction behind it, if it comes back.
constexpr bool is_call(Flow flow) {
    return flow == Flow::Call || flow == Flow::Interrupt || flow == Flow::SystemCall;
}
constexpr bool is_return(Flow flow) {
    return flow == Flow::Return || flow == Flow::InterruptReturn || flow == Flow::SystemReturn;
}

/// Who may; else #GP(0). Checked before anything else of the instruction, but for Cpl0Late and Io.
enum class Privilege : u8 {
    Any,
    Cpl0,
    Cpl0Ud,    // CPL 0, else #UD: CLAC, STAC, MONITOR, MWAIT
    Cpl0Late,  // CPL 0; behind an #UD that is no matter of decoding (a feature not switched on, DR4)
    Iopl,      // CPL <= IOPL: CLI, STI
    V86Iopl,   // in virtual-8086 mode IOPL 3: PUSHF, POPF, INT n, IRET
    Io,        // CPL <= IOPL or the I/O permission map: IN, OUT, INS, OUTS
    Cr4Tsd,    // RDTSC, RDTSCP: CPL 0 unless CR4.TSD is 0
    Cr4Pce,    // RDPMC: CPL 0 unless CR4.PCE is 1
    Umip,      // SGDT SIDT SLDT SMSW STR: CPL 0 if CR4.UMIP
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
constexpr u32 Lock = 1u << 0;       // LOCK allowed when the destination is memory
constexpr u32 D64 = 1u << 1;        // operand size defaults to 64 bits in 64-bit mode; 66 gives 16
constexpr u32 F64 = 1u << 2;        // operand size is 64 bits in 64-bit mode, whatever the prefixes
constexpr u32 No64 = 1u << 3;       // invalid in 64-bit mode
constexpr u32 Only64 = 1u << 4;     // valid in 64-bit mode only
constexpr u32 Rep = 1u << 5;        // F3 (and F2) repeat it: string instruction
constexpr u32 RepCond = 1u << 6;    // with Rep: repeats while ZF is as the prefix says (CMPS, SCAS)
constexpr u32 EndsBlock = 1u << 8;  // ends a decoded block though it falls through (mode, mapping, …)
constexpr u32 IgnoreMod = 1u << 9;  // ModRM.mod is taken as 3 (MOV CR, MOV DR)
constexpr u32 NotReal = 1u << 10;   // #UD in real and virtual-8086 mode (Bits16 code outside protected mode)
constexpr u32 HintNop = 1u << 11;   // does nothing whatever the operand
constexpr u32 Conditional = 1u << 12;  // destination written or branch taken depending on flags
constexpr u32 Fixed32 = 1u << 13;      // operand size is 32 bits whatever the prefixes
constexpr u32 Unordered = 1u << 14;    // result is not a function of the architectural state (RDTSC, RDRAND)
// The last operand is a count, masked to 5 bits (6 with a 64-bit operand); if 0, the flags stay as they are.
constexpr u32 Count = 1u << 15;
// A bit index in a register reaches beyond a memory operand's own bytes.
constexpr u32 BitString = 1u << 16;
// The memory operand's address is worked out when the stack has been popped.
constexpr u32 AfterPop = 1u << 17;
// Of its memory only the elements that a mask selects are accessed, each by itself.
constexpr u32 Masked = 1u << 18;
// SDM Vol. 3A, 8.3.
constexpr u32 Serializing = 1u << 19;
// (own) This machine leaves the flags of the undefined column as they are; elsewhere it gives them values that
// depend on the operands alone.
constexpr u32 UndefinedKept = 1u << 20;
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
