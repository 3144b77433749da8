// How many cases a run of the host oracle tried, by row: printed in one line at the program's end, and in
// full to a file.
//
//   ORRERY_TEST_LONG=1        10,000 cases a row and mode instead of 200
//   ORRERY_ORACLE_CASES=N     N of them
//   ORRERY_ORACLE_REPORT=FILE the counts by row
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/decoder.h"
#include "emulator/isa/row.h"

namespace orrery::testing {

class Campaign {
  public:
    static Campaign& instance();
    ~Campaign();

    unsigned cases_per_row() const { return cases_per_row_; }
    void add(const Row& row, CpuMode mode, unsigned cases, unsigned differences);

  private:
    Campaign();

    struct Count {
        const Row* row;
        CpuMode mode;
        unsigned cases, differences;
    };
    unsigned cases_per_row_ = 200;
    std::vector<Count> counts_;
};

}  // namespace orrery::testing
