// How fast a guest runs on this host.
#pragma once

#include <chrono>

#include "emulator/isa/types.h"

namespace orrery {

class SpeedMeter {
  public:
    void ran(u64 instructions, std::chrono::steady_clock::duration time) {
        instructions_ += instructions;
        time_ += time;
        const double seconds = std::chrono::duration<double>(time_).count();
        if (seconds < 0.5) return;
        mips_ = static_cast<double>(instructions_) / seconds / 1e6;
        instructions_ = 0;
        time_ = {};
    }
    // Million instructions per second, over the last half second of running.
    double mips() const { return mips_; }

  private:
    double mips_ = 0;
    u64 instructions_ = 0;
    std::chrono::steady_clock::duration time_{};
};

}  // namespace orrery
