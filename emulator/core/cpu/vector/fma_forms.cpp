// The FMA instructions (SDM vol. 2, VFMADD132PD and the others; vol. 1, 14.5).
//
// The host's own FMA does the work where it is there, all exceptions are masked and no operand is a NaN; else
// fma.h does, lane by lane. Both give the same results and flags, so the host does not show: NaNs are left
// out since which one of several comes out is not the same everywhere.
#include <cstring>

#include "emulator/core/cpu/vector/fma.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace avx;

namespace {

enum Kind : u8 { kMadd, kMsub, kNmadd, kNmsub, kMaddSub, kMsubAdd };
enum Type : u8 { kSingles, kDoubles, kSingle, kDouble };
enum Order : u8 { k132, k213, k231 };

// In the immediate's place in op->imm.
constexpr i32 form_bits(Kind kind, Type type, Order order) {
    return order | type << 2 | kind << 4;
}
Kind kind_of(const Op* op) {
    return static_cast<Kind>(op->imm >> 4 & 7);
}
Type type_of(const Op* op) {
    return static_cast<Type>(op->imm >> 2 & 3);
}
Order order_of(const Op* op) {
    return static_cast<Order>(op->imm & 3);
}
constexpr bool is_scalar(Type type) {
    return type >= kSingle;
}
constexpr bool is_double(Type type) {
    return type == kDoubles || type == kDouble;
}

using Kernel = Xmm (*)(Xmm x, Xmm y, Xmm z);

// x * y + z by the host's instruction.
#define ORRERY_FMA_KERNEL(name, type)                                             \
    [](Xmm x, Xmm y, Xmm z) {                                                     \
        asm volatile(#name "213" #type " %2, %1, %0" : "+x"(x) : "x"(y), "x"(z)); \
        return x;                                                                 \
    }
#define ORRERY_FMA_KERNELS(name)                                                               \
    {                                                                                          \
        ORRERY_FMA_KERNEL(name, ps), ORRERY_FMA_KERNEL(name, pd), ORRERY_FMA_KERNEL(name, ss), \
            ORRERY_FMA_KERNEL(name, sd)                                                        \
    }
#define ORRERY_FMA_PACKED_KERNELS(name) \
    { ORRERY_FMA_KERNEL(name, ps), ORRERY_FMA_KERNEL(name, pd), nullptr, nullptr }
constexpr Kernel kKernels[6][4] = {
    ORRERY_FMA_KERNELS(vfmadd),  ORRERY_FMA_KERNELS(vfmsub),           ORRERY_FMA_KERNELS(vfnmadd),
    ORRERY_FMA_KERNELS(vfnmsub), ORRERY_FMA_PACKED_KERNELS(vfmaddsub), ORRERY_FMA_PACKED_KERNELS(vfmsubadd),
};

bool host_has_fma() {
    static const bool has = __builtin_cpu_supports("fma");
    return has;
}

Xmm nan_lanes(Xmm value, Type type) {
    if (is_double(type)) {
        const Xmm magnitude = _mm_and_si128(value, _mm_set1_epi64x(0x7fff'ffff'ffff'ffff));
        // The upper half tells, and where it is that of infinity, the lower.
        const Xmm infinity = _mm_set1_epi64x(0x7ff0'0000'0000'0000);
        const Xmm below = _mm_sub_epi64(infinity, magnitude);
        return _mm_shuffle_epi32(_mm_srai_epi32(below, 31), 0xf5);
    }
    const Xmm magnitude = _mm_and_si128(value, _mm_set1_epi32(0x7fff'ffff));
    return _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7f80'0000));
}

bool any_nan(Xmm x, Xmm y, Xmm z, Type type) {
    const Xmm lanes = _mm_or_si128(_mm_or_si128(nan_lanes(x, type), nan_lanes(y, type)), nan_lanes(z, type));
    const int used = type == kSingle ? 0xf : type == kDouble ? 0xff : 0xffff;
    return (_mm_movemask_epi8(lanes) & used) != 0;
}

template <typename T>
Xmm software_lanes(Xmm x, Xmm y, Xmm z, Kind kind, unsigned count, u32 guest_mxcsr, u32& flags) {
    T a[16 / sizeof(T)], b[16 / sizeof(T)], c[16 / sizeof(T)];
    std::memcpy(a, &x, 16);
    std::memcpy(b, &y, 16);
    std::memcpy(c, &z, 16);
    for (unsigned i = 0; i < count; ++i) {
        const bool odd = i % 2 != 0;
        FmaSigns signs;
        signs.negate_product = kind == kNmadd || kind == kNmsub;
        signs.negate_addend =
            kind == kMsub || kind == kNmsub || (kind == kMaddSub && !odd) || (kind == kMsubAdd && odd);
        soft::Rounded result;
        if constexpr (sizeof(T) == 4) result = fused_multiply_add_32(a[i], b[i], c[i], signs, guest_mxcsr);
        if constexpr (sizeof(T) == 8) result = fused_multiply_add_64(a[i], b[i], c[i], signs, guest_mxcsr);
        a[i] = static_cast<T>(result.bits);
        flags |= result.flags;
    }
    std::memcpy(&x, a, 16);
    return x;
}

Xmm in_software(const Op* op, Xmm x, Xmm y, Xmm z, u32 guest_mxcsr, u32& flags) {
    const Type type = type_of(op);
    if (is_double(type))
        return software_lanes<u64>(x, y, z, kind_of(op), is_scalar(type) ? 1 : 2, guest_mxcsr, flags);
    return software_lanes<u32>(x, y, z, kind_of(op), is_scalar(type) ? 1 : 4, guest_mxcsr, flags);
}

// One half, all exceptions masked.
Xmm masked(Cpu* c, const Op* op, Xmm x, Xmm y, Xmm z) {
    if (host_has_fma() && !any_nan(x, y, z, type_of(op))) return kKernels[kind_of(op)][type_of(op)](x, y, z);
    u32 flags = 0;
    const Xmm result = in_software(op, x, y, z, c->mxcsr, flags);
    c->mxcsr |= flags;
    return result;
}

Ymm third_operand(Cpu* c, const Op* op) {
    if ((op->imm & kMemory) == 0) return ymm(c, op->base);
    const u64 linear = avx::address_of(c, op);
    if ((op->imm & kWide) != 0) return load_ymm<false>(c, op, linear);
    Xmm low;
    switch (type_of(op)) {
        case kSingle:
            low = sse::from_low(load<u32>(c, op, linear));
            break;
        case kDouble:
            low = sse::from_low(load<u64>(c, op, linear));
            break;
        default:
            low = sse::load_xmm<false>(c, op, linear);
            break;
    }
    return {low, _mm_setzero_si128()};
}

template <bool checked>
[[gnu::noinline]] void fma(Cpu* c, const Op* op) {
    const Ymm first = ymm(c, op->a), second = ymm(c, op->b), third = third_operand(c, op);
    const Order order = order_of(op);
    const Ymm& x = order == k132 ? first : second;
    const Ymm& y = order == k213 ? first : third;
    const Ymm& z = order == k132 ? second : order == k213 ? third : first;
    const bool wide = (op->imm & kWide) != 0;
    Ymm result{_mm_setzero_si128(), _mm_setzero_si128()};
    if constexpr (checked) {
        begin_fp_check(c);
        u32 flags = 0;
        result.low = in_software(op, x.low, y.low, z.low, c->mxcsr, flags);
        if (wide) result.high = in_software(op, x.high, y.high, z.high, c->mxcsr, flags);
        end_fp_check(c, op, flags);
    } else {
        result.low = masked(c, op, x.low, y.low, z.low);
        if (wide) result.high = masked(c, op, x.high, y.high, z.high);
    }
    // Scalars keep the rest of the lower half.
    if (type_of(op) == kSingle)
        result.low = _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(first.low), _mm_castsi128_ps(result.low)));
    if (type_of(op) == kDouble)
        result.low = _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(first.low), _mm_castsi128_pd(result.low)));
    set_ymm(c, op->a, result);
}

template <bool checked>
void op_fma(Cpu* c, const Op* op) {
    fma<checked>(c, op);
    ORRERY_NEXT(c, op);
}

void select_form(const Insn& insn, u32 key, Op& op, Kind kind, Order order, Type type) {
    if (trap_avx(key, op)) return;
    prepare(insn, op);
    if (is_scalar(type)) op.imm &= ~kWide;
    op.imm |= form_bits(kind, type, order);
    op.fn = (key & key::kSseUnmasked) != 0 ? op_fma<true> : op_fma<false>;
}

}  // namespace

#define ORRERY_FMA_FORM(name, kind, order, suffix, type)                   \
    void select_##name##order##suffix(const Insn& insn, u32 key, Op& op) { \
        select_form(insn, key, op, kind, k##order, type);                  \
    }
#define ORRERY_FMA_PACKED(name, kind, order)         \
    ORRERY_FMA_FORM(name, kind, order, ps, kSingles) \
    ORRERY_FMA_FORM(name, kind, order, pd, kDoubles)
#define ORRERY_FMA_ALL(name, kind, order)           \
    ORRERY_FMA_PACKED(name, kind, order)            \
    ORRERY_FMA_FORM(name, kind, order, ss, kSingle) \
    ORRERY_FMA_FORM(name, kind, order, sd, kDouble)
#define ORRERY_FMA_ORDERS(forms, name, kind) \
    forms(name, kind, 132) forms(name, kind, 213) forms(name, kind, 231)

ORRERY_FMA_ORDERS(ORRERY_FMA_ALL, fmadd, kMadd)
ORRERY_FMA_ORDERS(ORRERY_FMA_ALL, fmsub, kMsub)
ORRERY_FMA_ORDERS(ORRERY_FMA_ALL, fnmadd, kNmadd)
ORRERY_FMA_ORDERS(ORRERY_FMA_ALL, fnmsub, kNmsub)
ORRERY_FMA_ORDERS(ORRERY_FMA_PACKED, fmaddsub, kMaddSub)
ORRERY_FMA_ORDERS(ORRERY_FMA_PACKED, fmsubadd, kMsubAdd)

}  // namespace orrery
