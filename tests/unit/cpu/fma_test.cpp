// Fused multiply-add in integers against the host's instruction, where it has one, and against values worked
// out by hand; FMA and F16C instructions with unmasked exceptions and without the operating system's leave.
#include "emulator/core/cpu/vector/fma.h"

#include <cmath>

#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u32 kMasked = mxcsr::kMasks;

soft::Rounded host_fma_32(u32 x, u32 y, u32 z, u32 control) {
    const u32 outer = host_mxcsr();
    set_host_mxcsr(control);
    asm volatile(
        "vmovd %1, %%xmm0; vmovd %2, %%xmm1; vmovd %3, %%xmm2; vfmadd213ss %%xmm2, %%xmm1, %%xmm0; vmovd "
        "%%xmm0, %0"
        : "=r"(x)
        : "0"(x), "r"(y), "r"(z)
        : "xmm0", "xmm1", "xmm2");
    const u32 flags = host_mxcsr() & mxcsr::kFlags;
    set_host_mxcsr(outer);
    return {x, flags};
}
soft::Rounded host_fma_64(u64 x, u64 y, u64 z, u32 control) {
    const u32 outer = host_mxcsr();
    set_host_mxcsr(control);
    asm volatile(
        "vmovq %1, %%xmm0; vmovq %2, %%xmm1; vmovq %3, %%xmm2; vfmadd213sd %%xmm2, %%xmm1, %%xmm0; vmovq "
        "%%xmm0, %0"
        : "=r"(x)
        : "0"(x), "r"(y), "r"(z)
        : "xmm0", "xmm1", "xmm2");
    const u32 flags = host_mxcsr() & mxcsr::kFlags;
    set_host_mxcsr(outer);
    return {x, flags};
}

// Exponents near each other, near the ends of the range, or anywhere; few or many bits set.
class Numbers {
  public:
    u64 next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_ * 0x2545'f491'4f6c'dd1d;
    }
    template <typename F>
    u64 number() {
        const u64 kind = next() >> 40;
        u64 fraction = next() & F::kFractionMask;
        if (kind % 4 == 0) fraction &= F::kFractionMask << (next() % F::kFraction);
        if (kind % 4 == 1) fraction |= F::kFractionMask >> (next() % F::kFraction);
        u64 field = next() % F::kSpecial;
        switch (kind / 4 % 8) {
            case 0:
                field = 0;
                break;
            case 1:
                field = next() % 4;
                break;
            case 2:
                field = F::kSpecial - 1 - next() % 4;
                break;
            case 3:
            case 4:
            case 5:
                field = static_cast<u64>(F::kBias) - 40 + next() % 80;
                break;
            default:
                break;
        }
        u64 bits = field << F::kFraction | fraction;
        if (kind % 64 == 62) bits = 0;
        if (kind % 64 == 63) bits = F::kInfinity;
        return bits | (next() % 2 != 0 ? F::kSign : 0);
    }
    u32 control() {
        return kMasked | static_cast<u32>(next() % 4) << 13 | (next() % 4 == 0 ? mxcsr::kDaz : 0) |
               (next() % 4 == 0 ? mxcsr::kFtz : 0);
    }

  private:
    u64 state_ = 0x9e37'79b9'7f4a'7c15;
};

u64 bits_of(double value) {
    return std::bit_cast<u64>(value);
}

}  // namespace

TEST_CASE("Fused multiply-add in integers is the host's") {
    if (!__builtin_cpu_supports("fma")) {
        WARN("skipped: this host has no FMA");
        return;
    }
    Numbers random;
    unsigned differences = 0;
    for (unsigned i = 0; i < 400'000 && differences < 5; ++i) {
        const u32 control = random.control();
        if (i % 2 == 0) {
            const u32 x = static_cast<u32>(random.number<soft::Single>());
            const u32 y = static_cast<u32>(random.number<soft::Single>());
            u32 z = static_cast<u32>(random.number<soft::Single>());
            // The addend cancels the product, nearly or wholly.
            if (i % 16 == 0) z = static_cast<u32>(host_fma_32(x, y, 0, kMasked).bits) ^ 0x8000'0000;
            const soft::Rounded host = host_fma_32(x, y, z, control);
            const soft::Rounded ours = fused_multiply_add_32(x, y, z, {}, control);
            if (host.bits == ours.bits && host.flags == ours.flags) continue;
            UNSCOPED_INFO(std::hex << x << " * " << y << " + " << z << " under " << control << ": host "
                                   << host.bits << " " << host.flags << ", ours " << ours.bits << " "
                                   << ours.flags);
        } else {
            const u64 x = random.number<soft::Double>(), y = random.number<soft::Double>();
            u64 z = random.number<soft::Double>();
            if (i % 16 == 1) z = host_fma_64(x, y, 0, kMasked).bits ^ soft::Double::kSign;
            const soft::Rounded host = host_fma_64(x, y, z, control);
            const soft::Rounded ours = fused_multiply_add_64(x, y, z, {}, control);
            if (host.bits == ours.bits && host.flags == ours.flags) continue;
            UNSCOPED_INFO(std::hex << x << " * " << y << " + " << z << " under " << control << ": host "
                                   << host.bits << " " << host.flags << ", ours " << ours.bits << " "
                                   << ours.flags);
        }
        ++differences;
    }
    CHECK(differences == 0);
}

