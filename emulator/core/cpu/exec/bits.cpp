// BT BTS BTR BTC BSF BSR TZCNT LZCNT POPCNT CRC32 (SDM vol. 2).
#include <nmmintrin.h>

#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

enum class BitOp { Test, Set, Reset, Complement };

template <BitOp bit_op, typename T>
T change(T value, unsigned bit) {
    const T mask = static_cast<T>(T{1} << bit);
    if constexpr (bit_op == BitOp::Set) return value | mask;
    if constexpr (bit_op == BitOp::Reset) return static_cast<T>(value & ~mask);
    if constexpr (bit_op == BitOp::Complement) return value ^ mask;
    return value;
}

template <BitOp bit_op, typename T>
T test_and_change(Cpu* c, T value, unsigned bit) {
    c->lf.set_cf((value >> bit) & 1);
    return change<bit_op, T>(value, bit);
}

template <typename T>
constexpr unsigned kBitMask = sizeof(T) * 8 - 1;

// Register destination: the index (register or immediate) wraps.
template <BitOp bit_op, typename T, bool immediate>
void bit_r(Cpu* c, const Op* op) {
    const unsigned bit = (immediate ? static_cast<unsigned>(op->imm) : reg<T>(c, op->b)) & kBitMask<T>;
    const T value = test_and_change<bit_op, T>(c, reg<T>(c, op->a), bit);
    if constexpr (bit_op != BitOp::Test) set_reg<T>(c, op->a, value);
    ORRERY_NEXT(c, op);
}

template <BitOp bit_op, typename T>
void bit_in_memory(Cpu* c, const Op* op, u64 linear, unsigned bit) {
    if constexpr (bit_op == BitOp::Test) {
        test_and_change<bit_op, T>(c, load<T>(c, op, linear), bit);
    } else {
        modify<T>(c, op, linear, [=](T value) { return test_and_change<bit_op, T>(c, value, bit); });
    }
}

template <BitOp bit_op, typename T, bool full>
void bit_mi(Cpu* c, const Op* op) {
    bit_in_memory<bit_op, T>(c, op, address<full>(c, op), static_cast<unsigned>(op->imm) & kBitMask<T>);
    ORRERY_NEXT(c, op);
}
// A register index reaches beyond the operand: the signed index selects the word, in either direction.
template <BitOp bit_op, typename T, bool full>
void bit_mr(Cpu* c, const Op* op) {
    const i64 index = static_cast<std::make_signed_t<T>>(reg<T>(c, op->a));
    const i64 word = index >> std::countr_zero(sizeof(T) * 8);
    const u64 linear = address<full>(c, op) + static_cast<u64>(word) * sizeof(T);
    bit_in_memory<bit_op, T>(c, op, linear, static_cast<unsigned>(index) & kBitMask<T>);
    ORRERY_NEXT(c, op);
}

// The same with offsets narrower than 64 bits: they wrap (op->scale: 64 minus their width).
template <BitOp bit_op, typename T>
void bit_mr_narrow(Cpu* c, const Op* op) {
    const i64 index = static_cast<std::make_signed_t<T>>(reg<T>(c, op->a));
    const i64 word = index >> std::countr_zero(sizeof(T) * 8);
    const u64 base = c->seg_base[op->segment];
    const u64 offset = address<false>(c, op) + static_cast<u64>(word) * sizeof(T) - base;
    u64 linear = base + (offset & ~u64{0} >> op->scale);
    if (!c->code64()) linear &= 0xffff'ffff;
    bit_in_memory<bit_op, T>(c, op, linear, static_cast<unsigned>(index) & kBitMask<T>);
    ORRERY_NEXT(c, op);
}

template <BitOp bit_op>
void select_bit(const Insn& insn, Op& op) {
    const bool immediate = !insn.operands[1].is_gpr();
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (!insn.operands[0].is_memory())
            return immediate ? bit_r<bit_op, T, true> : bit_r<bit_op, T, false>;
        if (!immediate && insn.asize != 8) {
            op.segment = static_cast<u8>(insn.segment);
            op.scale = static_cast<u8>(64 - 8 * insn.asize);
            return bit_mr_narrow<bit_op, T>;
        }
        return by_address(op, [&]<bool full>() -> Handler {
            return immediate ? bit_mi<bit_op, T, full> : bit_mr<bit_op, T, full>;
        });
    });
}

