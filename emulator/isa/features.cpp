#include "emulator/isa/features.h"

namespace orrery {

const char* feature_name(Feature f) {
    constexpr const char* kNames[] = {
        "",         "fpu",           "tsc",      "msr",    "cx8",     "sep",       "cmov",    "clflush",
        "mmx",      "fxsr",          "sse",      "sse2",   "pni",     "monitor",   "ssse3",   "cx16",
        "sse4_1",   "sse4_2",        "popcnt",   "movbe",  "xsave",   "pclmulqdq", "aes",     "rdrand",
        "fsgsbase", "bmi1",          "bmi2",     "abm",    "invpcid", "smap",      "syscall", "rdtscp",
        "lahf_lm",  "3dnowprefetch", "xsaveopt", "xsavec", "xgetbv1", "xsaves",    "avx",     "avx2",
        "fma",      "f16c",          "umip",
    };
    static_assert(sizeof kNames / sizeof *kNames == static_cast<unsigned>(Feature::Count));
    return f < Feature::Count ? kNames[static_cast<u8>(f)] : "";
}

std::optional<CpuFeatures> cpu_profile(std::string_view name) {
    CpuFeatures features;
    if (name == "v2") return features;
    if (name != "v3") return std::nullopt;
    for (Feature f : {Feature::Avx, Feature::Avx2, Feature::Bmi1, Feature::Bmi2, Feature::F16c, Feature::Fma,
                      Feature::Lzcnt, Feature::Movbe, Feature::Xsave, Feature::Xsaveopt, Feature::Xsavec,
                      Feature::Xgetbv1, Feature::Xsaves})
        features.set(f);
    return features;
}

}  // namespace orrery
