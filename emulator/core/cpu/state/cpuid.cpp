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

// What the features show in a leaf.
CpuidResult shown_features(const CpuFeatures& features, u32 leaf, u32 subleaf) {
    u32 registers[4] = {};
    for (const FeatureRow& row : kFeatureRows)
        if (row.leaf == leaf && row.subleaf == subleaf && features.has(row.feature))
            registers[static_cast<u8>(row.cpuid_register)] |= bit(row.bit);
    return {registers[0], registers[1], registers[2], registers[3]};
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
    // What is always there.
    constexpr u32 kEdx = bit(2) | bit(3) | bit(6) | bit(7) |  // DE, PSE, PAE, MCE
                         bit(12) | bit(13) | bit(14) |        // MTRR, PGE, MCA (of no banks)
                         bit(16) | bit(17) | bit(27);         // PAT, PSE-36, self-snoop
    constexpr u32 kEcx = bit(31);                             // runs on a hypervisor (leaf 4000'0000H)
    CpuidResult r = shown_features(cpu.features, 1, 0);
    r.eax = kCpuSignature;
    constexpr u32 kClflushLine = 8;  // times 8 bytes
    const unsigned slots = 1u << id_bits(cpu);
    r.ebx = cpu.id << 24 | slots << 16 | kClflushLine << 8;
    r.ecx |= kEcx;
    if (!monitor_enabled(cpu)) r.ecx &= ~bit(3);
    if ((cpu.cr4 & cr4::kOsxsave) != 0) r.ecx |= bit(27);
    r.edx |= kEdx;
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
    // What is always there: TSC_ADJUST; FCS and FDS are saved as 0.
    constexpr u32 kEbx = bit(1) | bit(13);
    CpuidResult r = shown_features(cpu.features, 7, subleaf);
    if (subleaf == 2) r.edx = bit(4) | bit(5);  // BHI_CTRL, MCDT_NO
    if (subleaf != 0) return r;
    r.eax = 2;  // the highest subleaf
    r.ebx |= kEbx;
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
        CpuidResult r = shown_features(cpu.features, 0xd, 1);
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
    constexpr u32 kEdx = bit(26) | bit(29);  // 1 GiB pages, Intel 64
    switch (leaf) {
        case 0x8000'0000:
            return {kHighestExtended, 0, 0, 0};
        case 0x8000'0001: {
            CpuidResult r = shown_features(cpu.features, leaf, 0);
            r.edx |= kEdx;
            if (execute_disable_enabled(cpu)) r.edx |= bit(20);
            // Intel's cores show SYSCALL in 64-bit mode only, where alone they have it.
            if (!cpu.code64()) r.edx &= ~bit(11);
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
            return {(cpu.features.has(Feature::La57) ? 57u : 48u) << 8 | cpu.features.physical_bits(), 0, 0,
                    0};
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