// BSF and BSR of 0 leave the destination as it was (Intel and AMD alike), and set ZF alone of the defined
// flags.
struct Bsf {
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        c->lf.set_result<T>(b, false, false);
        return b != 0 ? static_cast<T>(std::countr_zero(b)) : a;
    }
};
struct Bsr {
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        c->lf.set_result<T>(b, false, false);
        return b != 0 ? static_cast<T>(sizeof(T) * 8 - 1 - static_cast<unsigned>(std::countl_zero(b))) : a;
    }
};
struct Tzcnt {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T, T b) {
        const T count = static_cast<T>(std::countr_zero(b));
        c->lf.set_result<T>(count, b == 0, false);
        return count;
    }
};
struct Lzcnt {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T, T b) {
        const T count = static_cast<T>(std::countl_zero(b));
        c->lf.set_result<T>(count, b == 0, false);
        return count;
    }
};
struct Popcnt {
    static constexpr bool kWrites = true;
    // All flags but ZF are cleared.
    template <typename T>
    static T apply(Cpu* c, T, T b) {
        c->lf.set(b == 0 ? rflags::kZf : 0);
        return static_cast<T>(std::popcount(b));
    }
};

// A 32-bit source of zero keeps all 64 bits of the destination.
template <typename F, typename T>
void scan_rr(Cpu* c, const Op* op) {
    const T source = reg<T>(c, op->b);
    const T value = F::template apply<T>(c, reg<T>(c, op->a), source);
    if (source != 0) set_reg<T>(c, op->a, value);
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void scan_rm(Cpu* c, const Op* op) {
    const T source = load<T>(c, op, address<full>(c, op));
    const T value = F::template apply<T>(c, reg<T>(c, op->a), source);
    if (source != 0) set_reg<T>(c, op->a, value);
    ORRERY_NEXT(c, op);
}
template <typename F>
void select_scan(const Insn& insn, Op& op) {
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[1].is_memory())
            return by_address(op, []<bool full>() -> Handler { return scan_rm<F, T, full>; });
        return scan_rr<F, T>;
    });
}

template <typename T>
u32 crc32c(u32 crc, T value) {
    if constexpr (sizeof(T) == 1) return _mm_crc32_u8(crc, value);
    if constexpr (sizeof(T) == 2) return _mm_crc32_u16(crc, value);
    if constexpr (sizeof(T) == 4) return _mm_crc32_u32(crc, value);
    if constexpr (sizeof(T) == 8) return static_cast<u32>(_mm_crc32_u64(crc, value));
}
template <typename T>
void crc32_r(Cpu* c, const Op* op) {
    set_reg<u32>(c, op->a, crc32c<T>(reg<u32>(c, op->a), reg<T>(c, op->b)));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void crc32_m(Cpu* c, const Op* op) {
    set_reg<u32>(c, op->a, crc32c<T>(reg<u32>(c, op->a), load<T>(c, op, address<full>(c, op))));
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_bt(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Test>(insn, op);
}
void select_bt_imm(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Test>(insn, op);
}
void select_bts(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Set>(insn, op);
}
void select_bts_imm(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Set>(insn, op);
}
void select_btr(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Reset>(insn, op);
}
void select_btr_imm(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Reset>(insn, op);
}
void select_btc(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Complement>(insn, op);
}
void select_btc_imm(const Insn& insn, u32, Op& op) {
    select_bit<BitOp::Complement>(insn, op);
}
void select_bsf(const Insn& insn, u32, Op& op) {
    select_scan<Bsf>(insn, op);
}
void select_bsr(const Insn& insn, u32, Op& op) {
    select_scan<Bsr>(insn, op);
}
void select_tzcnt(const Insn& insn, u32 key, Op& op) {
    select_binary<Tzcnt>(insn, key, op);
}
void select_lzcnt(const Insn& insn, u32 key, Op& op) {
    select_binary<Lzcnt>(insn, key, op);
}
void select_popcnt(const Insn& insn, u32 key, Op& op) {
    select_binary<Popcnt>(insn, key, op);
}
void select_crc32(const Insn& insn, u32, Op& op) {
    op.fn = by_size(insn.operands[1].size, [&]<typename T>() -> Handler {
        if (insn.operands[1].is_memory())
            return by_address(op, []<bool full>() -> Handler { return crc32_m<T, full>; });
        return crc32_r<T>;
    });
}

}  // namespace orrery
