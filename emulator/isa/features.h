// Which extensions the modelled CPU has: what CPUID answers, what the decoder accepts, which bits of control
// registers there are. features.def has them all.
// A row of the instruction table names at most one feature; it decodes only where that feature is on.
// Names are those of Intel SDM Vol. 2, CPUID.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "emulator/isa/types.h"

namespace orrery {

enum class Feature : u8 {
    None,  // part of the base architecture: always there
#define FEATURE(name, text, level, needs, leaf, subleaf, reg, bit) name,
#include "emulator/isa/features.def"
#undef FEATURE
    Count,
};

/// The first profile that has a feature; Asked: only where --cpu names it.
enum class FeatureLevel : u8 { V2, V3, Asked };
enum class CpuidRegister : u8 { Eax, Ebx, Ecx, Edx };

/// A row of features.def.
struct FeatureRow {
    Feature feature;
    const char* text;  // as CPUID and /proc/cpuinfo spell it: "sse4_1"
    FeatureLevel level;
    Feature needs;  // None: nothing
    u32 leaf, subleaf;
    CpuidRegister cpuid_register;
    u8 bit;
};
inline constexpr FeatureRow kFeatureRows[] = {
#define FEATURE(name, text, level, needs, leaf, subleaf, reg, bit) \
    {Feature::name, text, FeatureLevel::level, Feature::needs, leaf, subleaf, CpuidRegister::reg, bit},
#include "emulator/isa/features.def"
#undef FEATURE
};

inline constexpr unsigned kPhysicalBits = 40;  // MAXPHYADDR unless --cpu says otherwise
inline constexpr unsigned kFewestPhysicalBits = 36, kMostPhysicalBits = 52;

/// A set of features, and the width of physical addresses. Default-constructed it is the profile x86-64-v2
/// with the system features this machine models; others are made from it with set() and clear(), or named by
/// cpu_profile().
class CpuFeatures {
  public:
    constexpr CpuFeatures() : CpuFeatures(FeatureLevel::V2) {}
    /// The profile of this level.
    constexpr explicit CpuFeatures(FeatureLevel level) {
        set(Feature::None);
        for (const FeatureRow& row : kFeatureRows)
            if (row.level <= level) set(row.feature);
    }

    constexpr bool has(Feature f) const { return (bits_ >> static_cast<u8>(f)) & 1; }
    constexpr void set(Feature f) { bits_ |= u64{1} << static_cast<u8>(f); }
    constexpr void clear(Feature f) {
        if (f != Feature::None) bits_ &= ~(u64{1} << static_cast<u8>(f));
    }
    /// MAXPHYADDR: physical addresses have so many bits.
    constexpr unsigned physical_bits() const { return physical_bits_; }
    constexpr void set_physical_bits(unsigned bits) { physical_bits_ = static_cast<u8>(bits); }
    constexpr u64 physical_mask() const { return (u64{1} << physical_bits_) - 1; }
    constexpr bool operator==(const CpuFeatures&) const = default;

  private:
    u64 bits_ = 0;
    u8 physical_bits_ = kPhysicalBits;
};

static_assert(static_cast<u8>(Feature::Count) <= 64);

/// A processor in words: the microarchitecture level x86-64-`v2` or `v3` (System V ABI, AMD64 supplement,
/// 3.1.1) with the system features this machine models, and, after commas, what is other than there: a feature
/// ("pku", "+pku") or one taken away ("-pcid"), by CPUID's names, and "phys-bits=N" (36 to 52). A feature
/// brings those with it that it needs; one that is taken away takes those along that need it. Nothing for
/// other words; `why`, if given, then says which one is wrong.
std::optional<CpuFeatures> cpu_profile(std::string_view words, std::string* why = nullptr);
/// The words for it: cpu_profile() makes the same of them.
std::string cpu_profile_text(const CpuFeatures& features);

}  // namespace orrery
