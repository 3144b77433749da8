// What the interpreter runs: instructions decoded once into Ops, and Ops strung into Blocks.
//
// A block is a run of instructions in one page, entered at its start. Each Op's handler does its instruction
// and calls the next Op's in tail position; the last one of a block accounts for the whole block and goes on
// to the next block, by a link where it has gone there before. Blocks are keyed by physical address, so that
// they survive changes of the page tables and are found again through aliases.
#pragma once

#include "emulator/isa/insn.h"
#include "emulator/isa/types.h"

namespace orrery {

struct Cpu;
struct Op;
class CodePage;

using Handler = void (*)(Cpu*, const Op*);

// GCC and clang turn a call in tail position into a jump where they optimise and do not instrument. Elsewhere
// (debug, sanitizers) a handler returns, and a loop calls the next one.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(ORRERY_NO_TAIL_CALLS)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer)
#define ORRERY_TAIL_CALLS 1
#endif
#else
#define ORRERY_TAIL_CALLS 1
#endif
#endif
#ifndef ORRERY_TAIL_CALLS
#define ORRERY_TAIL_CALLS 0
#endif

// General registers are named by their byte offset in CpuState, so that AH..BH (offset 1 of their register)
// need no handlers of their own: RAX 0, RCX 8, …; AH 1, CH 9, DH 17, BH 25. Three more slots follow them:
inline constexpr u8 kSlotZero = 16 * 8;      // always 0: no base, no index
inline constexpr u8 kSlotBlockRip = 17 * 8;  // RIP of the block's start: RIP-relative operands
inline constexpr u8 kSlotAddress =
    18 * 8;  // linear address worked out by the Op before (legacy segmentation)

struct Op {
    Handler fn;
    i64 disp;  // displacement (RIP-relative: from the block's start); or a 64-bit immediate; or a pointer
    i32 imm;   // immediate, sign-extended; handlers that need more give their own meaning to disp
    u8 a;      // register operand (ModRM.reg, or the only one): byte offset; SSE: register number
    u8 b;      // second register operand (ModRM.rm): likewise
    u8 base;   // byte offsets into CpuState; without a memory operand the third register, as `a`
    u8 index;
    u8 scale;         // log2
    u8 segment;       // SegmentIndex of the memory operand
    u8 length : 4;    // of the instruction, bytes
    u8 accesses : 4;  // data accesses that a complete execution makes (each one TLB look-up)
    u8 number;        // how many instructions of the block come before this one
    u16 offset;       // of the instruction's first byte from the block's start
    u16 cycles;       // static cost of the instructions before this one

    i64 imm64() const { return disp; }
};
static_assert(sizeof(Op) == 32);

struct Block;

// A direct branch's way to the next block. `to` is null until it has been taken once.
struct Link {
    Block* to = nullptr;
    i64 delta = 0;  // target RIP minus the RIP of this block's start
    bool crosses_page = false;
};

struct Block {
    CodePage* page = nullptr;
    u16 page_offset = 0;  // of its first byte
    u16 bytes = 0;
    u32 mode = 0;  // CpuKey it was decoded under, and kSingle
    u32 instructions = 0;
    u32 cycles = 0;    // static cost of all of it
    u32 accesses = 0;  // sum over its Ops
    u32 op_count = 0;
    bool dead = false;  // its bytes have changed: never to be entered again
    Link link[2];       // 0: taken (or the only one), 1: falls through
    Op* ops = nullptr;  // op_count Ops and one spare after them
};

inline constexpr unsigned kMaxBlockInstructions = 64;

// What a block's decoding depends on besides its bytes. Kept in Cpu::key.
namespace key {
inline constexpr u32 kModeMask = 3;       // CpuMode
inline constexpr u32 kStack32 = 1u << 2;  // SS.B (legacy modes)
inline constexpr u32 kFpuTrap = 1u << 3;  // CR0.EM or CR0.TS: x87 and MMX raise #NM (or #UD)
inline constexpr u32 kSseTrap = 1u << 4;  // CR0.EM, CR0.TS or not CR4.OSFXSR: SSE raises #NM or #UD
inline constexpr u32 kSseUnmasked = 1u
                                    << 5;  // an MXCSR exception is unmasked: SSE arithmetic checks after each
inline constexpr u32 kLong = 1u << 6;      // EFER.LMA
inline constexpr u32 kProtected = 1u << 7;   // CR0.PE and not virtual-8086 mode
inline constexpr u32 kVexTrap = 1u << 8;     // real and virtual-8086 mode: VEX raises #UD
inline constexpr u32 kAvxTrap = 1u << 9;     // that, CR0.TS, CR4.OSXSAVE or XCR0: AVX raises #UD or #NM
inline constexpr u32 kTold = 1u << 10;       // the path is told of (tell_path.h)
inline constexpr u32 kFlagsDead = 1u << 30;  // for selectors only: nobody sees the instruction's flags
inline constexpr u32 kSingle = 1u << 31;     // one instruction only
}  // namespace key

// Chooses the handler of a decoded instruction and fills in what is particular about its Op (lower() has
// filled in the operands). One per `semantics` name of the instruction table, called select_<name>.
using Selector = void (*)(const Insn&, u32 key, Op&);

}  // namespace orrery
