// Which instruction-set extensions the modelled CPU has: what CPUID answers, and what the decoder accepts.
// A row of the instruction table names at most one feature; it decodes only where that feature is on.
// Names are those of Intel SDM Vol. 2, CPUID.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "emulator/isa/types.h"

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
    Xsavec,   // also the compacted format in XRSTOR
    Xgetbv1,  // XGETBV with ECX = 1
    Xsaves,   // XSAVES, XRSTORS, IA32_XSS
    Avx,
    Avx2,
    Fma,
    F16c,
    Umip,  // no instruction of its own; changes SGDT and friends at CPL 3
    Rdpid,
    Pku,   // RDPKRU, WRPKRU; CR4.PKE
    La57,  // no instruction of its own: CR4.LA57
    Count,
};

/// A set of features. Default-constructed it is the profile x86-64-v2 with the system features this machine
/// models; others are made from it with set() and clear(), or named by cpu_profile().
class CpuFeatures {
  public:
    constexpr CpuFeatures() {
        for (Feature f :
             {Feature::None,     Feature::Fpu,    Feature::Tsc,    Feature::Msr,     Feature::Cx8,
              Feature::Sep,      Feature::Cmov,   Feature::Clfsh,  Feature::Mmx,     Feature::Fxsr,
              Feature::Sse,      Feature::Sse2,   Feature::Sse3,   Feature::Ssse3,   Feature::Cx16,
              Feature::Sse41,    Feature::Sse42,  Feature::Popcnt, Feature::Invpcid, Feature::Smap,
              Feature::Syscall,  Feature::Rdtscp, Feature::Lahf64, Feature::Monitor, Feature::Umip,
              Feature::Fsgsbase, Feature::Rdpid}) {
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

/// The microarchitecture level x86-64-`name` ("v2" or "v3"; System V ABI, AMD64 supplement, 3.1.1) with the
/// system features this machine models; nothing for other names. v3 adds AVX, AVX2, BMI1, BMI2, F16C, FMA,
/// LZCNT, MOVBE and XSAVE with all its relatives. Flags may follow, after commas: "pku" (protection keys),
/// "la57" (5-level paging).
std::optional<CpuFeatures> cpu_profile(std::string_view name);

}  // namespace orrery
