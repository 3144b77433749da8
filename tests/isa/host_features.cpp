#include "tests/isa/host_features.h"

#include <cpuid.h>

namespace orrery::testing {

CpuFeatures host_features() {
    struct Bit {
        Feature feature;
        u32 leaf, subleaf;
        unsigned word;  // EAX 0, EBX 1, ECX 2
        unsigned bit;
    };
    static constexpr Bit kBits[] = {
        {Feature::Fma, 1, 0, 2, 12},       {Feature::Movbe, 1, 0, 2, 22},
        {Feature::Xsave, 1, 0, 2, 27},     {Feature::F16c, 1, 0, 2, 29},
        {Feature::Bmi1, 7, 0, 1, 3},       {Feature::Bmi2, 7, 0, 1, 8},
        {Feature::Xsaveopt, 0xd, 1, 0, 0}, {Feature::Xsavec, 0xd, 1, 0, 1},
        {Feature::Xsaves, 0xd, 1, 0, 3},   {Feature::Lzcnt, 0x8000'0001, 0, 2, 5},
    };
    CpuFeatures features;
    for (const Bit& entry : kBits) {
        unsigned words[4] = {};
        __get_cpuid_count(entry.leaf, entry.subleaf, &words[0], &words[1], &words[2], &words[3]);
        if ((words[entry.word] >> entry.bit & 1) != 0) features.set(entry.feature);
    }
    if (__builtin_cpu_supports("avx2")) {
        features.set(Feature::Avx);
        features.set(Feature::Avx2);
    }
    return features;
}

}  // namespace orrery::testing
