// Runs generated instructions on Orrery's interpreter: a bare CPU with page tables that show the arena of
// test_case.h to ring 3, and handlers in ring 0 that stop at every exception.
#pragma once

#include <memory>

#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/timing/cost_model.h"
#include "tests/isa/test_case.h"

namespace orrery::testing {

class GuestRunner {
  public:
    explicit GuestRunner(const CpuFeatures& features = {});
    ~GuestRunner();
    GuestRunner(const GuestRunner&) = delete;
    GuestRunner& operator=(const GuestRunner&) = delete;

    /// The outcome of the case. Odd seeds run the instruction alone; even ones in one block with what follows
    /// it, as programs run. Throws std::runtime_error if neither the instruction ends nor an exception is
    /// raised.
    Outcome run(const TestCase& c);

  private:
    void build_page_tables();
    void map_page(u64 linear, u64 physical, u64 flags);
    void build_descriptors();
    void load(const TestCase& c);
    void collect(const TestCase& c, Outcome& out);

    Bus bus_;
    EventQueue events_;
    Observers observers_;
    InstructionCountModel costs_;
    CodeCache code_;
    std::unique_ptr<Cpu> cpu_;
    u64 next_table_ = 0;
};

}  // namespace orrery::testing
