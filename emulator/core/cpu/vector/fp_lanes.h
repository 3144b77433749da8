// The exact flags of an arithmetic instruction that ends in an unmasked overflow or underflow (SDM vol.
// 1, 4.9.1.4 to 4.9.1.6 and 11.5.2).
//
// Masked, the host reports a tiny result only where it is inexact, and every overflow as inexact. Unmasked,
// underflow is reported for every tiny result, and precision by the result with an unbounded exponent. That
// cannot be had from a masked execution of the whole instruction: it is worked out lane by lane.
#pragma once

#include <emmintrin.h>

#include "emulator/isa/types.h"

namespace orrery {

enum class LaneOperation : u8 { Add, Sub, Mul, Div, Narrow };  // Narrow: double to single

enum class LaneOrder : u8 {
    Straight,    // lane i of the first operand with lane i of the second
    AddSub,      // likewise, subtracting in even lanes
    Horizontal,  // neighbours of the first operand, then neighbours of the second
};

struct Arithmetic {
    LaneOperation operation;
    unsigned width;  // of a source lane in bytes: 4 or 8
    unsigned count;  // lanes of the result
    LaneOrder order = LaneOrder::Straight;
};

// The flags that hardware reports for `what` on these operands under `guest_mxcsr`. Leaves the host's MXCSR
// changed.
u32 precise_fp_flags(u32 guest_mxcsr, Arithmetic what, __m128i a, __m128i b);

}  // namespace orrery
