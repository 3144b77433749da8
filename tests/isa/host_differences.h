// What of a case's outcome is not to be compared, by host_differences.def.
#pragma once

#include "tests/isa/test_case.h"

namespace orrery::testing {

struct Ignored {
    bool everything = false;
    bool x87_stack = false;
    bool conditions = false;
    bool c1 = false;
    bool last_ulp = false;
    bool estimate = false;
    bool fault_address = false;
    bool which_fault = false;
    bool mxcsr_mask = false;
};

Ignored ignored_differences(const TestCase& c, const Outcome& host, const Outcome& guest);

/// Why the oracle leaves a row out (skipped_rows.def), or nullptr.
const char* skip_reason(const Row& row);

}  // namespace orrery::testing
