#include "emulator/core/cpu/state/msr.h"

#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

enum MsrNumber : u32 {
    kTimeStampCounter = 0x10,
    kPlatformId = 0x17,
    kApicBase = 0x1b,
    kTscAdjust = 0x3b,
    kSpecCtrl = 0x48,
    kPredCmd = 0x49,
    kBiosSignId = 0x8b,
    kMtrrCap = 0xfe,
    kArchCapabilities = 0x10a,
    kSysenterCs = 0x174,
    kSysenterEsp = 0x175,
    kSysenterEip = 0x176,
    kMcgCap = 0x179,
    kMcgStatus = 0x17a,
    kMiscEnable = 0x1a0,
    kDebugCtl = 0x1d9,
    kPat = 0x277,
    kMtrrDefType = 0x2ff,
    kTscDeadline = 0x6e0,
    kX2ApicFirst = 0x800,
    kX2ApicLast = 0x8ff,
    kXss = 0xda0,
    kEfer = 0xc000'0080,
    kStar = 0xc000'0081,
    kLstar = 0xc000'0082,
    kCstar = 0xc000'0083,
    kFmask = 0xc000'0084,
    kFsBase = 0xc000'0100,
    kGsBase = 0xc000'0101,
    kKernelGsBase = 0xc000'0102,
    kTscAux = 0xc000'0103,
};

constexpr u64 kApicBaseX2apic = 1u << 10;

bool belongs_to_apic(u32 number) {
    return number == kApicBase || number == kTscDeadline || (number >= kX2ApicFirst && number <= kX2ApicLast);
}

// Vulnerabilities that this core does not have, since it runs nothing speculatively: RDCL_NO, IBRS_ALL,
// SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO,
// PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
constexpr u64 kArchCapabilitiesValue = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 |
                                       1u << 13 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 24 | 1u << 26 |
                                       1u << 27 | u64{1} << 62;
constexpr u64 kSpecCtrlDefined = 1u << 0 | 1u << 1 | 1u << 10;  // IBRS, STIBP, BHI_DIS_S
// No variable and no fixed ranges; write-combining exists.
constexpr u64 kMtrrCapValue = 1u << 10;
constexpr u64 kMicrocodeRevision = u64{1} << 32;
// Branch trace store and precise sampling are not there.
constexpr u64 kMiscEnableFixed = 1u << 11 | 1u << 12;

bool is_memory_type(u64 type, bool pat) {
    return type == 0 || type == 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}

bool write_pat(Cpu* c, u64 value) {
    for (unsigned i = 0; i < 8; ++i)
        if (!is_memory_type(value >> (8 * i) & 0xff, true)) return false;
    c->msr.pat = value;
    return true;
}

// LMA is the CPU's own and ignored.
void set_efer(Cpu* c, u64 value) {
    const u64 old = c->msr.efer;
    c->msr.efer = (value & ~efer::kLma) | (old & efer::kLma);
    if (((value ^ old) & efer::kNxe) != 0) {
        // The walker has judged bit 63 by NXE: translations made before say nothing any more.
        c->tlb.invalidate_all(true);
        c->flush_fast();
    }
}

// SDM vol. 3A, 9.8.5 and table 2-1 of vol. 4.
bool write_efer(Cpu* c, u64 value) {
    u64 defined = efer::kSce | efer::kLme | efer::kLma;
    if (execute_disable_enabled(*c)) defined |= efer::kNxe;
    if ((value & ~defined) != 0) return false;
    if ((c->cr0 & cr0::kPg) != 0 && ((value ^ c->msr.efer) & efer::kLme) != 0) return false;
    set_efer(c, value);
    return true;
}

// SDM vol. 4, table 2-2. Fast strings and the thermal control circuit can be switched, and nothing comes of
// it. The present execute-disable goes with its feature.
bool write_misc_enable(Cpu* c, u64 value) {
    constexpr u64 kFastStrings = 1u << 0, kThermalControl = 1u << 3;
    // Read-only (performance counters, branch trace, precise events), or of features that are not there
    // (SpeedStep, xTPR messages): writes are ignored.
    constexpr u64 kIgnored = 1u << 7 | 1u << 11 | 1u << 12 | 1u << 16 | 1u << 23;
    constexpr u64 kWritten =
        kFastStrings | kThermalControl | kMiscEnableMonitor | kMiscEnableLimitCpuid | kMiscEnableXdDisable;
    if ((value & ~(kWritten | kIgnored)) != 0) return false;
    c->msr.misc_enable = value & kWritten;
    if (!execute_disable_enabled(*c)) set_efer(c, c->msr.efer & ~efer::kNxe);
    return true;
}

// The local APIC's deadline timer counts virtual time; the register it shows is in time-stamp counts. 0:
// disarmed.
bool read_deadline(Cpu* c, u64& value) {
    if (!c->env.apic->read_msr(kTscDeadline, value)) return false;
    if (value != 0) value += c->msr.tsc_offset;
    return true;
}

bool write_deadline(Cpu* c, u64 value) {
    if (value == 0) return c->env.apic->write_msr(kTscDeadline, 0);
    // What has passed already is due at once.
    return c->env.apic->write_msr(kTscDeadline, value <= time_stamp(c) ? 1 : value - c->msr.tsc_offset);
}

// SDM vol. 3B, 17.17: an armed deadline stays at its count when the counter is moved.
void move_time_stamp(Cpu* c, u64 by) {
    u64 deadline = 0;
    const bool armed = c->env.apic != nullptr && read_deadline(c, deadline) && deadline != 0;
    c->msr.tsc_offset += by;
    c->msr.tsc_adjust += by;
    if (armed) write_deadline(c, deadline);
}

