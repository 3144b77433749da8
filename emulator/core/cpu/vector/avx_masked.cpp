// Masked loads and stores: VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ (SDM vol. 2, VMASKMOV).
//
// The sign bit of each element of the mask says whether that element is accessed; the others are not touched
// and cannot fault. A load gives zero for them. All elements of a store are checked before the first is
// written. In legacy modes each is checked against its segment, so no Op in front does (lower.cpp). Alignment
// is never checked (SDM vol. 2, VMASKMOV: "does not cause #AC").
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

// Bit i: element i is wanted.
template <typename T>
u32 wanted(Cpu* c, u8 number, bool wide) {
    const unsigned count = (wide ? 32 : 16) / sizeof(T);
    const u8* from = reinterpret_cast<const u8*>(c->xmm[number].q);
    u32 mask = 0;
    for (unsigned i = 0; i < count; ++i) mask |= static_cast<u32>(from[(i + 1) * sizeof(T) - 1] >> 7) << i;
    return mask;
}

// The address of element i, checked against its segment: only those that are accessed are.
template <typename T>
u64 element_address(Cpu* c, const Op* op, u64 offset, unsigned i, bool write) {
    return segment_linear(c, op, op->segment, offset + i * sizeof(T), sizeof(T), write);
}

u64 offset_of(const Cpu* c, const Op* op) {
    const u64 sum =
        reg<u64>(c, op->base) + (reg<u64>(c, op->index) << op->scale) + static_cast<u64>(op->disp);
    const unsigned address_size = op->imm & 15;
    return address_size == 8 ? sum : sum & ((u64{1} << 8 * address_size) - 1);
}

// Out of line: the elements' address must not escape from a handler.
template <typename T>
[[gnu::noinline]] void load_masked(Cpu* c, const Op* op, u64 offset) {
    const bool wide = (op->imm & avx::kWide) != 0;
    u8 out[32] = {};
    for (u32 mask = wanted<T>(c, op->b, wide), i = 0; mask != 0; mask >>= 1, ++i) {
        if ((mask & 1) == 0) continue;
        const T value = avx::load_unchecked<T>(c, op, element_address<T>(c, op, offset, i, false));
        std::memcpy(out + i * sizeof(T), &value, sizeof(T));
        ++c->accesses;
    }
    std::memcpy(c->xmm[op->a].q, out, sizeof out);
}

template <typename T>
[[gnu::noinline]] void store_masked_elements(Cpu* c, const Op* op, u64 offset) {
    const bool wide = (op->imm & avx::kWide) != 0;
    const u32 wanted_elements = wanted<T>(c, op->a, wide);
    const u8* from = reinterpret_cast<const u8*>(c->xmm[op->b].q);
    for (u32 mask = wanted_elements, i = 0; mask != 0; mask >>= 1, ++i) {
        if ((mask & 1) == 0) continue;
        const u64 first = element_address<T>(c, op, offset, i, true);
        const u64 last_page = (first + sizeof(T) - 1) & ~u64{0xfff};
        translate(c, op, first, AccessKind::Write);
        if (last_page > first) translate(c, op, last_page, AccessKind::Write);
    }
    for (u32 mask = wanted_elements, i = 0; mask != 0; mask >>= 1, ++i) {
        if ((mask & 1) == 0) continue;
        T value;
        std::memcpy(&value, from + i * sizeof(T), sizeof(T));
        avx::store_unchecked<T>(c, op, element_address<T>(c, op, offset, i, true), value);
        ++c->accesses;
    }
}

template <typename T, bool stores>
void masked(Cpu* c, const Op* op) {
    if constexpr (stores) {
        store_masked_elements<T>(c, op, offset_of(c, op));
    } else {
        load_masked<T>(c, op, offset_of(c, op));
    }
    ORRERY_NEXT(c, op);
}

template <typename T, bool stores>
void select_masked(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    op.imm = insn.asize | (insn.vex_l != 0 ? avx::kWide : 0);
    op.accesses = 0;
    op.fn = masked<T, stores>;
}

}  // namespace

void select_vmaskmovd_load(const Insn& insn, u32 key, Op& op) {
    select_masked<u32, false>(insn, key, op);
}
void select_vmaskmovq_load(const Insn& insn, u32 key, Op& op) {
    select_masked<u64, false>(insn, key, op);
}
void select_vmaskmovd_store(const Insn& insn, u32 key, Op& op) {
    select_masked<u32, true>(insn, key, op);
}
void select_vmaskmovq_store(const Insn& insn, u32 key, Op& op) {
    select_masked<u64, true>(insn, key, op);
}

}  // namespace orrery