TEST_CASE("Fused multiply-add rounds once, and knows its special cases") {
    constexpr u64 kInf = soft::Double::kInfinity, kNan = soft::Double::kIndefinite,
                  kOne = 0x3ff0'0000'0000'0000;
    auto fma = [](u64 x, u64 y, u64 z, u32 control = kMasked) {
        return fused_multiply_add_64(x, y, z, {}, control);
    };
    // (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104, which two roundings would lose.
    const double e = std::ldexp(1.0, -52);
    CHECK(fma(bits_of(1 + e), bits_of(1 + e), bits_of(-(1 + 2 * e))).bits == bits_of(std::ldexp(1.0, -104)));
    CHECK(fma(kInf, 0, kOne).bits == kNan);
    CHECK(fma(kInf, 0, kOne).flags == mxcsr::kIe);
    CHECK(fma(kInf, kOne, kInf | soft::Double::kSign).bits == kNan);
    CHECK(fma(kOne, kOne, kOne | soft::Double::kSign).bits == 0);
    CHECK(fma(kOne, kOne, kOne | soft::Double::kSign, kMasked | 0x2000).bits == soft::Double::kSign);
    const u64 first = kInf | 5, second = kInf | soft::Double::kQuiet | 7;
    CHECK(fma(first, second, kOne).bits == (first | soft::Double::kQuiet));
    CHECK(fma(first, second, kOne).flags == mxcsr::kIe);
    CHECK(fma(kOne, second, kInf | 9).bits == second);
    CHECK(fma(kInf, 0, second).bits == second);
    CHECK(fma(kInf, 0, second).flags == 0);
    // The smallest denormal, exact: underflow only where it is unmasked.
    CHECK(fma(1, kOne, 0).flags == mxcsr::kDe);
    CHECK(fma(1, kOne, 0, kMasked & ~mxcsr::kUm).flags == (mxcsr::kDe | mxcsr::kUe));
    CHECK(fma(1, kOne, 0, kMasked & ~(1u << 8)).flags == mxcsr::kDe);
}

namespace {

class M : public BareMachine {
  public:
    M() : BareMachine(*cpu_profile("v3")) {
        enter_long(0);
        cpu->cr4 |= cr4::kOsxsave;
        cpu->xcr0 = 7;
        cpu->update_mode();
    }
    void set_mxcsr(u32 value) {
        cpu->mxcsr = value;
        cpu->update_mode();
    }
};

constexpr std::initializer_list<unsigned> kFmadd231sd = {0xc4, 0xe2, 0xf1, 0xb9,
                                                         0xc2};  // XMM0 += XMM1 * XMM2
constexpr std::initializer_list<unsigned> kCvtps2ph = {0xc4, 0xe3, 0x79, 0x1d, 0x0b, 0};  // [RBX], XMM1

}  // namespace

TEST_CASE("An unmasked exception of FMA leaves the destination as it was") {
    M m;
    m.cpu->xmm[0].q[0] = 1;  // denormal
    m.cpu->xmm[0].q[3] = 77;
    m.cpu->xmm[1].q[0] = m.cpu->xmm[2].q[0] = bits_of(1.5);
    m.set_mxcsr(0x1f80 & ~(mxcsr::kPe << 7));
    CHECK(m.raises(19, kFmadd231sd));
    CHECK(m.cpu->mxcsr == ((0x1f80 & ~(mxcsr::kPe << 7)) | mxcsr::kDe | mxcsr::kPe));
    CHECK(m.cpu->xmm[0].q[0] == 1);
    CHECK(m.cpu->xmm[0].q[3] == 77);
    m.restart();
    m.set_mxcsr(0x1f80);
    m.code_here(kFmadd231sd);
    m.run();
    CHECK(m.cpu->xmm[0].q[0] == bits_of(2.25));
    CHECK(m.cpu->xmm[0].q[3] == 0);
}

TEST_CASE("An unmasked exception of VCVTPS2PH stores nothing") {
    M m;
    m.cpu->gpr[kRbx] = 0x3'0000;
    m.cpu->xmm[1].q[0] = 0x7f7f'ffff;  // the largest single: too large for a half
    m.cpu->xmm[1].q[1] = 0;
    m.set_mxcsr(0x1f80 & ~(mxcsr::kOe << 7));
    CHECK(m.raises(19, kCvtps2ph));
    CHECK(m.get(0x3'0000) == 0);
    m.restart();
    m.set_mxcsr(0x1f80);
    m.code_here(kCvtps2ph);
    m.run();
    CHECK(m.get(0x3'0000) == 0x7c00);
    CHECK(m.cpu->mxcsr == (0x1f80 | mxcsr::kOe | mxcsr::kPe));
}

TEST_CASE("FMA and BMI need what their class needs") {
    M m;
    m.cpu->xcr0 = 3;
    m.cpu->update_mode();
    CHECK(m.raises(6, kFmadd231sd));
    m.enter_long(0);
    m.cpu->cr4 |= cr4::kOsxsave;
    m.cpu->xcr0 = 7;
    m.cpu->cr0 |= cr0::kTs;
    m.cpu->update_mode();
    CHECK(m.raises(7, kFmadd231sd));
    // BMI asks for none of it.
    m.enter_long(0);
    m.cpu->cr0 |= cr0::kTs;
    m.cpu->update_mode();
    m.cpu->gpr[kRax] = 0xf0;
    m.code_here({0xc4, 0xe2, 0x70, 0xf3, 0xc8});  // BLSR ECX, EAX
    m.run();
    CHECK(m.cpu->gpr[kRcx] == 0xe0);
    BareMachine old;
    old.enter_long(0);
    CHECK(old.raises(6, {0xc4, 0xe2, 0x70, 0xf3, 0xc8}));
}
