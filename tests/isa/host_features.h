// Which instructions the host's processor has, for tests that run them there.
#pragma once

#include "emulator/isa/features.h"

namespace orrery::testing {

/// The profile x86-64-v2, with what x86-64-v3 adds to it as far as the host has it; AVX and AVX2 both or neither.
CpuFeatures host_features();

}  // namespace orrery::testing
