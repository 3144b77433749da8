// Shifts and rotates (SDM vol. 2). Counts are taken modulo 32 (64 for 64-bit operands); a count of 0 changes
// no flag. OF, defined for a count of 1 only, follows the same formula for every count; AF is cleared.
#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <typename T>
constexpr unsigned kBits = sizeof(T) * 8;

template <typename T>
constexpr bool msb(T value) {
    return (value >> (kBits<T> - 1)) & 1;
}

template <typename T>
constexpr unsigned masked(unsigned count) {
    return count & (sizeof(T) == 8 ? 63 : 31);
}

struct Shl {
    // Where nobody sees the flags; the count has been masked and is not 0.
    template <typename T>
    static T plain(T a, unsigned count) {
        return static_cast<T>(u64{a} << count);
    }
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        const u64 wide = a;
        const bool carry = count <= kBits<T> && ((wide >> (kBits<T> - count)) & 1) != 0;
        const T value = count < kBits<T> ? static_cast<T>(wide << count) : T{0};
        c->lf.set_result<T>(value, carry, msb(value) != carry);
        return value;
    }
};

struct Shr {
    template <typename T>
    static T plain(T a, unsigned count) {
        return static_cast<T>(u64{a} >> count);
    }
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        const u64 wide = a;
        const bool carry = (wide >> (count - 1)) & 1;
        const T value = static_cast<T>(wide >> count);
        c->lf.set_result<T>(value, carry, msb(value) != msb(static_cast<T>(value << 1)));
        return value;
    }
};

struct Sar {
    template <typename T>
    static T plain(T a, unsigned count) {
        return static_cast<T>(static_cast<i64>(static_cast<std::make_signed_t<T>>(a)) >> count);
    }
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        const i64 wide = static_cast<std::make_signed_t<T>>(a);
        const bool carry = (wide >> (count - 1)) & 1;
        const T value = static_cast<T>(wide >> count);
        c->lf.set_result<T>(value, carry, false);
        return value;
    }
};

struct Rol {
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        const T value = std::rotl(a, static_cast<int>(count % kBits<T>));
        const bool carry = value & 1;
        c->lf.set_cf_of(carry, msb(value) != carry);
        return value;
    }
};

struct Ror {
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        const T value = std::rotr(a, static_cast<int>(count % kBits<T>));
        c->lf.set_cf_of(msb(value), msb(value) != msb(static_cast<T>(value << 1)));
        return value;
    }
};

struct Rcl {
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        bool carry = c->lf.cf();
        for (count %= kBits<T> + 1; count > 0; --count) {
            const bool out = msb(a);
            a = static_cast<T>(static_cast<T>(a << 1) | T{carry});
            carry = out;
        }
        c->lf.set_cf_of(carry, msb(a) != carry);
        return a;
    }
};

struct Rcr {
    template <typename T>
    static T apply(Cpu* c, T a, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        bool carry = c->lf.cf();
        for (count %= kBits<T> + 1; count > 0; --count) {
            const bool out = a & 1;
            a = static_cast<T>((a >> 1) | (static_cast<T>(T{carry} << (kBits<T> - 1))));
            carry = out;
        }
        c->lf.set_cf_of(carry, msb(a) != msb(static_cast<T>(a << 1)));
        return a;
    }
};

inline unsigned cl(const Cpu* c) {
    return reg<u8>(c, kRcx * 8);
}

