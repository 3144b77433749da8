// --stats F.json: what a run did, in numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"

namespace orrery {

class StatsFile {
  public:
    // A path that cannot be written is noticed before the run, and what is there already is removed: it would
    // tell of another run. Throws UsageError.
    explicit StatsFile(const std::string& path);

    // Counts the instructions that the machine does not know (each raised #UD).
    void watch(Machine& machine);
    // The machine was put back to this instruction count: what came later will come again.
    void rewind(u64 instructions);
    // Instructions, cycles, TLB counts by level and kind, walks, faults, interrupts, host seconds, state
    // hash; the file has its name once it is whole. Throws OutputError. Disks are called `disk_names`, or, without these, what their files are called.
    void write(Machine& machine, double host_seconds, const std::vector<std::string>& disk_names = {});

  private:
    std::string path_;
    std::map<std::string, std::vector<u64>> unknown_;  // bytes in hexadecimal: the instruction counts
};

}  // namespace orrery
