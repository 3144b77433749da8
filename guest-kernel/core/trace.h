// Back traces of the kernel's own stack.
//
// Guarantees: see init/panic.cpp.
#pragma once

#include "core/types.h"

/// Print return addresses from the frame pointer `rbp` on.
void dump_back_trace(u64 rbp);
