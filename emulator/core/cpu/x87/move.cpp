// FLD, FILD, FBLD, the constants, FST, FSTP, FIST, FISTP, FISTTP, FBSTP, FXCH (Intel SDM vol. 2).
#include "emulator/core/cpu/x87/forms.h"

namespace orrery {

using namespace x87;

namespace {

[[gnu::noinline, gnu::cold]] void overflow_push(Cpu* c, const Op* op) {
    if (overflow(c, op)) push(c->x87, f80::kDefaultNan);
}
inline bool full_stack(const X87State& s) {
    return !is_empty(s, physical(s, 7));
}

// Of these flags only #IA keeps the value off the stack.
inline void push_result(Cpu* c, const Op* op, Result r) {
    X87State& s = c->x87;
    if (__builtin_expect(full_stack(s), 0)) return overflow_push(c, op);
    give(c, op, r.flags);
    if ((r.flags & ~s.control & f80::kInvalid) == 0) push(s, f80::value(r));
}

template <Format format>
inline Result loaded(Raw<format> raw) {
    if constexpr (format == Format::F32) return f80::from_f32(raw);
    if constexpr (format == Format::F64) return f80::from_f64(raw);
    return operand<format>(raw);
}

template <Format format, bool full>
void op_load(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    const Raw<format> raw = load<Raw<format>>(c, op, linear);
    note_operand(c, op, linear);
    push_result(c, op, loaded<format>(raw));
    ORRERY_NEXT(c, op);
}

// Ten bytes of memory: FLD m80, FBLD.
[[gnu::noinline]] Float80 load_ten(Cpu* c, const Op* op, u64 linear) {
    check_aligned(c, op, linear, 8);
    u8 bytes[10];
    load_bytes(c, op, linear, bytes, sizeof bytes);
    Float80 v;
    std::memcpy(&v.significand, bytes, 8);
    std::memcpy(&v.sign_exponent, bytes + 8, 2);
    return v;
}
[[gnu::noinline]] void store_ten(Cpu* c, const Op* op, u64 linear, u64 low, u16 high) {
    check_aligned(c, op, linear, 8);
    u8 bytes[10];
    std::memcpy(bytes, &low, 8);
    std::memcpy(bytes + 8, &high, 2);
    store_bytes(c, op, linear, bytes, sizeof bytes);
}

// The faults that the store of ten bytes would have: they come before the exception that prevents it.
[[gnu::noinline, gnu::cold]] void fault_ten(Cpu* c, const Op* op, u64 linear) {
    check_aligned(c, op, linear, 8);
    modify<u64>(c, op, linear, [](u64 old) { return old; });
    modify<u16>(c, op, linear + 8, [](u16 old) { return old; });
}

template <bool bcd, bool full>
void op_load_ten(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    Float80 v = load_ten(c, op, linear);
    note_operand(c, op, linear);
    if constexpr (bcd) v = f80::from_bcd(v.significand, v.sign_exponent);
    push_result(c, op, {v.significand, v.sign_exponent, 0});
    ORRERY_NEXT(c, op);
}

void op_fld_st(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned from = physical(s, op->a);
    if (__builtin_expect(is_empty(s, from), 0)) {
        if (underflow(c, op)) push(s, f80::kDefaultNan);
    } else if (__builtin_expect(full_stack(s), 0)) {
        overflow_push(c, op);
    } else {
        give(c, op, 0);
        push(s, s.reg[from]);
    }
    ORRERY_NEXT(c, op);
}

// The constants to 64 bits, cut off and the next bits of all but 1 and 0 (table 3-27): `up` where they round
// up to nearest.
struct Constant {
    u64 significand;
    u16 exponent;
    bool exact, up;
};
constexpr Constant kConstants[7] = {
    {f80::kIntegerBit, 0x3fff, true, false},        // 1
    {0xd49a'784b'cd1b'8afe, 0x4000, false, false},  // log2 10
    {0xb8aa'3b29'5c17'f0bb, 0x3fff, false, true},   // log2 e
    {0xc90f'daa2'2168'c234, 0x4000, false, true},   // pi
    {0x9a20'9a84'fbcf'f798, 0x3ffd, false, true},   // log10 2
    {0xb172'17f7'd1cf'79ab, 0x3ffe, false, true},   // ln 2
    {0, 0, true, false},                            // 0
};

// op->a: which.
void op_fld_constant(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    const Constant& k = kConstants[op->a];
    const f80::Rounding mode = f80::rounding(c->x87.control);
    const bool up = !k.exact && (mode == f80::Rounding::Up || (mode == f80::Rounding::Nearest && k.up));
    push_result(c, op, {k.significand + up, k.exponent, 0});
    ORRERY_NEXT(c, op);
}

// Whether a store to memory is made: not where an unmasked exception leaves nothing to store.
inline bool stores(u16 flags, u16 control) {
    constexpr u16 kPreventing = f80::kInvalid | f80::kOverflow | f80::kUnderflow;
    return (flags & ~control & kPreventing) == 0;
}

constexpr u16 kUnderflowFlags = f80::kInvalid | f80::kStackFault;

// Rounded for the format; of an empty register, the indefinite.
template <Format format, bool truncate>
inline f80::Bits stored(const X87State& s) {
    const unsigned place = top(s);
    const bool empty = is_empty(s, place);
    const Float80 a = __builtin_expect(empty, 0) ? f80::kDefaultNan : s.reg[place];
    f80::Bits bits;
    if constexpr (format == Format::F32) {
        bits = f80::to_f32(a, s.control);
    } else if constexpr (format == Format::F64) {
        bits = f80::to_f64(a, s.control);
    } else {
        bits = f80::to_int(a, s.control, sizeof(Raw<format>), truncate);
    }
    if (__builtin_expect(empty, 0)) bits.flags = kUnderflowFlags;
    return bits;
}

template <Format format, bool pops, bool truncate, bool full>
void op_store(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    X87State& s = c->x87;
    const f80::Bits bits = stored<format, truncate>(s);
    const bool made = stores(bits.flags, s.control);
    if (__builtin_expect(made, 1)) {
        store<Raw<format>>(c, op, linear, static_cast<Raw<format>>(bits.bits));
    } else {
        // A fault of the store comes before the exception that leaves nothing to store.
        modify<Raw<format>>(c, op, linear, [](Raw<format> old) { return old; });
    }
    note_operand(c, op, linear);
    give(c, op, bits.flags);
    if (pops && made) pop(s);
    ORRERY_NEXT(c, op);
}

template <bool full>
void op_fstp_ten(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    X87State& s = c->x87;
    const bool empty = is_empty(s, top(s));
    const u16 flags = empty ? kUnderflowFlags : u16{0};
    const bool made = stores(flags, s.control);
    if (__builtin_expect(made, 1)) {
        const Float80 a = empty ? f80::kDefaultNan : s.reg[top(s)];
        store_ten(c, op, linear, a.significand, a.sign_exponent);
    } else {
        fault_ten(c, op, linear);
    }
    note_operand(c, op, linear);
    give(c, op, flags);
    if (made) pop(s);
    ORRERY_NEXT(c, op);
}

template <bool full>
void op_fbstp(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    X87State& s = c->x87;
    const bool empty = is_empty(s, top(s));
    f80::Bcd bcd = f80::to_bcd(empty ? f80::kDefaultNan : s.reg[top(s)], s.control);
    if (empty) bcd.flags = kUnderflowFlags;
    const bool made = stores(bcd.flags, s.control);
    if (made) {
        store_ten(c, op, linear, bcd.digits, bcd.top);
    } else {
        fault_ten(c, op, linear);
    }
    note_operand(c, op, linear);
    give(c, op, bcd.flags);
    if (made) pop(s);
    ORRERY_NEXT(c, op);
}

// To ST(op->a).
template <bool pops>
void op_store_st(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned from = top(s), to = physical(s, op->a);
    if (__builtin_expect(is_empty(s, from), 0)) {
        if (underflow(c, op)) {
            write(s, to, f80::kDefaultNan);
            if (pops) pop(s);
        }
    } else {
        give(c, op, 0);
        write(s, to, s.reg[from]);
        if (pops) pop(s);
    }
    ORRERY_NEXT(c, op);
}

// As FSTP ST(i), but an empty ST(0) is no exception ("no check for empty"): it is popped, and nothing is
// stored.
void op_fstpnce(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned from = top(s), to = physical(s, op->a);
    give(c, op, 0);
    if (!is_empty(s, from)) write(s, to, s.reg[from]);
    pop(s);
    ORRERY_NEXT(c, op);
}

// ST(0) and ST(op->b).
void op_fxch(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned a = top(s), b = physical(s, op->b);
    const bool empty = is_empty(s, a) || is_empty(s, b);
    if (__builtin_expect(empty, 0)) {
        if (underflow(c, op)) {
            const Float80 x = is_empty(s, a) ? f80::kDefaultNan : s.reg[a];
            const Float80 y = is_empty(s, b) ? f80::kDefaultNan : s.reg[b];
            write(s, a, y);
            write(s, b, x);
        }
    } else {
        give(c, op, 0);
        const Float80 x = s.reg[a];
        s.reg[a] = s.reg[b];
        s.reg[b] = x;
    }
    ORRERY_NEXT(c, op);
}

template <bool pops, bool truncate>
void select_store_integer(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_integer_format(insn, op, []<Format format, bool full>() -> Handler {
        return op_store<format, pops, truncate, full>;
    });
}

}  // namespace

void select_fld(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    if (insn.operands[0].size == 10) {
        op.fn = by_address(op, []<bool full>() -> Handler { return op_load_ten<false, full>; });
    } else {
        op.fn = by_float_format(insn, op,
                                []<Format format, bool full>() -> Handler { return op_load<format, full>; });
    }
}
void select_fild(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_integer_format(insn, op,
                              []<Format format, bool full>() -> Handler { return op_load<format, full>; });
}
void select_fbld(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_load_ten<true, full>; });
}
void select_fld_st(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fld_st;
}
#define ORRERY_FLD_CONSTANT(name, which)                    \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        if (prepare(insn, key, op)) return;                 \
        op.a = which;                                       \
        op.fn = op_fld_constant;                            \
    }
ORRERY_FLD_CONSTANT(fld1, 0)
ORRERY_FLD_CONSTANT(fldl2t, 1)
ORRERY_FLD_CONSTANT(fldl2e, 2)
ORRERY_FLD_CONSTANT(fldpi, 3)
ORRERY_FLD_CONSTANT(fldlg2, 4)
ORRERY_FLD_CONSTANT(fldln2, 5)
ORRERY_FLD_CONSTANT(fldz, 6)
void select_fst(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_float_format(
        insn, op, []<Format format, bool full>() -> Handler { return op_store<format, false, false, full>; });
}
void select_fstp(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    if (insn.operands[0].size == 10) {
        op.fn = by_address(op, []<bool full>() -> Handler { return op_fstp_ten<full>; });
    } else {
        op.fn = by_float_format(insn, op, []<Format format, bool full>() -> Handler {
            return op_store<format, true, false, full>;
        });
    }
}
void select_fist(const Insn& insn, u32 key, Op& op) {
    select_store_integer<false, false>(insn, key, op);
}
void select_fistp(const Insn& insn, u32 key, Op& op) {
    select_store_integer<true, false>(insn, key, op);
}
void select_fisttp(const Insn& insn, u32 key, Op& op) {
    select_store_integer<true, true>(insn, key, op);
}
void select_fbstp(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return op_fbstp<full>; });
}
void select_fst_st(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_store_st<false>;
}
void select_fstp_st(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_store_st<true>;
}
void select_fstpnce(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fstpnce;
}
void select_fxch(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fxch;
}

}  // namespace orrery
