// Gathers: VPGATHERDD and its kin (SDM vol. 2, VPGATHERDD, VPGATHERQQ, VGATHERDPS …).
//
// Elements are loaded from the lowest up; each one loaded goes to the destination, and its element of the
// mask becomes zero. So a fault leaves the elements before it done, and the instruction goes on with the rest
// when it is tried again. At the end the whole mask is zero, and both registers are zero above what the
// elements fill. The order of elements, and that those before a fault are done, is as the manual promises.
// Alignment is never checked.
//
// Fields of the Op beyond those of a memory operand: a destination, b mask; imm: bits 3:0 the index register,
// 7:4 the width of an address in bytes, kWide.
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

template <typename T>
T element(const Cpu* c, unsigned number, unsigned i) {
    T value;
    std::memcpy(&value, reinterpret_cast<const u8*>(c->xmm[number].q) + i * sizeof(T), sizeof value);
    return value;
}
template <typename T>
void set_element(Cpu* c, unsigned number, unsigned i, T value) {
    std::memcpy(reinterpret_cast<u8*>(c->xmm[number].q) + i * sizeof(T), &value, sizeof value);
}

void clear_from(Cpu* c, unsigned number, unsigned bytes) {
    std::memset(reinterpret_cast<u8*>(c->xmm[number].q) + bytes, 0, 32 - bytes);
}

template <typename T, typename Index>
void gather(Cpu* c, const Op* op) {
    constexpr unsigned kWidest = sizeof(T) > sizeof(Index) ? sizeof(T) : sizeof(Index);
    const unsigned count = ((op->imm & avx::kWide) != 0 ? 32 : 16) / kWidest;
    const unsigned index = op->imm & 15, address_size = op->imm >> 4 & 15;
    const u64 base = reg<u64>(c, op->base) + static_cast<u64>(op->disp);
    for (unsigned i = 0; i < count; ++i) {
        const T mask = element<T>(c, op->b, i);
        if (static_cast<std::make_signed_t<T>>(mask) >= 0) {
            set_element<T>(c, op->b, i, 0);
            continue;
        }
        u64 offset =
            base + (static_cast<u64>(static_cast<i64>(element<std::make_signed_t<Index>>(c, index, i)))
                    << op->scale);
        if (address_size == 4) offset &= 0xffff'ffff;
        const u64 linear = segment_linear(c, op, op->segment, offset, sizeof(T), false);
        set_element<T>(c, op->a, i, avx::load_unchecked<T>(c, op, linear));
        set_element<T>(c, op->b, i, 0);
        ++c->accesses;
    }
    clear_from(c, op->a, count * sizeof(T));
    clear_from(c, op->b, count * sizeof(T));
    ORRERY_NEXT(c, op);
}

template <typename T, typename Index>
void select_gather(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    op.imm = insn.index | insn.asize << 4 | (insn.vex_l != 0 ? avx::kWide : 0);
    op.accesses = 0;
    op.fn = gather<T, Index>;
}

}  // namespace

void select_vgatherdd(const Insn& insn, u32 key, Op& op) {
    select_gather<u32, u32>(insn, key, op);
}
void select_vgatherdq(const Insn& insn, u32 key, Op& op) {
    select_gather<u64, u32>(insn, key, op);
}
void select_vgatherqd(const Insn& insn, u32 key, Op& op) {
    select_gather<u32, u64>(insn, key, op);
}
void select_vgatherqq(const Insn& insn, u32 key, Op& op) {
    select_gather<u64, u64>(insn, key, op);
}

}  // namespace orrery
