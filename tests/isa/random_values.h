// Random operands that reach the corners: small numbers, sign boundaries, masks, denormals, infinities, NaNs.
#pragma once

#include "tests/isa/rng.h"
#include "tests/isa/test_case.h"

namespace orrery::testing {

/// An integer of up to 64 bits: a random one, or one near a boundary of some width.
u64 random_integer(Rng& rng);
/// Bits of a binary32 or binary64 number: any class.
u32 random_float(Rng& rng);
u64 random_double(Rng& rng);
/// Ten bytes of an x87 extended number; also denormals, pseudo-denormals and (rarely) unsupported encodings.
void random_extended(Rng& rng, u8* bytes);
/// Fills `size` bytes with lanes of one random type: integers, floats or doubles.
void random_lanes(Rng& rng, u8* bytes, std::size_t size);
/// A whole x87, MXCSR and XMM state.
void random_fx(Rng& rng, FxImage& fx);

}  // namespace orrery::testing
