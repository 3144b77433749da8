// Makes random valid instructions of a row, with a state in which they do something: addresses fall into the
// arena of test_case.h (or fault on purpose), stack and string registers point somewhere sensible, divisors
// are not always too small. The same row, seed and mode give the same case on every host.
#pragma once

#include <optional>

#include "emulator/isa/row.h"
#include "tests/isa/test_case.h"

namespace orrery::testing {

/// nullopt if no case could be made (the row does not exist in this mode, its feature is off).
/// Modes: Bits64 and Bits32.
std::optional<TestCase> generate(const Row& row, u64 seed, CpuMode mode, const CpuFeatures& features);

}  // namespace orrery::testing
