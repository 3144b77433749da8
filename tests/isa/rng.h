// A small deterministic random generator for generated tests (splitmix64, Steele, Lea, Flood 2014). The same
// seed gives the same cases on every host.
#pragma once

#include "emulator/isa/types.h"

namespace orrery::testing {

class Rng {
  public:
    explicit Rng(u64 seed) : state_(seed) {}

    u64 next() {
        u64 z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// 0 .. n-1; n > 0.
    u64 below(u64 n) { return next() % n; }
    /// True in one of n cases.
    bool one_in(u64 n) { return below(n) == 0; }
    u8 byte() { return static_cast<u8>(next() >> 24); }

  private:
    u64 state_;
};

}  // namespace orrery::testing
