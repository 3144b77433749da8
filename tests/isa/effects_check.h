// Whether an instruction did what effects() says, judged by its outcomes on some processor: what changed must
// be among what is written; and with everything changed that is not read, the same must come out.
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/effects.h"
#include "tests/isa/test_case.h"

namespace orrery::testing {

/// Flags that `undefined` names may change whatever effects() says (a host of another make).
std::vector<std::string> unexpected_writes(const TestCase& c, const Effects& e, const Outcome& out,
                                           FlagSet undefined);

/// The case with all that is not read changed: registers, x87 stack, arithmetic flags. Deterministic.
TestCase with_other_values(const TestCase& c, const Effects& e);

/// What came out differently of `c` and `other`, made by with_other_values, beyond what was passed through.
std::vector<std::string> unexpected_reads(const TestCase& c, const TestCase& other, const Effects& e,
                                          const Outcome& out, const Outcome& other_out, FlagSet undefined);

}  // namespace orrery::testing
