// BMI1 and BMI2 with VEX encodings (SDM vol. 2). Flags that the manual leaves undefined: AF is cleared, PF
// and SF follow from the result.
//
// PDEP and PEXT are done in plain C++: the hosts that lack them, or are slow at them, give the same.
#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/x87/fpu_trap.h"

namespace orrery {

namespace {

// Each operation gets `e`, the operand in ModRM.rm, and `v`, the one in VEX.vvvv, and returns what goes to
// the first operand.

struct Andn {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T v) {
        const T result = ~v & e;
        c->lf.set_logic<T>(result);
        return result;
    }
};
struct Bextr {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T v) {
        constexpr unsigned kBits = sizeof(T) * 8;
        const unsigned start = v & 0xff, count = v >> 8 & 0xff;
        T result = start < kBits ? e >> start : 0;
        if (count < kBits) result &= (T{1} << count) - 1;
        c->lf.set_logic<T>(result);
        return result;
    }
};
struct Blsr {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T) {
        const T result = e & (e - 1);
        c->lf.set_result<T>(result, e == 0, false);
        return result;
    }
};
struct Blsmsk {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T) {
        const T result = e ^ (e - 1);
        c->lf.set_result<T>(result, e == 0, false);
        return result;
    }
};
struct Blsi {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T) {
        const T result = e & (0 - e);
        c->lf.set_result<T>(result, e != 0, false);
        return result;
    }
};
struct Bzhi {
    template <typename T>
    static T apply(Cpu* c, const Op*, T e, T v) {
        const unsigned index = v & 0xff;
        const bool beyond = index >= sizeof(T) * 8;
        const T result = beyond ? e : e & ((T{1} << index) - 1);
        c->lf.set_result<T>(result, beyond, false);
        return result;
    }
};
// The upper half is what is left where both destinations are the same register.
struct Mulx {
    template <typename T>
    static T apply(Cpu* c, const Op* op, T e, T) {
        using Wide = std::conditional_t<sizeof(T) == 4, u64, unsigned __int128>;
        const Wide product = static_cast<Wide>(e) * reg<T>(c, kRdx * 8);
        set_reg<T>(c, op->b, static_cast<T>(product));
        return static_cast<T>(product >> (sizeof(T) * 8));
    }
};
struct Pdep {
    template <typename T>
    static T apply(Cpu*, const Op*, T e, T v) {
        T result = 0;
        for (; e != 0; e &= e - 1, v >>= 1)
            if ((v & 1) != 0) result |= e & (0 - e);
        return result;
    }
};
struct Pext {
    template <typename T>
    static T apply(Cpu*, const Op*, T e, T v) {
        T result = 0;
        for (T bit = 1; e != 0; e &= e - 1, bit <<= 1)
            if ((v & e & (0 - e)) != 0) result |= bit;
        return result;
    }
};
struct Rorx {
    template <typename T>
    static T apply(Cpu*, const Op* op, T e, T) {
        return std::rotr(e, op->imm & static_cast<int>(sizeof(T) * 8 - 1));
    }
};
struct Sarx {
    template <typename T>
    static T apply(Cpu*, const Op*, T e, T v) {
        return static_cast<T>(static_cast<std::make_signed_t<T>>(e) >> (v & (sizeof(T) * 8 - 1)));
    }
};
struct Shlx {
    template <typename T>
    static T apply(Cpu*, const Op*, T e, T v) {
        return e << (v & (sizeof(T) * 8 - 1));
    }
};
struct Shrx {
    template <typename T>
    static T apply(Cpu*, const Op*, T e, T v) {
        return e >> (v & (sizeof(T) * 8 - 1));
    }
};

// In all forms op->b is the register in VEX.vvvv. A destination that is also a source has been read before it
// is written.
template <typename F, typename T>
void bmi_r(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template apply<T>(c, op, reg<T>(c, op->base), reg<T>(c, op->b)));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void bmi_m(Cpu* c, const Op* op) {
    const T e = load<T>(c, op, address<full>(c, op));
    set_reg<T>(c, op->a, F::template apply<T>(c, op, e, reg<T>(c, op->b)));
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_bmi(const Insn& insn, u32 key, Op& op) {
    if (trap_vex(key, op)) return;
    op.a = slot_of(insn.operands[0]);
    op.b = static_cast<u8>(insn.vvvv * 8);
    const bool memory = insn.has_memory();
    if (!memory) op.base = static_cast<u8>(insn.rm * 8);
    auto pick = [&]<typename T>() -> Handler {
        if (!memory) return bmi_r<F, T>;
        return by_address(op, []<bool full>() -> Handler { return bmi_m<F, T, full>; });
    };
    op.fn = insn.opsize == 8 ? pick.template operator()<u64>() : pick.template operator()<u32>();
}

}  // namespace

#define ORRERY_BMI(name, operation)                         \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        select_bmi<operation>(insn, key, op);               \
    }
ORRERY_BMI(andn, Andn)
ORRERY_BMI(bextr, Bextr)
ORRERY_BMI(blsr, Blsr)
ORRERY_BMI(blsmsk, Blsmsk)
ORRERY_BMI(blsi, Blsi)
ORRERY_BMI(bzhi, Bzhi)
ORRERY_BMI(mulx, Mulx)
ORRERY_BMI(pdep, Pdep)
ORRERY_BMI(pext, Pext)
ORRERY_BMI(rorx, Rorx)
ORRERY_BMI(sarx, Sarx)
ORRERY_BMI(shlx, Shlx)
ORRERY_BMI(shrx, Shrx)

}  // namespace orrery
