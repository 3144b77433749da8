// x * y + z with one rounding, in integers: what the FMA instructions do where the host's own cannot be used
// (SDM vol. 1, 14.5; the tables of FMA's numeric behaviour).
//
// Of several NaNs the first among x, y, z is the result, made quiet. A NaN as the addend of infinity times
// zero is the result, without an invalid exception of its own.
#pragma once

#include "emulator/core/cpu/vector/soft_float.h"

namespace orrery {

struct FmaSigns {
    bool negate_product = false;
    bool negate_addend = false;
};

// binary32 and binary64 as their bits; `guest_mxcsr`: RC, DAZ, FTZ and the masks count. The flags are those
// that the lane raises.
soft::Rounded fused_multiply_add_32(u32 x, u32 y, u32 z, FmaSigns signs, u32 guest_mxcsr);
soft::Rounded fused_multiply_add_64(u64 x, u64 y, u64 z, FmaSigns signs, u32 guest_mxcsr);

}  // namespace orrery
