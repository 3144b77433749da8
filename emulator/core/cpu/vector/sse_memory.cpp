// Slow paths of 16- and 32-byte operands, and MASKMOVQ's and MASKMOVDQU's store.
#include <bit>

#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery::sse {

namespace {

// #AC of what may be unaligned otherwise is implementation-specific (SDM vol. 2, MOVUPS, MASKMOVDQU); here it
// asks for natural alignment. An address that is not canonical has a fault of its own.
void check_natural_alignment(Cpu* c, const Op* op, u64 linear, unsigned size) {
    const bool checked = c->fast == c->empty_table;
    if (checked && (linear & (size - 1)) != 0 && is_canonical(c, linear)) raise_error(c, op, Vector::AC, 0);
}

}  // namespace

Xmm load_xmm_slow(Cpu* c, const Op* op, u64 linear) {
    check_natural_alignment(c, op, linear, sizeof(Xmm));
    Xmm value;
    load_bytes_slow(c, op, linear, &value, sizeof value);
    return value;
}

void store_xmm_slow(Cpu* c, const Op* op, u64 linear, Xmm value) {
    check_natural_alignment(c, op, linear, sizeof value);
    store_bytes_slow(c, op, linear, &value, sizeof value);
}

void raise_misaligned(Cpu* c, const Op* op) {
    raise_error(c, op, Vector::GP, 0);
}

void store_masked(Cpu* c, const Op* op, u64 lower, u64 upper, u32 chosen) {
    u64 offset = c->gpr[kRdi];
    if (op->scale == 4) offset &= 0xffff'ffff;
    if (op->scale == 2) offset &= 0xffff;
    const unsigned first = chosen != 0 ? static_cast<unsigned>(std::countr_zero(chosen)) : 0;
    const unsigned last = chosen != 0 ? 31 - static_cast<unsigned>(std::countl_zero(chosen)) : 0;
    const u64 linear = segment_linear(c, op, op->segment, offset + first, last - first + 1, true) - first;
    if (c->code64() && !is_canonical(c, linear)) raise_error(c, op, Vector::GP, 0);
    check_natural_alignment(c, op, linear, 8);
    if (chosen == 0) return;
    // Only pages with a chosen byte are looked at. A fault is told at the operand's first byte in the page, as of any
    // access that crosses.
    for (const u64 byte : {linear + first, linear + last}) {
        const u64 page = byte & ~(kPageSize - 1);
        translate(c, op, (linear & ~(kPageSize - 1)) == page ? linear : page, AccessKind::Write);
    }
    const u64 halves[2] = {lower, upper};
    for (; chosen != 0; chosen &= chosen - 1) {
        const unsigned i = static_cast<unsigned>(std::countr_zero(chosen));
        store<u8>(c, op, linear + i, static_cast<u8>(halves[i / 8] >> (i % 8 * 8)));
    }
}

}  // namespace orrery::sse

namespace orrery::avx {

void store_ymm_slow(Cpu* c, const Op* op, u64 linear, Xmm low, Xmm high) {
    sse::check_natural_alignment(c, op, linear, sizeof(Xmm));
    const Xmm value[2] = {low, high};
    store_bytes_slow(c, op, linear, value, sizeof value);
}

}  // namespace orrery::avx
