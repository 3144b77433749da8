// ADD ADC SUB SBB CMP AND OR XOR TEST INC DEC NEG NOT (SDM vol. 2). AF, where undefined, is cleared.
#include "emulator/cpu/exec_forms.h"

namespace orrery {

namespace {

struct Add {
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

struct Cmp : Sub {
    static constexpr bool kWrites = false;
};

struct And {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T value = a & b;
        c->lf.set_logic<T>(value);
        return value;
    }
};

struct Test : And {
    static constexpr bool kWrites = false;
};

struct Or {
    static constexpr bool kWrites = true;
    template <typename T>
    static T apply(Cpu* c, T a, T b) {
        const T value = a | b;
        c->lf.set_logic<T>(value);
        return value;
    }
};

struct Xor {
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

void select_add(const Insn& insn, u32, Op& op) {
    select_binary<Add>(insn, op);
}
void select_adc(const Insn& insn, u32, Op& op) {
    select_binary<Adc>(insn, op);
}
void select_sub(const Insn& insn, u32, Op& op) {
    select_binary<Sub>(insn, op);
}
void select_sbb(const Insn& insn, u32, Op& op) {
    select_binary<Sbb>(insn, op);
}
void select_cmp(const Insn& insn, u32, Op& op) {
    select_binary<Cmp>(insn, op);
}
void select_and_(const Insn& insn, u32, Op& op) {
    select_binary<And>(insn, op);
}
void select_test(const Insn& insn, u32, Op& op) {
    select_binary<Test>(insn, op);
}
void select_or_(const Insn& insn, u32, Op& op) {
    select_binary<Or>(insn, op);
}
void select_xor_(const Insn& insn, u32, Op& op) {
    select_binary<Xor>(insn, op);
}
void select_inc(const Insn& insn, u32, Op& op) {
    select_unary<Inc>(insn, op);
}
void select_dec(const Insn& insn, u32, Op& op) {
    select_unary<Dec>(insn, op);
}
void select_neg(const Insn& insn, u32, Op& op) {
    select_unary<Neg>(insn, op);
}
void select_not_(const Insn& insn, u32, Op& op) {
    select_unary<Not>(insn, op);
}

}  // namespace orrery
