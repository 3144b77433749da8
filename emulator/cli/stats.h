// --stats F.json: what a run did, in numbers.
#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"

namespace orrery {

class StatsFile {
  public:
    // Opens the file at once, so that a path that cannot be written is noticed before the run. Throws
    // UsageError.
    explicit StatsFile(const std::string& path);

    // Counts the instructions that the machine does not know (each raised #UD).
    void watch(Machine& machine);
    // Instructions, cycles, TLB counts by level and kind, walks, faults, interrupts, host seconds, state
    // hash. Disks are called `disk_names`, or, without these, what their files are called.
    void write(Machine& machine, double host_seconds, const std::vector<std::string>& disk_names = {});

  private:
    std::string path_;
    std::ofstream file_;
    std::map<std::string, u64> unknown_;  // bytes in hexadecimal: how often
};

}  // namespace orrery
