// The load average's sampler.
//
// Guarantees: sampled every five seconds from load_init on.
#pragma once

#include "core/types.h"

void load_init();
/// Of the last 1, 5 and 15 minutes (`which` 0 to 2), in fixed point with 11 bits, as Linux.
u64 load_average(unsigned which);