template <typename F, typename T>
void shift_ri(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template apply<T>(c, reg<T>(c, op->a), static_cast<unsigned>(op->imm)));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T>
void shift_plain(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template plain<T>(reg<T>(c, op->a), static_cast<unsigned>(op->imm) & 63));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T>
void shift_rc(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template apply<T>(c, reg<T>(c, op->a), cl(c)));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void shift_mi(Cpu* c, const Op* op) {
    modify<T>(c, op, address<full>(c, op),
              [=](T value) { return F::template apply<T>(c, value, static_cast<unsigned>(op->imm)); });
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void shift_mc(Cpu* c, const Op* op) {
    modify<T>(c, op, address<full>(c, op), [=](T value) { return F::template apply<T>(c, value, cl(c)); });
    ORRERY_NEXT(c, op);
}

template <typename F>
concept HasPlainShift = requires {
    F::template plain<u64>(0, 0);
};

template <typename F>
void select_shift(const Insn& insn, u32 key, Op& op) {
    const Operand& to = insn.operands[0];
    if constexpr (HasPlainShift<F>) {
        if ((key & key::kFlagsDead) != 0) {
            op.imm &= to.size == 8 ? 63 : 31;
            op.fn = by_size(to.size, []<typename T>() -> Handler { return shift_plain<F, T>; });
            return;
        }
    }
    const bool by_cl = insn.operands[1].is_gpr();
    op.fn = by_size(to.size, [&]<typename T>() -> Handler {
        if (to.is_memory()) {
            return by_address(op, [&]<bool full>() -> Handler {
                return by_cl ? shift_mc<F, T, full> : shift_mi<F, T, full>;
            });
        }
        return by_cl ? shift_rc<F, T> : shift_ri<F, T>;
    });
}

// SHLD and SHRD. A 16-bit operand shifted by more than 16 is undefined in the manual; here bits then come
// from the operands' concatenation a:b:a, as Intel's cores do.
struct Shld {
    template <typename T>
    static T apply(Cpu* c, T a, T b, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        T value;
        bool carry;
        if constexpr (sizeof(T) == 2) {
            const u64 wide = (u64{a} << 32) | (u64{b} << 16) | a;
            value = static_cast<T>(wide >> (32 - count));
            carry = (wide >> (48 - count)) & 1;
        } else {
            value = static_cast<T>((a << count) | (b >> (kBits<T> - count)));
            carry = (a >> (kBits<T> - count)) & 1;
        }
        c->lf.set_result<T>(value, carry, msb(value) != msb(a));
        return value;
    }
};

struct Shrd {
    template <typename T>
    static T apply(Cpu* c, T a, T b, unsigned count) {
        count = masked<T>(count);
        if (count == 0) return a;
        T value;
        bool carry;
        if constexpr (sizeof(T) == 2) {
            const u64 wide = (u64{a} << 32) | (u64{b} << 16) | a;
            value = static_cast<T>(wide >> count);
            carry = (wide >> (count - 1)) & 1;
        } else {
            value = static_cast<T>((a >> count) | (b << (kBits<T> - count)));
            carry = (a >> (count - 1)) & 1;
        }
        c->lf.set_result<T>(value, carry, msb(value) != msb(a));
        return value;
    }
};

// The count is op->imm; a negative one means CL.
inline unsigned double_count(const Cpu* c, const Op* op) {
    return op->imm < 0 ? cl(c) : static_cast<unsigned>(op->imm);
}

template <typename F, typename T>
void double_r(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template apply<T>(c, reg<T>(c, op->a), reg<T>(c, op->b), double_count(c, op)));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void double_m(Cpu* c, const Op* op) {
    modify<T>(c, op, address<full>(c, op),
              [=](T value) { return F::template apply<T>(c, value, reg<T>(c, op->a), double_count(c, op)); });
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_double(const Insn& insn, Op& op) {
    op.imm = insn.operands[2].is_gpr() ? -1 : static_cast<i32>(insn.imm & 0xff);
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[0].is_memory())
            return by_address(op, []<bool full>() -> Handler { return double_m<F, T, full>; });
        return double_r<F, T>;
    });
}

}  // namespace

void select_shl(const Insn& insn, u32 key, Op& op) {
    select_shift<Shl>(insn, key, op);
}
void select_shr(const Insn& insn, u32 key, Op& op) {
    select_shift<Shr>(insn, key, op);
}
void select_sar(const Insn& insn, u32 key, Op& op) {
    select_shift<Sar>(insn, key, op);
}
void select_rol(const Insn& insn, u32 key, Op& op) {
    select_shift<Rol>(insn, key, op);
}
void select_ror(const Insn& insn, u32 key, Op& op) {
    select_shift<Ror>(insn, key, op);
}
void select_rcl(const Insn& insn, u32 key, Op& op) {
    select_shift<Rcl>(insn, key, op);
}
void select_rcr(const Insn& insn, u32 key, Op& op) {
    select_shift<Rcr>(insn, key, op);
}
void select_shld(const Insn& insn, u32, Op& op) {
    select_double<Shld>(insn, op);
}
void select_shrd(const Insn& insn, u32, Op& op) {
    select_double<Shrd>(insn, op);
}

}  // namespace orrery
