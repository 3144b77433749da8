// The host's x87 by inline assembly: what emulator/core/cpu/x87/float80.h is compared with. Every operation runs from
// a clean FPU under a given control word; exceptions may be unmasked, since nothing waits for them before
// they are cleared.
#pragma once

#include <cstring>

#include "emulator/core/cpu/x87/float80.h"

namespace orrery::host {

struct HostResult {
    Float80 st0, st1;  // afterwards
    u16 status = 0;
};

struct Image {
    u8 bytes[16] = {};
    Image() = default;
    explicit Image(Float80 v) {
        std::memcpy(bytes, &v.significand, 8);
        std::memcpy(bytes + 8, &v.sign_exponent, 2);
    }
    Float80 get() const {
        Float80 v;
        std::memcpy(&v.significand, bytes, 8);
        std::memcpy(&v.sign_exponent, bytes + 8, 2);
        return v;
    }
};

// Runs `text` with ST0 = a and ST1 = b. `pops`: how many registers fewer there are afterwards (-1: one more).
#define ORRERY_HOST_X87(name, text)                                                                          \
    inline HostResult name(Float80 a, Float80 b, u16 control) {                                              \
        Image ia(a), ib(b), r0, r1;                                                                          \
        u16 status;                                                                                          \
        asm volatile("fninit\n fldcw %3\n fldt %5\n fldt %4\n" text                                          \
                     "\n fnstsw %0\n fnclex\n fstpt %1\n fstpt %2\n fninit"                                  \
                     : "=m"(status), "=m"(r0), "=m"(r1)                                                      \
                     : "m"(control), "m"(ia), "m"(ib)                                                        \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory"); \
        return {r0.get(), r1.get(), status};                                                                 \
    }

ORRERY_HOST_X87(fadd, "fadd %%st(1), %%st")
ORRERY_HOST_X87(fsub, "fsub %%st(1), %%st")
ORRERY_HOST_X87(fmul, "fmul %%st(1), %%st")
ORRERY_HOST_X87(fdiv, "fdiv %%st(1), %%st")
ORRERY_HOST_X87(fsqrt, "fsqrt")
ORRERY_HOST_X87(frndint, "frndint")
ORRERY_HOST_X87(fscale, "fscale")
ORRERY_HOST_X87(fprem, "fprem")
ORRERY_HOST_X87(fprem1, "fprem1")
ORRERY_HOST_X87(fxtract, "fxtract")
ORRERY_HOST_X87(fcom, "fcom %%st(1)")
ORRERY_HOST_X87(fucom, "fucom %%st(1)")
ORRERY_HOST_X87(fxam, "fxam")
ORRERY_HOST_X87(f2xm1, "f2xm1")
ORRERY_HOST_X87(fyl2x, "fyl2x\n fld %%st")
ORRERY_HOST_X87(fyl2xp1, "fyl2xp1\n fld %%st")
ORRERY_HOST_X87(fpatan, "fpatan\n fld %%st")
ORRERY_HOST_X87(fsin, "fsin")
ORRERY_HOST_X87(fcos, "fcos")
ORRERY_HOST_X87(fptan, "fptan")
ORRERY_HOST_X87(fsincos, "fsincos")
#undef ORRERY_HOST_X87

// Stores of ST0 to memory.
#define ORRERY_HOST_STORE(name, text)                                                                        \
    inline f80::Bcd name(Float80 a, u16 control) {                                                           \
        Image ia(a);                                                                                         \
        u8 out[16] = {};                                                                                     \
        u16 status;                                                                                          \
        asm volatile("fninit\n fldcw %2\n fldt %3\n" text " %1\n fnstsw %0\n fnclex\n fninit"                \
                     : "=m"(status), "+m"(out)                                                               \
                     : "m"(control), "m"(ia)                                                                 \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory"); \
        f80::Bcd r;                                                                                          \
        std::memcpy(&r.digits, out, 8);                                                                      \
        std::memcpy(&r.top, out + 8, 2);                                                                     \
        r.flags = status;                                                                                    \
        return r;                                                                                            \
    }
ORRERY_HOST_STORE(fst_f32, "fsts")
ORRERY_HOST_STORE(fst_f64, "fstl")
ORRERY_HOST_STORE(fist_16, "fists")
ORRERY_HOST_STORE(fist_32, "fistl")
ORRERY_HOST_STORE(fist_64, "fistpll")
ORRERY_HOST_STORE(fisttp_16, "fisttps")
ORRERY_HOST_STORE(fisttp_32, "fisttpl")
ORRERY_HOST_STORE(fisttp_64, "fisttpll")
ORRERY_HOST_STORE(fbstp, "fbstp")
#undef ORRERY_HOST_STORE

// Loads from the memory at `bytes`.
#define ORRERY_HOST_LOAD(name, text)                                                                         \
    inline HostResult name(const void* bytes, u16 control) {                                                 \
        u8 in[16];                                                                                           \
        std::memcpy(in, bytes, 16);                                                                          \
        Image r0;                                                                                            \
        u16 status;                                                                                          \
        asm volatile("fninit\n fldcw %2\n fld1\n" text " %3\n fnstsw %0\n fnclex\n fstpt %1\n fninit"        \
                     : "=m"(status), "=m"(r0)                                                                \
                     : "m"(control), "m"(in)                                                                 \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc", "memory"); \
        return {r0.get(), {}, status};                                                                       \
    }
ORRERY_HOST_LOAD(fld_f32, "flds")
ORRERY_HOST_LOAD(fld_f64, "fldl")
ORRERY_HOST_LOAD(fild_64, "fildll")
ORRERY_HOST_LOAD(fbld, "fbld")
#undef ORRERY_HOST_LOAD

}  // namespace orrery::host
