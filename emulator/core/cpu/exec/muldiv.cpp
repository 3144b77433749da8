// MUL IMUL DIV IDIV (SDM vol. 2). Undefined flags are left as they were.
#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <typename T>
struct Wide;
template <>
struct Wide<u8> {
    using Unsigned = u16;
    using Signed = i16;
};
template <>
struct Wide<u16> {
    using Unsigned = u32;
    using Signed = i32;
};
template <>
struct Wide<u32> {
    using Unsigned = u64;
    using Signed = i64;
};
template <>
struct Wide<u64> {
    using Unsigned = unsigned __int128;
    using Signed = __int128;
};

// The double-width register: AX, or rDX:rAX.
template <typename T>
void set_pair(Cpu* c, typename Wide<T>::Unsigned value) {
    if constexpr (sizeof(T) == 1) {
        set_reg<u16>(c, kRax * 8, value);
    } else {
        set_reg<T>(c, kRax * 8, static_cast<T>(value));
        set_reg<T>(c, kRdx * 8, static_cast<T>(value >> (8 * sizeof(T))));
    }
}
template <typename T>
typename Wide<T>::Unsigned pair(const Cpu* c) {
    if constexpr (sizeof(T) == 1) {
        return reg<u16>(c, kRax * 8);
    } else {
        using W = typename Wide<T>::Unsigned;
        return static_cast<W>(static_cast<W>(reg<T>(c, kRdx * 8)) << (8 * sizeof(T)) | reg<T>(c, kRax * 8));
    }
}

struct MulWide {
    template <typename T>
    static void apply(Cpu* c, const Op*, T b) {
        using W = typename Wide<T>::Unsigned;
        const W product = static_cast<W>(static_cast<W>(reg<T>(c, kRax * 8)) * b);
        set_pair<T>(c, product);
        const bool high = (product >> (8 * sizeof(T))) != 0;
        c->lf.set_cf_of(high, high);
    }
};

struct ImulWide {
    template <typename T>
    static void apply(Cpu* c, const Op*, T b) {
        using S = std::make_signed_t<T>;
        using W = typename Wide<T>::Signed;
        const W product =
            static_cast<W>(static_cast<W>(static_cast<S>(reg<T>(c, kRax * 8))) * static_cast<S>(b));
        set_pair<T>(c, static_cast<typename Wide<T>::Unsigned>(product));
        const bool lost = product != static_cast<S>(product);
        c->lf.set_cf_of(lost, lost);
    }
};

struct Div {
    template <typename T>
    static void apply(Cpu* c, const Op* op, T b) {
        if (b == 0) raise(c, op, Vector::DE);
        const auto dividend = pair<T>(c);
        const auto quotient = dividend / b;
        if (quotient != static_cast<T>(quotient)) raise(c, op, Vector::DE);
        store_result<T>(c, static_cast<T>(quotient), static_cast<T>(dividend % b));
    }
    template <typename T>
    static void store_result(Cpu* c, T quotient, T remainder) {
        set_reg<T>(c, kRax * 8, quotient);
        set_reg<T>(c, sizeof(T) == 1 ? kRax * 8 + 1 : kRdx * 8, remainder);
    }
};

struct Idiv {
    template <typename T>
    static void apply(Cpu* c, const Op* op, T b) {
        using S = std::make_signed_t<T>;
        using W = typename Wide<T>::Signed;
        const auto dividend = static_cast<W>(pair<T>(c));
        const S divisor = static_cast<S>(b);
        if (divisor == 0) raise(c, op, Vector::DE);
        // The most negative dividend by -1 overflows the host's division as well.
        const W lowest = static_cast<W>(typename Wide<T>::Unsigned{1} << (16 * sizeof(T) - 1));
        if (divisor == -1 && dividend == lowest) raise(c, op, Vector::DE);
        const W quotient = static_cast<W>(dividend / divisor);
        if (quotient != static_cast<S>(quotient)) raise(c, op, Vector::DE);
        Div::store_result<T>(c, static_cast<T>(quotient), static_cast<T>(dividend % divisor));
    }
};

template <typename F, typename T>
void accumulate_r(Cpu* c, const Op* op) {
    F::template apply<T>(c, op, reg<T>(c, op->a));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void accumulate_m(Cpu* c, const Op* op) {
    F::template apply<T>(c, op, load<T>(c, op, address<full>(c, op)));
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_accumulate(const Insn& insn, Op& op) {
    op.fn = by_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[0].is_memory())
            return by_address(op, []<bool full>() -> Handler { return accumulate_m<F, T, full>; });
        return accumulate_r<F, T>;
    });
}

template <typename T>
T signed_product(Cpu* c, T a, T b) {
    using S = std::make_signed_t<T>;
    using W = typename Wide<T>::Signed;
    const W product = static_cast<W>(static_cast<W>(static_cast<S>(a)) * static_cast<S>(b));
    const bool lost = product != static_cast<S>(product);
    c->lf.set_cf_of(lost, lost);
    return static_cast<T>(product);
}

struct Imul {
    struct Plain {
        static constexpr bool kWrites = true;
        template <typename T>
        static T apply(Cpu*, T a, T b) {
            return static_cast<T>(u64{a} * b);
        }
    };
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        if constexpr (sizeof(T) == 1) {
            return a;  // there is no two-operand form for bytes
        } else {
            return signed_product<T>(c, a, b);
        }
    }
};

template <typename T>
void imul3_r(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, signed_product<T>(c, reg<T>(c, op->b), static_cast<T>(static_cast<i64>(op->imm))));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void imul3_m(Cpu* c, const Op* op) {
    const T operand = load<T>(c, op, address<full>(c, op));
    set_reg<T>(c, op->a, signed_product<T>(c, operand, static_cast<T>(static_cast<i64>(op->imm))));
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_mul_wide(const Insn& insn, u32, Op& op) {
    select_accumulate<MulWide>(insn, op);
}
void select_imul_wide(const Insn& insn, u32, Op& op) {
    select_accumulate<ImulWide>(insn, op);
}
void select_div(const Insn& insn, u32, Op& op) {
    select_accumulate<Div>(insn, op);
}
void select_idiv(const Insn& insn, u32, Op& op) {
    select_accumulate<Idiv>(insn, op);
}
void select_imul(const Insn& insn, u32 key, Op& op) {
    select_binary<Imul>(insn, key, op);
}
void select_imul3(const Insn& insn, u32, Op& op) {
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[1].is_memory())
            return by_address(op, []<bool full>() -> Handler { return imul3_m<T, full>; });
        return imul3_r<T>;
    });
}

}  // namespace orrery
