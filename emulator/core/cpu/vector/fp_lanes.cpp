#include "emulator/core/cpu/vector/fp_lanes.h"

#include <cstring>

#include "emulator/core/cpu/vector/fp_env.h"

namespace orrery {

namespace {

struct Lane {
    LaneOperation operation;
    unsigned width;
    u64 x, y;
};

// Flags of the host's scalar instruction, all exceptions masked.
u32 masked_flags(const Lane& lane, u32 control) {
    set_host_mxcsr(control | mxcsr::kMasks);
    __m128i x = _mm_cvtsi64_si128(static_cast<i64>(lane.x));
    const __m128i y = _mm_cvtsi64_si128(static_cast<i64>(lane.y));
    const bool wide = lane.width == 8;
    switch (lane.operation) {
        case LaneOperation::Add:
            if (wide)
                asm volatile("addsd %1, %0" : "+x"(x) : "x"(y));
            else
                asm volatile("addss %1, %0" : "+x"(x) : "x"(y));
            break;
        case LaneOperation::Sub:
            if (wide)
                asm volatile("subsd %1, %0" : "+x"(x) : "x"(y));
            else
                asm volatile("subss %1, %0" : "+x"(x) : "x"(y));
            break;
        case LaneOperation::Mul:
            if (wide)
                asm volatile("mulsd %1, %0" : "+x"(x) : "x"(y));
            else
                asm volatile("mulss %1, %0" : "+x"(x) : "x"(y));
            break;
        case LaneOperation::Div:
            if (wide)
                asm volatile("divsd %1, %0" : "+x"(x) : "x"(y));
            else
                asm volatile("divss %1, %0" : "+x"(x) : "x"(y));
            break;
        case LaneOperation::Narrow:
            asm volatile("cvtsd2ss %0, %0" : "+x"(x));
            break;
    }
    return host_mxcsr() & mxcsr::kFlags;
}

long double value_of(u64 bits, unsigned width) {
    if (width == 4) {
        const u32 low = static_cast<u32>(bits);
        float value;
        std::memcpy(&value, &low, sizeof value);
        return value;
    }
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// Whether rounding to the destination's precision, with an unbounded exponent, loses anything. The x87's 64
// bits of significand and 15 of exponent tell: what does not fit there does not fit in fewer.
bool is_inexact(const Lane& lane) {
    long double x = value_of(lane.x, lane.width);
    const long double y = value_of(lane.y, lane.width);
    asm volatile("fnclex" : "+t"(x));
    long double result = x;
    switch (lane.operation) {
        case LaneOperation::Add:
            result = x + y;
            break;
        case LaneOperation::Sub:
            result = x - y;
            break;
        case LaneOperation::Mul:
            result = x * y;
            break;
        case LaneOperation::Div:
            result = x / y;
            break;
        case LaneOperation::Narrow:
            break;
    }
    u16 status;
    asm volatile("fnstsw %0" : "=a"(status) : "t"(result));
    u64 significand;
    std::memcpy(&significand, &result, sizeof significand);
    const bool to_single = lane.width == 4 || lane.operation == LaneOperation::Narrow;
    const u64 lost = (u64{1} << (to_single ? 40 : 11)) - 1;
    return (status & mxcsr::kPe) != 0 || (significand & lost) != 0;
}

u32 lane_flags(const Lane& lane, u32 guest_mxcsr) {
    const u32 control = guest_mxcsr & (mxcsr::kRounding | mxcsr::kFtz | mxcsr::kDaz);
    const u32 masks = guest_mxcsr >> 7;
    u32 flags = masked_flags(lane, control);
    if ((masks & mxcsr::kUe) == 0) flags |= masked_flags(lane, control | mxcsr::kFtz) & mxcsr::kUe;
    const u32 unmasked = flags & ~masks;
    if ((unmasked & mxcsr::kBeforeComputing) != 0) return flags & mxcsr::kBeforeComputing;
    if ((unmasked & (mxcsr::kOe | mxcsr::kUe)) == 0) return flags;
    return (flags & ~mxcsr::kPe) | (is_inexact(lane) ? mxcsr::kPe : 0);
}

}  // namespace

u32 precise_fp_flags(u32 guest_mxcsr, Arithmetic what, __m128i a, __m128i b) {
    u8 bytes[32];
    std::memcpy(bytes, &a, 16);
    std::memcpy(bytes + 16, &b, 16);
    auto element = [&](unsigned from, unsigned index) {
        u64 value = 0;
        std::memcpy(&value, bytes + from + index * what.width, what.width);
        return value;
    };
    u32 flags = 0;
    for (unsigned i = 0; i < what.count; ++i) {
        Lane lane{what.operation, what.width, element(0, i), element(16, i)};
        if (what.order == LaneOrder::AddSub)
            lane.operation = i % 2 == 0 ? LaneOperation::Sub : LaneOperation::Add;
        if (what.order == LaneOrder::Horizontal) {
            lane.x = element(0, 2 * i);  // runs on into the second operand
            lane.y = element(0, 2 * i + 1);
        }
        if (what.operation == LaneOperation::Narrow) lane.x = element(16, i);
        flags |= lane_flags(lane, guest_mxcsr);
    }
    return flags;
}

}  // namespace orrery
