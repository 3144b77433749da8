// MXCSR, and the FXSAVE area (SDM vol. 1, 10.2.3 and 10.5; vol. 2, FXSAVE, tables 3-43 and 3-46).
//
// What the manual leaves open: XMM registers and MXCSR are saved and restored whatever CR4.OSFXSR; reserved
// bytes before offset 416 are written as zero, those from there on (in legacy modes: from 288 on) not at all.
#include <cstring>

#include "emulator/core/cpu/state/legacy_area.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

constexpr unsigned kLegacySize = 288;

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
    LegacyArea area{};
    save_x87(c, area, op->imm != 0);
    area.mxcsr = guest_mxcsr(c);
    area.mxcsr_mask = mxcsr::kDefined;
    for (unsigned i = 0; i < visible_registers(c); ++i) std::memcpy(area.xmm[i], c->xmm[i].q, 16);
    check_area(c, op, linear, AccessKind::Write);
    store_bytes(c, op, linear, &area, c->code64() ? sizeof area : kLegacySize);
}

__attribute__((noinline)) void restore(Cpu* c, const Op* op, u64 linear) {
    if ((linear & 15) != 0) raise_misaligned(c, op);
    check_area(c, op, linear, AccessKind::Read);
    LegacyArea area;
    load_bytes(c, op, linear, &area, c->code64() ? sizeof area : kLegacySize);
    if ((area.mxcsr & ~mxcsr::kDefined) != 0) raise_error(c, op, Vector::GP, 0);
    restore_x87(c, area, op->imm != 0);
    for (unsigned i = 0; i < visible_registers(c); ++i) std::memcpy(c->xmm[i].q, area.xmm[i], 16);
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
    c->rip_slot = wrap_rip(c, end_of(c, op));
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
