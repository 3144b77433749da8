// Runs generated instructions on the host's own processor: in a forked child with the arena of test_case.h
// mapped at its addresses, all registers, flags, x87 and SSE state loaded, and every fault caught with its
// vector and error code as Linux reports them (x86-64 Linux only).
#pragma once

#include <span>
#include <vector>

#include "tests/isa/test_case.h"

namespace orrery::testing {

constexpr int kHostDied = -2;  // Outcome::vector: the child was lost over this case

/// The outcomes in the order of `cases`. Throws std::runtime_error if the child cannot be set up.
std::vector<Outcome> run_on_host(std::span<const TestCase> cases);

/// Whether 32-bit code can be run (the kernel offers a compatibility-mode code segment).
bool host_runs_32_bit_code();

}  // namespace orrery::testing