bool read_apic(Cpu* c, u32 number, u64& value) {
    if (c->env.apic == nullptr) return false;
    if (number == kTscDeadline && !c->features.has(Feature::TscDeadline)) return false;
    return number == kTscDeadline ? read_deadline(c, value) : c->env.apic->read_msr(number, value);
}

bool write_apic(Cpu* c, u32 number, u64 value) {
    if (c->env.apic == nullptr) return false;
    if (number == kTscDeadline && !c->features.has(Feature::TscDeadline)) return false;
    if (number == kApicBase) {
        const bool x2apic = c->features.has(Feature::X2apic);
        if ((value & (~c->features.physical_mask() | (x2apic ? 0 : kApicBaseX2apic))) != 0) return false;
    }
    return number == kTscDeadline ? write_deadline(c, value) : c->env.apic->write_msr(number, value);
}

bool set(u64& field, u64 value, bool valid) {
    if (valid) field = value;
    return valid;
}

bool fits_32(u64 value) {
    return value >> 32 == 0;
}

}  // namespace

bool read_msr(Cpu* c, u32 number, u64& value) {
    if (belongs_to_apic(number)) return read_apic(c, number, value);
    const MsrState& msr = c->msr;
    // clang-format off
    switch (number) {
        case kTimeStampCounter: value = time_stamp(c); return true;
        case kPlatformId: value = 0; return true;
        case kTscAdjust: value = msr.tsc_adjust; return true;
        case kBiosSignId: value = kMicrocodeRevision; return true;
        case kSpecCtrl: value = msr.spec_ctrl; return true;
        case kMtrrCap: value = kMtrrCapValue; return true;
        case kArchCapabilities: value = kArchCapabilitiesValue; return true;
        case kSysenterCs: value = msr.sysenter_cs; return true;
        case kSysenterEsp: value = msr.sysenter_esp; return true;
        case kSysenterEip: value = msr.sysenter_eip; return true;
        case kMcgCap: value = 0; return true;  // no banks
        case kMcgStatus: value = msr.mcg_status; return true;
        case kMiscEnable: value = msr.misc_enable | kMiscEnableFixed; return true;
        case kDebugCtl: value = msr.debugctl; return true;
        case kPat: value = msr.pat; return true;
        case kMtrrDefType: value = msr.mtrr_def_type; return true;
        case kXss: value = 0; return c->features.has(Feature::Xsaves);
        case kEfer: value = msr.efer; return true;
        case kStar: value = msr.star; return true;
        case kLstar: value = msr.lstar; return true;
        case kCstar: value = msr.cstar; return true;
        case kFmask: value = msr.fmask; return true;
        case kFsBase: value = c->seg[kFs].base; return true;
        case kGsBase: value = c->seg[kGs].base; return true;
        case kKernelGsBase: value = msr.kernel_gs_base; return true;
        case kTscAux: value = msr.tsc_aux; return true;
        default: return false;
    }
    // clang-format on
}

bool write_msr(Cpu* c, u32 number, u64 value) {
    if (belongs_to_apic(number)) return write_apic(c, number, value);
    MsrState& msr = c->msr;
    // clang-format off
    switch (number) {
        // SDM vol. 3B, 17.17.3: a write to either counter register moves both by the same amount.
        case kTimeStampCounter: move_time_stamp(c, value - time_stamp(c)); return true;
        case kTscAdjust: move_time_stamp(c, value - msr.tsc_adjust); return true;
        case kBiosSignId: return true;  // software writes 0 before CPUID, to have the revision loaded
        case kSysenterCs: return set(msr.sysenter_cs, value & 0xffff'ffff, true);
        case kSpecCtrl: return set(msr.spec_ctrl, value, (value & ~kSpecCtrlDefined) == 0);
        case kPredCmd: return (value & ~u64{1}) == 0;  // IBPB: there is no predictor to flush; write-only
        case kSysenterEsp: return set(msr.sysenter_esp, value, is_canonical_base(c, value));
        case kSysenterEip: return set(msr.sysenter_eip, value, is_canonical_base(c, value));
        case kMcgStatus: return set(msr.mcg_status, value, value == 0);
        case kMiscEnable: return write_misc_enable(c, value);
        case kDebugCtl: return set(msr.debugctl, value, value == 0);  // no branch records, no branch stepping
        case kPat: return write_pat(c, value);
        case kMtrrDefType:
            return set(msr.mtrr_def_type, value, (value & ~u64{0xcff}) == 0 && is_memory_type(value & 0xff, false));
        case kXss: return value == 0 && c->features.has(Feature::Xsaves);  // no supervisor components
        case kEfer: return write_efer(c, value);
        case kStar: return set(msr.star, value, true);
        case kLstar: return set(msr.lstar, value, is_canonical_base(c, value));
        case kCstar: return set(msr.cstar, value, is_canonical_base(c, value));
        case kFmask: return set(msr.fmask, value, fits_32(value));
        case kFsBase: return set(c->seg[kFs].base, value, is_canonical_base(c, value));
        case kGsBase: return set(c->seg[kGs].base, value, is_canonical_base(c, value));
        case kKernelGsBase: return set(msr.kernel_gs_base, value, is_canonical_base(c, value));
        case kTscAux: return set(msr.tsc_aux, value, fits_32(value));
        default: return false;
    }
    // clang-format on
}

}  // namespace orrery
