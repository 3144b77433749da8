#include "arch/x86_64/fpu.h"

#include "arch/x86_64/cpu.h"
#include "core/string.h"
#include "mm/user_ptr.h"
#include "task/task.h"

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

/// Whether `address` holds a whole XSAVE area of ours, by Linux's marks; `before`: bytes that lie in front of it.
bool has_extended_state(const FxsaveArea& legacy, u64 address, u64 before) {
    SoftwareBytes software;
    memcpy(&software, legacy.software, sizeof(software));
    if (!features || software.magic1 != kMagic1) return false;
    if (software.xstate_size != state_size || software.extended_size != before + state_size + sizeof(kMagic2))
        return false;
    u32 magic2;
    return copy_from_user(&magic2, address + state_size, sizeof(magic2)) == 0 && magic2 == kMagic2;
}

/// The state's image at `address`, whose marks count `before` bytes in front of it.
Result<void> write_frame(FpuState& state, u64 address, u64 before) {
    fpu_save(state);
    FxsaveArea& legacy = state.area()->legacy;
    memset(legacy.reserved, 0, sizeof(legacy.reserved));
    memset(legacy.software, 0, sizeof(legacy.software));
    if (features) {
        const SoftwareBytes software = {
            kMagic1, static_cast<u32>(before + state_size + sizeof(kMagic2)), features, state_size, {}};
        memcpy(legacy.software, &software, sizeof(software));
        if (copy_to_user(address + state_size, &kMagic2, sizeof(kMagic2))) return Errno::EFAULT;
    }
    if (copy_to_user(address, state.area(), state_size)) return Errno::EFAULT;
    return {};
}

Result<void> read_frame(XsaveArea& area, u64 address, u64 before) {
    if (copy_from_user(&area, address, sizeof(area.legacy))) return Errno::EFAULT;
    if (has_extended_state(area.legacy, address, before)) {
        if (copy_from_user(&area, address, state_size)) return Errno::EFAULT;
        area.xstate_bv &= features;
    }
    area.xcomp_bv = 0;
    memset(area.reserved, 0, sizeof(area.reserved));
    area.legacy.mxcsr &= kMxcsrMask;
    return {};
}

/// struct fregs_state, what FSAVE writes in 32-bit mode; then Linux's words (struct _fpstate_32).
struct FsaveArea {
    u32 control, status, tags, ip, cs, data_offset, data_segment;
    u8 st[8][10];
    u16 status_copy, magic;  // magic 0: an FXSAVE image follows
};
static_assert(sizeof(FsaveArea) == 112);

/// FSAVE's two bits for each register from FXSAVE's one: 0 valid, 1 zero, 2 special, 3 empty (SDM vol. 1, 8.1.7).
u32 full_tags(const FxsaveArea& fx) {
    const unsigned top = fx.fsw >> 11 & 7;
    u32 tags = 0xffff0000;
    for (unsigned i = 0; i < 8; i++) {
        u32 tag = 3;
        if (fx.ftw >> i & 1) {
            u64 mantissa;
            u16 exponent;
            memcpy(&mantissa, fx.st + ((i - top) & 7) * 16, sizeof(mantissa));
            memcpy(&exponent, fx.st + ((i - top) & 7) * 16 + 8, sizeof(exponent));
            exponent &= 0x7fff;
            if (exponent == 0x7fff)
                tag = 2;
            else if (exponent == 0)
                tag = mantissa ? 2 : 1;
            else
                tag = mantissa >> 63 ? 0 : 2;
        }
        tags |= tag << i * 2;
    }
    return tags;
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

u64 ia32_fpu_frame_size() {
    return sizeof(FsaveArea) + fpu_frame_size();
}
u64 ia32_fpu_frame_below(u64 sp) {
    return align_down(sp - fpu_frame_size(), 64) - sizeof(FsaveArea);
}

Result<void> fpu_to_frame(FpuState& state, u64 address) {
    return write_frame(state, address, 0);
}

Result<void> fpu_to_ia32_frame(FpuState& state, u64 address, u64 cs) {
    TRY(write_frame(state, address + sizeof(FsaveArea), sizeof(FsaveArea)));
    const FxsaveArea& fx = state.area()->legacy;
    FsaveArea old{};
    old.control = fx.fcw | 0xffff0000;
    old.status = fx.fsw | 0xffff0000;
    old.tags = full_tags(fx);
    old.ip = static_cast<u32>(fx.fip);
    old.cs = static_cast<u32>(cs) | u32{fx.fop} << 16;
    old.data_offset = static_cast<u32>(fx.fdp);
    old.data_segment = current()->thread.ds | 0xffff0000;
    for (unsigned i = 0; i < 8; i++) memcpy(old.st[i], fx.st + i * 16, sizeof(old.st[i]));
    old.status_copy = fx.fsw;
    if (copy_to_user(address, &old, sizeof(old))) return Errno::EFAULT;
    return {};
}

Result<void> fpu_from_frame(u64 address) {
    XsaveArea area;
    set_initial(area);
    if (address) TRY(read_frame(area, address, 0));
    load(area);
    return {};
}

Result<void> fpu_from_ia32_frame(u64 address) {
    XsaveArea area;
    set_initial(area);
    if (address) {
        TRY(read_frame(area, address + sizeof(FsaveArea), sizeof(FsaveArea)));
        FsaveArea old;
        if (copy_from_user(&old, address, sizeof(old))) return Errno::EFAULT;
        // x87's part is what the older image says.
        FxsaveArea& fx = area.legacy;
        fx.fcw = static_cast<u16>(old.control);
        fx.fsw = static_cast<u16>(old.status);
        fx.ftw = 0;
        for (unsigned i = 0; i < 8; i++) fx.ftw |= static_cast<u8>((old.tags >> i * 2 & 3) != 3) << i;
        fx.fop = static_cast<u16>(old.cs >> 16);
        fx.fip = old.ip;
        fx.fdp = old.data_offset;
        for (unsigned i = 0; i < 8; i++) memcpy(fx.st + i * 16, old.st[i], sizeof(old.st[i]));
        area.xstate_bv |= kX87;
    }
    load(area);
    return {};
}
