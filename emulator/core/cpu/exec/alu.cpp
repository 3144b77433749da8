// ADD ADC SUB SBB CMP AND OR XOR TEST INC DEC NEG NOT (SDM vol. 2). AF, where undefined, is cleared.
#include <functional>

#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

// An operation whose flags nobody sees.
template <typename Compute>
struct PlainBinary {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu*, T a, T b) {
        return static_cast<T>(Compute{}(a, b));
    }
};

struct Add {
    using Plain = PlainBinary<std::plus<>>;
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T sum = static_cast<T>(a + b);
        c->lf.set_add<T>(a, b, sum);
        return sum;
    }
};

struct Adc {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T sum = static_cast<T>(a + b + static_cast<T>(c->lf.cf()));
        c->lf.set_add<T>(a, b, sum);
        return sum;
    }
};

struct Sub {
    using Plain = PlainBinary<std::minus<>>;
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T difference = static_cast<T>(a - b);
        c->lf.set_sub<T>(a, b, difference);
        return difference;
    }
};

struct Sbb {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T difference = static_cast<T>(a - b - static_cast<T>(c->lf.cf()));
        c->lf.set_sub<T>(a, b, difference);
        return difference;
    }
};

struct Cmp {
    static constexpr bool kWrites = false;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        return Sub::apply<T>(c, a, b);
    }
};

struct And {
    using Plain = PlainBinary<std::bit_and<>>;
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T value = a & b;
        c->lf.set_logic<T>(value);
        return value;
    }
};

struct Test {
    static constexpr bool kWrites = false;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        return And::apply<T>(c, a, b);
    }
};

struct Or {
    using Plain = PlainBinary<std::bit_or<>>;
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T value = a | b;
        c->lf.set_logic<T>(value);
        return value;
    }
};

struct Xor {
    using Plain = PlainBinary<std::bit_xor<>>;
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T value = a ^ b;
        c->lf.set_logic<T>(value);
        return value;
    }
};

// INC and DEC keep CF.
struct Inc {
    struct Plain {
        template <typename T>
        static T apply(Cpu*, T a) {
            return static_cast<T>(a + 1);
        }
    };
    template <typename T>
    static T apply(Cpu* c, T a) {
        const T sum = static_cast<T>(a + 1);
        const bool carry = c->lf.cf();
        c->lf.set_add<T>(a, 1, sum);
        c->lf.set_cf(carry);
        return sum;
    }
};

struct Dec {
    struct Plain {
        template <typename T>
        static T apply(Cpu*, T a) {
            return static_cast<T>(a - 1);
        }
    };
    template <typename T>
    static T apply(Cpu* c, T a) {
        const T difference = static_cast<T>(a - 1);
        const bool carry = c->lf.cf();
        c->lf.set_sub<T>(a, 1, difference);
        c->lf.set_cf(carry);
        return difference;
    }
};

struct Neg {
    template <typename T>
    static T apply(Cpu* c, T a) {
        const T difference = static_cast<T>(0 - a);
        c->lf.set_sub<T>(0, a, difference);
        return difference;
    }
};

struct Not {
    template <typename T>
    static T apply(Cpu*, T a) {
        return static_cast<T>(~a);
    }
};

}  // namespace

void select_add(const Insn& insn, u32 key, Op& op) {
    select_binary<Add>(insn, key, op);
}
void select_adc(const Insn& insn, u32 key, Op& op) {
    select_binary<Adc>(insn, key, op);
}
void select_sub(const Insn& insn, u32 key, Op& op) {
    select_binary<Sub>(insn, key, op);
}
void select_sbb(const Insn& insn, u32 key, Op& op) {
    select_binary<Sbb>(insn, key, op);
}
void select_cmp(const Insn& insn, u32 key, Op& op) {
    select_binary<Cmp>(insn, key, op);
}
void select_and_(const Insn& insn, u32 key, Op& op) {
    select_binary<And>(insn, key, op);
}
void select_test(const Insn& insn, u32 key, Op& op) {
    select_binary<Test>(insn, key, op);
}
void select_or_(const Insn& insn, u32 key, Op& op) {
    select_binary<Or>(insn, key, op);
}
void select_xor_(const Insn& insn, u32 key, Op& op) {
    select_binary<Xor>(insn, key, op);
}
void select_inc(const Insn& insn, u32 key, Op& op) {
    select_unary<Inc>(insn, key, op);
}
void select_dec(const Insn& insn, u32 key, Op& op) {
    select_unary<Dec>(insn, key, op);
}
void select_neg(const Insn& insn, u32 key, Op& op) {
    select_unary<Neg>(insn, key, op);
}
void select_not_(const Insn& insn, u32 key, Op& op) {
    select_unary<Not>(insn, key, op);
}

}  // namespace orrery
