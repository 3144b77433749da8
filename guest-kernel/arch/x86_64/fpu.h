// A task's floating-point and vector registers: saving, loading, and their place in a signal frame (Intel SDM
// vol. 1, chapters 10 and 13; Linux: asm/sigcontext.h, asm/user.h).
//
// Guarantees: where CPUID offers XSAVE, the x87, SSE and AVX registers are the task's, CR4.OSXSAVE tells
// programs so, and signal frames carry the XSAVE area with Linux's two magic numbers; elsewhere it is FXSAVE,
// without AVX. The kernel itself touches none of these registers.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct FxsaveArea {
    u16 fcw, fsw;
    u8 ftw, reserved0;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 st[128];
    u8 xmm[256];
    u8 reserved[48];
    u8 software[48];  // bytes that the processor leaves to software
};
static_assert(sizeof(FxsaveArea) == 512);

/// In the standard format, extended part for AVX included (vol. 1, 13.4).
struct alignas(64) XsaveArea {
    FxsaveArea legacy;
    u64 xstate_bv, xcomp_bv, reserved[6];
    u8 avx[256];
};
static_assert(sizeof(XsaveArea) == 832);

/// The saved registers; 64-byte aligned inside, wherever the object lies.
class FpuState {
  public:
    XsaveArea* area() { return reinterpret_cast<XsaveArea*>((reinterpret_cast<u64>(bytes_) + 63) & ~63ull); }

  private:
    u8 bytes_[sizeof(XsaveArea) + 63] = {};
};

/// Sets CR4.OSXSAVE and XCR0 as CPUID allows. Once per CPU, before the first of the others.
void fpu_init();
void fpu_save(FpuState& state);
void fpu_load(FpuState& state);
/// What a core file tells of saved registers: the XSAVE area with XCR0 in its software bytes; its size, which is that of
/// the legacy part without XSAVE.
u32 fpu_dump(FpuState& state, XsaveArea* out);
/// The registers as a new program finds them.
void fpu_reset();

/// Bytes that a signal frame needs for them.
u64 fpu_frame_size();
/// The flags that uc_flags gets with it: UC_FP_XSTATE, or 0.
u64 fpu_frame_flags();
/// Of a 32-bit program's frame, which has them twice: as FSAVE's image, and behind that as above.
u64 ia32_fpu_frame_size();
/// Where it begins in a frame that ends at `sp`.
u64 ia32_fpu_frame_below(u64 sp);
/// `cs`: the code segment of the interrupted code.
Result<void> fpu_to_ia32_frame(FpuState& state, u64 address, u64 cs);
Result<void> fpu_from_ia32_frame(u64 address);
/// Writes the registers to `address` (64-byte aligned) of the user's.
Result<void> fpu_to_frame(FpuState& state, u64 address);
/// Loads what a handler left at `address`; 0: initial values. Made safe first: nothing in it can raise #GP.
Result<void> fpu_from_frame(u64 address);
