// MXCSR, and the FXSAVE area (SDM vol. 1, 10.2.3 and 10.5; vol. 2, FXSAVE, tables 3-43 and 3-46).
//
// What the manual leaves open: XMM registers and MXCSR are saved and restored whatever CR4.OSFXSR; reserved
// bytes before offset 416 are written as zero, those from there on (in legacy modes: from 288 on) not at all;
// reserved bits of the loaded control words are dropped, and FSW.ES and B follow from the exceptions and
// their masks.
#include <cstring>

#include "emulator/cpu/exec_sse.h"

namespace orrery {

using namespace sse;

namespace {

struct StoredRegister {
    u64 significand;
    u16 sign_exponent;
    u16 reserved[3];
};

struct FxsaveArea {
    u16 control;
    u16 status;
    u8 valid;  // abridged tag word: bit i, physical register i is not empty
    u8 reserved5;
    u16 opcode;
    u64 ip;  // REX.W clear: 32 bits, then the selector
    u64 dp;
    u32 mxcsr;
    u32 mxcsr_mask;
    StoredRegister st[8];  // ST(0) first
    u64 xmm[16][2];
};
static_assert(sizeof(FxsaveArea) == 416);
constexpr unsigned kLegacySize = 288;

constexpr u16 kControlBits = 0x1f3f, kControlOne = 0x40, kOpcodeBits = 0x7ff;
constexpr u16 kX87Exceptions = 0x3f, kX87Busy = 0x8000;

unsigned top_of(const X87State& x87) {
    return x87.status >> 11 & 7;
}

u64 with_selector(u64 offset, u16 selector) {
    return (offset & 0xffff'ffff) | static_cast<u64>(selector) << 32;
}

// The operand is all 512 bytes, whether they are used or not.
void check_area(Cpu* c, const Op* op, u64 linear, AccessKind kind) {
    const u64 last_page = (linear + 511) & ~u64{0xfff};
    if (last_page == (linear & ~u64{0xfff})) return;
    translate(c, op, linear, kind);
    translate(c, op, last_page, kind);
}

// op->imm: REX.W.
__attribute__((noinline)) void save(Cpu* c, const Op* op, u64 linear) {
    if ((linear & 15) != 0) raise_misaligned(c, op);
    FxsaveArea area{};
    const X87State& x87 = c->x87;
    area.control = x87.control;
    area.status = x87.status;
    area.valid = static_cast<u8>(~x87.empty);
    area.opcode = x87.last_opcode;
    const bool wide = op->imm != 0;
    area.ip = wide ? x87.last_ip : with_selector(x87.last_ip, x87.last_cs);
    area.dp = wide ? x87.last_dp : with_selector(x87.last_dp, x87.last_ds);
    area.mxcsr = guest_mxcsr(c);
    area.mxcsr_mask = mxcsr::kDefined;
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& from = x87.reg[(top_of(x87) + i) & 7];
        area.st[i].significand = from.significand;
        area.st[i].sign_exponent = from.sign_exponent;
    }
    const unsigned registers = c->code64() ? 16 : 8;
    for (unsigned i = 0; i < registers; ++i) std::memcpy(area.xmm[i], c->xmm[i].q, 16);
    check_area(c, op, linear, AccessKind::Write);
    store_bytes(c, op, linear, &area, c->code64() ? sizeof area : kLegacySize);
}

__attribute__((noinline)) void restore(Cpu* c, const Op* op, u64 linear) {
    if ((linear & 15) != 0) raise_misaligned(c, op);
    check_area(c, op, linear, AccessKind::Read);
    FxsaveArea area;
    load_bytes(c, op, linear, &area, c->code64() ? sizeof area : kLegacySize);
    if ((area.mxcsr & ~mxcsr::kDefined) != 0) raise_error(c, op, Vector::GP, 0);
    X87State& x87 = c->x87;
    x87.control = (area.control & kControlBits) | kControlOne;
    x87.status = static_cast<u16>(area.status & ~(kX87ErrorSummary | kX87Busy));
    if ((x87.status & ~x87.control & kX87Exceptions) != 0) x87.status |= kX87ErrorSummary | kX87Busy;
    x87.empty = static_cast<u8>(~area.valid);
    x87.last_opcode = area.opcode & kOpcodeBits;
    const bool wide = op->imm != 0;
    x87.last_ip = wide ? area.ip : area.ip & 0xffff'ffff;
    x87.last_dp = wide ? area.dp : area.dp & 0xffff'ffff;
    x87.last_cs = x87.last_ds = 0;  // CPUID.(7,0):EBX[13]
    for (unsigned i = 0; i < 8; ++i) {
        Float80& to = x87.reg[(top_of(x87) + i) & 7];
        to.significand = area.st[i].significand;
        to.sign_exponent = area.st[i].sign_exponent;
    }
    const unsigned registers = c->code64() ? 16 : 8;
    for (unsigned i = 0; i < registers; ++i) std::memcpy(c->xmm[i].q, area.xmm[i], 16);
    set_guest_mxcsr(c, area.mxcsr);
}

template <bool full>
void op_fxsave(Cpu* c, const Op* op) {
    save(c, op, address<full>(c, op));
    ORRERY_NEXT(c, op);
}

// Ends the block after MXCSR has changed: what follows may have to be decoded anew, if exceptions have been
// masked or unmasked.
void op_end_mxcsr(Cpu* c, const Op* op) {
    const bool unmasked = (c->key & key::kSseUnmasked) != 0;
    if (unmasked == mxcsr::any_unmasked(c->mxcsr) && c->code64()) ORRERY_FOLLOW_LINK(c, 1);
    c->update_mode();
    c->gpr[17] = wrap_rip(c, end_of(c, op));
    ORRERY_LEAVE_BLOCK(c);
}

template <bool full>
void op_fxrstor(Cpu* c, const Op* op) {
    restore(c, op, address<full>(c, op));
    return op_end_mxcsr(c, op);
}

template <bool full>
void op_ldmxcsr(Cpu* c, const Op* op) {
    const u32 value = load<u32>(c, op, address<full>(c, op));
    if ((value & ~mxcsr::kDefined) != 0) raise_error(c, op, Vector::GP, 0);
    set_guest_mxcsr(c, value);
    return op_end_mxcsr(c, op);
}

template <bool full>
void op_stmxcsr(Cpu* c, const Op* op) {
    store<u32>(c, op, address<full>(c, op), guest_mxcsr(c));
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_fxsave(const Insn& insn, u32 key, Op& op) {
    if (trap_x87(key, op)) return;
    op.imm = insn.rex_w;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fxsave<full>; });
}
void select_fxrstor(const Insn& insn, u32 key, Op& op) {
    if (trap_x87(key, op)) return;
    op.imm = insn.rex_w;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fxrstor<full>; });
}
void select_ldmxcsr(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_ldmxcsr<full>; });
}
void select_stmxcsr(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_stmxcsr<full>; });
}

}  // namespace orrery
