// Which instruction-set extensions the modelled CPU has: what CPUID answers, and what the decoder accepts.
// A row of the instruction table names at most one feature; it decodes only where that feature is on.
// Names are those of Intel SDM Vol. 2, CPUID.
#pragma once

#include <initializer_list>

#include "emulator/base/types.h"

namespace orrery {

enum class Feature : u8 {
    None,  // part of the base architecture: always there
    Fpu,
    Tsc,
    Msr,
    Cx8,
    Sep,
    Cmov,
    Clfsh,
    Mmx,
    Fxsr,
    Sse,
    Sse2,
    Sse3,
    Monitor,
    Ssse3,
    Cx16,
    Sse41,
    Sse42,
    Popcnt,
    Movbe,
    Xsave,
    Pclmulqdq,
    Aes,
    Rdrand,
    Fsgsbase,
    Bmi1,  // TZCNT
    Bmi2,
    Lzcnt,
    Invpcid,
    Smap,  // CLAC, STAC
    Syscall,
    Rdtscp,
    Lahf64,  // LAHF and SAHF in 64-bit mode
    Prefetchw,
    Xsaveopt,
    Avx,
    Avx2,
    Fma,
    F16c,
    Umip,  // no instruction of its own; changes SGDT and friends at CPL 3
    Count,
};

/// A set of features. Default-constructed it is the profile x86-64-v2 with the system features this machine
/// models; x86-64-v1 and others are made from it with set() and clear().
class CpuFeatures {
  public:
    constexpr CpuFeatures() {
        for (Feature f : {Feature::None,    Feature::Fpu,    Feature::Tsc,    Feature::Msr,     Feature::Cx8,
                          Feature::Sep,     Feature::Cmov,   Feature::Clfsh,  Feature::Mmx,     Feature::Fxsr,
                          Feature::Sse,     Feature::Sse2,   Feature::Sse3,   Feature::Ssse3,   Feature::Cx16,
                          Feature::Sse41,   Feature::Sse42,  Feature::Popcnt, Feature::Invpcid, Feature::Smap,
                          Feature::Syscall, Feature::Rdtscp, Feature::Lahf64}) {
            set(f);
        }
    }

    constexpr bool has(Feature f) const { return (bits_ >> static_cast<u8>(f)) & 1; }
    constexpr void set(Feature f) { bits_ |= u64{1} << static_cast<u8>(f); }
    constexpr void clear(Feature f) {
        if (f != Feature::None) bits_ &= ~(u64{1} << static_cast<u8>(f));
    }
    constexpr u64 bits() const { return bits_; }
    constexpr bool operator==(const CpuFeatures&) const = default;

  private:
    u64 bits_ = 0;
};

static_assert(static_cast<u8>(Feature::Count) <= 64);

/// The feature's name as CPUID and /proc/cpuinfo spell it ("sse4_1"), "" for None.
const char* feature_name(Feature f);

}  // namespace orrery
