#include "emulator/core/cpu/state/cpuid.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "emulator/core/cpu/state/msr.h"
#include "emulator/core/cpu/state/xsave.h"

namespace orrery {

namespace {

constexpr u32 kHighestBasic = 0x16, kHighestExtended = 0x8000'0008, kHighestHypervisor = 0x4000'0000;

constexpr u32 bit(unsigned number) {
    return u32{1} << number;
}

// One feature flag of a register: present if the profile has the feature.
struct FeatureBit {
    Feature feature;
    u8 bit;
};

template <size_t count>
u32 feature_bits(const CpuFeatures& features, const FeatureBit (&table)[count]) {
    u32 bits = 0;
    for (const FeatureBit& entry : table)
        if (features.has(entry.feature)) bits |= bit(entry.bit);
    return bits;
}

u32 text_at(const char* text) {
    u32 value;
    std::memcpy(&value, text, sizeof value);
    return value;
}

// Local APICs are numbered like CPUs, one thread per core, one package.
unsigned id_bits(const Cpu& cpu) {
    return static_cast<unsigned>(std::bit_width(cpu.env.cpu_count - 1));
}

bool apic_enabled(Cpu& cpu) {
    u64 base = 0;
    constexpr u32 kApicBase = 0x1b;
    return cpu.env.apic != nullptr && cpu.env.apic->read_msr(kApicBase, base) && (base & bit(11)) != 0;
}

CpuidResult version(Cpu& cpu) {
    // clang-format off
    static constexpr FeatureBit kEdx[] = {
        {Feature::Fpu, 0},    {Feature::None, 2},  // DE
        {Feature::None, 3},                        // PSE
        {Feature::Tsc, 4},    {Feature::Msr, 5},   {Feature::None, 6},  // PAE
        {Feature::None, 7},                        // MCE
        {Feature::Cx8, 8},    {Feature::Sep, 11},  {Feature::None, 12},  // MTRR
        {Feature::None, 13},                       // PGE
        {Feature::None, 14},                       // MCA, of no banks
        {Feature::Cmov, 15},  {Feature::None, 16},                       // PAT
        {Feature::None, 17},                       // PSE-36
        {Feature::Clfsh, 19}, {Feature::Mmx, 23},  {Feature::Fxsr, 24},  {Feature::Sse, 25},
        {Feature::Sse2, 26},  {Feature::None, 27},  // self-snoop
    };
    static constexpr FeatureBit kEcx[] = {
        {Feature::Sse3, 0},    {Feature::Pclmulqdq, 1}, {Feature::Monitor, 3}, {Feature::Ssse3, 9},
        {Feature::Fma, 12},    {Feature::Cx16, 13},   {Feature::None, 17},  // PCID
        {Feature::Sse41, 19},  {Feature::Sse42, 20},    {Feature::None, 21},  // x2APIC
        {Feature::Movbe, 22},  {Feature::Popcnt, 23},   {Feature::None, 24},  // TSC-deadline timer
        {Feature::Aes, 25},    {Feature::Xsave, 26},    {Feature::Avx, 28},
        {Feature::F16c, 29},   {Feature::Rdrand, 30},
        {Feature::None, 31},  // runs on a hypervisor (leaf 4000'0000H)
    };
    // clang-format on
    CpuidResult r;
    r.eax = kCpuSignature;
    constexpr u32 kClflushLine = 8;  // times 8 bytes
    const unsigned slots = 1u << id_bits(cpu);
    r.ebx = cpu.id << 24 | slots << 16 | kClflushLine << 8;
    r.ecx = feature_bits(cpu.features, kEcx);
    if (!monitor_enabled(cpu)) r.ecx &= ~bit(3);
    if ((cpu.cr4 & cr4::kOsxsave) != 0) r.ecx |= bit(27);
    r.edx = feature_bits(cpu.features, kEdx);
    if (apic_enabled(cpu)) r.edx |= bit(9);
    if (cpu.env.cpu_count > 1) r.edx |= bit(28);  // EBX's count of IDs is valid
    return r;
}

// Descriptor bytes: 63H, 03H data TLB · 76H, B6H instruction TLB · C3H second-level TLB · F0H prefetch ·
// FFH: caches are in leaf 4.
constexpr CpuidResult kDescriptors = {0x7603'6301, 0x00f0'b6ff, 0, 0x00c3'0000};

CpuidResult cache(const Cpu& cpu, u32 subleaf) {
    struct Level {
        u32 type, level, ways, sets;
        bool shared, inclusive;
    };
    static constexpr Level kLevels[] = {
        {1, 1, 8, 64, false, false},    // 32 KiB data
        {2, 1, 8, 64, false, false},    // 32 KiB instruction
        {3, 2, 4, 1024, false, false},  // 256 KiB
        {3, 3, 16, 8192, true, true},   // 8 MiB
    };
    if (subleaf >= std::size(kLevels)) return {};
    const Level& level = kLevels[subleaf];
    const u32 cores = (1u << id_bits(cpu)) - 1;
    constexpr u32 kSelfInitializing = 1u << 8;
    CpuidResult r;
    r.eax =
        level.type | level.level << 5 | kSelfInitializing | (level.shared ? cores << 14 : 0) | cores << 26;
    r.ebx = (64 - 1) | (level.ways - 1) << 22;
    r.ecx = level.sets - 1;
    r.edx = level.inclusive ? 2 : 0;
    return r;
}

CpuidResult structured_features(const Cpu& cpu, u32 subleaf) {
    // clang-format off
    static constexpr FeatureBit kEbx[] = {
        {Feature::Fsgsbase, 0}, {Feature::None, 1},  // TSC_ADJUST
        {Feature::Bmi1, 3},     {Feature::Avx2, 5},
        {Feature::None, 7},  // SMEP
        {Feature::Bmi2, 8},     {Feature::None, 9},  // ERMS
        {Feature::Invpcid, 10}, {Feature::None, 13},  // FCS and FDS are saved as 0
        {Feature::Smap, 20},
    };
    // clang-format on
    static constexpr FeatureBit kEcx[] = {
        {Feature::Umip, 2}, {Feature::Pku, 3}, {Feature::La57, 16}, {Feature::Rdpid, 22}};
    CpuidResult r;
    if (subleaf == 2) r.edx = bit(4) | bit(5);  // BHI_CTRL, MCDT_NO
    if (subleaf != 0) return r;
    r.eax = 2;  // the highest subleaf
    r.ebx = feature_bits(cpu.features, kEbx);
    r.ecx = feature_bits(cpu.features, kEcx);
    if ((cpu.cr4 & cr4::kPke) != 0) r.ecx |= bit(4);  // OSPKE
    r.edx = bit(26) | bit(27) | bit(29);              // IBRS and IBPB, STIBP, IA32_ARCH_CAPABILITIES
    return r;
}

// The XSAVE area (SDM vol. 1, 13.2). There are no supervisor components.
CpuidResult extended_state(const Cpu& cpu, u32 subleaf) {
    if (!cpu.features.has(Feature::Xsave)) return {};
    const u64 all = xsave::supported(cpu.features);
    if (subleaf == 0)
        return {static_cast<u32>(all), xsave::area_size(cpu.xcr0, false), xsave::area_size(all, false), 0};
    if (subleaf == 1) {
        static constexpr FeatureBit kEax[] = {
            {Feature::Xsaveopt, 0}, {Feature::Xsavec, 1}, {Feature::Xgetbv1, 2}, {Feature::Xsaves, 3}};
        CpuidResult r;
        r.eax = feature_bits(cpu.features, kEax);
        if (cpu.features.has(Feature::Xsavec)) r.ebx = xsave::area_size(cpu.xcr0, true);
        return r;
    }
    constexpr u32 kAvxComponent = 2, kPkruComponent = 9;
    if (subleaf == kAvxComponent && (all & xcr0::kAvx) != 0) return {xsave::kAvxSize, xsave::kExtended, 0, 0};
    if (subleaf == kPkruComponent && (all & xcr0::kPkru) != 0)
        return {xsave::kPkruSize, xsave::pkru_offset(all, false), 0, 0};
    return {};
}

// Levels: threads of a core (one), then cores of the package.
CpuidResult topology(const Cpu& cpu, u32 subleaf) {
    CpuidResult r;
    r.ecx = subleaf & 0xff;
    r.edx = cpu.id;
    if (subleaf == 0) {
        r.eax = 0;
        r.ebx = 1;
        r.ecx |= 1u << 8;
    } else if (subleaf == 1) {
        r.eax = id_bits(cpu);
        r.ebx = cpu.env.cpu_count;
        r.ecx |= 2u << 8;
    }
    return r;
}

u32 highest_basic(const Cpu& cpu) {
    return (cpu.msr.misc_enable & kMiscEnableLimitCpuid) != 0 ? 2 : kHighestBasic;
}

CpuidResult basic(Cpu& cpu, u32 leaf, u32 subleaf) {
    switch (leaf) {
        case 0:
            return {highest_basic(cpu), text_at("Genu"), text_at("ntel"), text_at("ineI")};
        case 1:
            return version(cpu);
        case 2:
            return kDescriptors;
        case 4:
            return cache(cpu, subleaf);
        case 5:
            // Smallest and largest monitored line; no extensions of MWAIT.
            return {WriteWatch::kLine, WriteWatch::kLine, 0, 0};
        case 6:
            return {bit(2), 0, 0, 0};  // ARAT: the APIC timer runs in every state
        case 7:
            return structured_features(cpu, subleaf);
        case 0xb:
            return topology(cpu, subleaf);
        case 0xd:
            return extended_state(cpu, subleaf);
        case 0x15:
            return {1, static_cast<u32>(kTicksPerSecond / kCrystalHz), kCrystalHz, 0};
        case 0x16: {
            constexpr u32 kMhz = static_cast<u32>(kTicksPerSecond / 1'000'000);
            return {kMhz, kMhz, kCrystalHz / 1'000'000, 0};
        }
        // 0AH: no performance counters.
        default:
            return {};
    }
}

CpuidResult extended(const Cpu& cpu, u32 leaf) {
    static constexpr char kBrand[48] = "Orrery virtual CPU @ 1.00GHz";
    static constexpr FeatureBit kEcx[] = {{Feature::Lahf64, 0}, {Feature::Lzcnt, 5}, {Feature::Prefetchw, 8}};
    // clang-format off
    static constexpr FeatureBit kEdx[] = {
        {Feature::None, 26},   // 1 GiB pages
        {Feature::Rdtscp, 27}, {Feature::None, 29},  // Intel 64
    };
    // clang-format on
    switch (leaf) {
        case 0x8000'0000:
            return {kHighestExtended, 0, 0, 0};
        case 0x8000'0001: {
            CpuidResult r;
            r.ecx = feature_bits(cpu.features, kEcx);
            r.edx = feature_bits(cpu.features, kEdx);
            if (execute_disable_enabled(cpu)) r.edx |= bit(20);
            // Intel's cores show SYSCALL in 64-bit mode only, where alone they have it.
            if (cpu.code64() && cpu.features.has(Feature::Syscall)) r.edx |= bit(11);
            return r;
        }
        case 0x8000'0002:
        case 0x8000'0003:
        case 0x8000'0004: {
            const char* part = kBrand + (leaf - 0x8000'0002) * 16;
            return {text_at(part), text_at(part + 4), text_at(part + 8), text_at(part + 12)};
        }
        case 0x8000'0006:
            return {0, 0, 256u << 16 | 4u << 12 | 64, 0};  // L2: 256 KiB, 4 ways, 64-byte lines
        case 0x8000'0007:
            return {0, 0, 0, bit(8)};  // invariant TSC
        case 0x8000'0008:
            return {(cpu.features.has(Feature::La57) ? 57u : 48u) << 8 | kPhysicalBits, 0, 0, 0};
        default:
            return {};
    }
}

}  // namespace

CpuidResult cpuid(Cpu& cpu, u32 leaf, u32 subleaf) {
    if (leaf >= 0x8000'0000 && leaf <= kHighestExtended) return extended(cpu, leaf);
    if (leaf >= 0x4000'0000 && leaf <= kHighestHypervisor)
        return {kHighestHypervisor, text_at("Orre"), text_at("ryOr"), text_at("rery")};
    // Beyond the highest leaf Intel's cores answer as for the highest basic one.
    return basic(cpu, std::min(leaf, highest_basic(cpu)), subleaf);
}

}  // namespace orrery
