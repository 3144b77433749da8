// Compares what the host and the guest made of a case, apart from what the architecture leaves open, and
// prints a difference so that a person can see what went wrong.
#pragma once

#include <string>
#include <vector>

#include "tests/isa/test_case.h"

namespace orrery::testing {

/// One line per difference ("rax: host …, guest …"); empty if the two agree.
std::vector<std::string> compare_outcomes(const TestCase& c, const Outcome& host, const Outcome& guest);

/// The case: bytes, disassembly, registers it reads, and the differences.
std::string describe(const TestCase& c, const std::vector<std::string>& differences);

/// Status flags that the manual leaves undefined after this instruction in this state.
u64 undefined_flags(const TestCase& c);

}  // namespace orrery::testing
