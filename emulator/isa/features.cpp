#include "emulator/isa/features.h"

namespace orrery {

const char* feature_name(Feature f) {
    constexpr const char* kNames[] = {
        "",         "fpu",           "tsc",      "msr",    "cx8",     "sep",       "cmov",    "clflush",
        "mmx",      "fxsr",          "sse",      "sse2",   "pni",     "monitor",   "ssse3",   "cx16",
        "sse4_1",   "sse4_2",        "popcnt",   "movbe",  "xsave",   "pclmulqdq", "aes",     "rdrand",
        "fsgsbase", "bmi1",          "bmi2",     "abm",    "invpcid", "smap",      "syscall", "rdtscp",
        "lahf_lm",  "3dnowprefetch", "xsaveopt", "xsavec", "xgetbv1", "xsaves",    "avx",     "avx2",
        "fma",      "f16c",          "umip",     "rdpid",  "pku",     "la57",
    };
    static_assert(sizeof kNames / sizeof *kNames == static_cast<unsigned>(Feature::Count));
    return f < Feature::Count ? kNames[static_cast<u8>(f)] : "";
}

namespace {

std::optional<CpuFeatures> profile(std::string_view name) {
    CpuFeatures features;
    if (name == "v2") return features;
    if (name != "v3") return std::nullopt;
    for (Feature f : {Feature::Avx, Feature::Avx2, Feature::Bmi1, Feature::Bmi2, Feature::F16c, Feature::Fma,
                      Feature::Lzcnt, Feature::Movbe, Feature::Xsave, Feature::Xsaveopt, Feature::Xsavec,
                      Feature::Xgetbv1, Feature::Xsaves})
        features.set(f);
    return features;
}

}  // namespace

std::optional<CpuFeatures> cpu_profile(std::string_view name) {
    std::optional<CpuFeatures> features = profile(name.substr(0, name.find(',')));
    for (size_t comma = name.find(','); features && comma != name.npos; comma = name.find(',')) {
        name.remove_prefix(comma + 1);
        const std::string_view flag = name.substr(0, name.find(','));
        if (flag != feature_name(Feature::Pku) && flag != feature_name(Feature::La57)) return std::nullopt;
        features->set(flag == feature_name(Feature::Pku) ? Feature::Pku : Feature::La57);
    }
    return features;
}

}  // namespace orrery
