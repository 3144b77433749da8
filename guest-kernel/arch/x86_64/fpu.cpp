#include "arch/x86_64/fpu.h"

#include "arch/x86_64/cpu.h"
#include "core/string.h"
#include "mm/user_ptr.h"

namespace {

constexpr u64 kX87 = 1, kSse = 2, kAvx = 4;
constexpr u32 kInitialControl = 0x37f, kInitialMxcsr = 0x1f80, kMxcsrMask = 0xffff;

u64 features;  // XCR0; 0 without XSAVE
u32 state_size = sizeof(FxsaveArea);

/// struct _fpx_sw_bytes: says in FxsaveArea::software what follows the legacy part.
struct SoftwareBytes {
    u32 magic1;
    u32 extended_size;  // with magic2
    u64 xfeatures;
    u32 xstate_size;  // without
    u32 padding[7];
};
static_assert(sizeof(SoftwareBytes) == sizeof(FxsaveArea::software));
constexpr u32 kMagic1 = 0x46505853, kMagic2 = 0x46505845;
constexpr u64 kUcFpXstate = 1;

void write_xcr0(u64 value) {
    asm volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)));
}

void set_initial(XsaveArea& area) {
    memset(&area, 0, sizeof(area));
    area.legacy.fcw = kInitialControl;
    area.legacy.mxcsr = kInitialMxcsr;
    area.xstate_bv = kX87 | kSse;  // from the zeros; AVX by its absence
}

// Never from a FpuState that is being changed: a switch would save the registers there.
void load(const XsaveArea& area) {
    if (features) {
        asm volatile("xrstorq %0" ::"m"(area), "a"(static_cast<u32>(features)), "d"(0));
    } else {
        asm volatile("fxrstorq %0" ::"m"(area.legacy));
    }
}

/// Whether `address` holds a whole XSAVE area of ours, by Linux's marks.
bool has_extended_state(const FxsaveArea& legacy, u64 address) {
    SoftwareBytes software;
    memcpy(&software, legacy.software, sizeof(software));
    if (!features || software.magic1 != kMagic1) return false;
    if (software.xstate_size != state_size || software.extended_size != state_size + sizeof(kMagic2))
        return false;
    u32 magic2;
    return copy_from_user(&magic2, address + state_size, sizeof(magic2)) == 0 && magic2 == kMagic2;
}

}  // namespace

u32 fpu_dump(FpuState& state, XsaveArea* out) {
    *out = *state.area();
    memset(out->legacy.software, 0, sizeof(out->legacy.software));
    memcpy(out->legacy.software, &features, sizeof(features));
    return state_size;
}

void fpu_init() {
    constexpr u32 kXsave = 1u << 26, kLeafXsave = 0xd;
    if (!(boot_cpu_features.leaf1_ecx & kXsave) || boot_cpu_features.max_leaf < kLeafXsave) return;
    const u64 wanted = cpuid(kLeafXsave).eax & (kX87 | kSse | kAvx);
    write_cr4(read_cr4() | kCr4Osxsave);
    write_xcr0(wanted);
    if (features) return;  // the first CPU has looked
    features = wanted;
    state_size = cpuid(kLeafXsave).ebx;  // of what XCR0 has now: the standard format's, at most our XsaveArea
}

void fpu_save(FpuState& state) {
    XsaveArea* area = state.area();
    if (features) {
        asm volatile("xsaveq %0" : "+m"(*area) : "a"(static_cast<u32>(features)), "d"(0));
    } else {
        asm volatile("fxsaveq %0" : "=m"(area->legacy));
    }
}

void fpu_load(FpuState& state) {
    load(*state.area());
}

void fpu_reset() {
    XsaveArea area;
    set_initial(area);
    load(area);
}

u64 fpu_frame_size() {
    return features ? state_size + sizeof(kMagic2) : sizeof(FxsaveArea);
}
u64 fpu_frame_flags() {
    return features ? kUcFpXstate : 0;
}

Result<void> fpu_to_frame(FpuState& state, u64 address) {
    fpu_save(state);
    FxsaveArea& legacy = state.area()->legacy;
    memset(legacy.reserved, 0, sizeof(legacy.reserved));
    memset(legacy.software, 0, sizeof(legacy.software));
    if (features) {
        const SoftwareBytes software = {
            kMagic1, static_cast<u32>(state_size + sizeof(kMagic2)), features, state_size, {}};
        memcpy(legacy.software, &software, sizeof(software));
        if (copy_to_user(address + state_size, &kMagic2, sizeof(kMagic2))) return Errno::EFAULT;
    }
    if (copy_to_user(address, state.area(), state_size)) return Errno::EFAULT;
    return {};
}

Result<void> fpu_from_frame(u64 address) {
    XsaveArea area;
    set_initial(area);
    if (address) {
        if (copy_from_user(&area, address, sizeof(area.legacy))) return Errno::EFAULT;
        if (has_extended_state(area.legacy, address)) {
            if (copy_from_user(&area, address, state_size)) return Errno::EFAULT;
            area.xstate_bv &= features;
        }
        area.xcomp_bv = 0;
        memset(area.reserved, 0, sizeof(area.reserved));
        area.legacy.mxcsr &= kMxcsrMask;
    }
    load(area);
    return {};
}
