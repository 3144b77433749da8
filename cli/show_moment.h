// `show --at`: which moment of the run is meant, and going there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/time-travel/timeline/navigation.h"

namespace orrery {

class ShowMoment {
  public:
    // `text`: an instruction count, syscall:NAME, a query, "last QUERY", a place in the kernel, or nothing: where
    // the guest has come up and waits. `command`: whose system calls syscall:NAME means; empty: any program's.
    // All must outlive it. Throws UsageError.
    ShowMoment(std::string text, DebugInfo* kernel, std::vector<std::string> command);

    // Goes there from the run's start. `end`: the run is known up to there (a recording); else it ends at
    // `budget` instructions. `printed`: whether the guest has. Why it is not there is a line for the user, else
    // "". Throws UsageError for a query that cannot be answered.
    std::string reach(Navigation& navigation, std::optional<Moment> end, u64 budget,
                      const std::function<bool()>& printed);
    // Goes back in time.
    bool is_back() const { return query_ && back_; }

  private:
    void read_place();
    std::string to_end(Navigation& navigation, std::optional<Moment> end, u64 budget,
                       const std::function<bool()>& printed);
    std::string to_match(Navigation& navigation, const RunLimits& limits, const Journey& journey);
    std::string to_call(Navigation& navigation, const RunLimits& limits);
    std::string to_place(Navigation& navigation, const RunLimits& limits);

    std::string text_;
    DebugInfo* kernel_;
    std::vector<std::string> command_;
    std::optional<u64> count_, call_, place_;
    std::optional<Query> query_;
    bool back_ = false;
};

}  // namespace orrery
