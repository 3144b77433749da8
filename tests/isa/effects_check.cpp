#include "tests/isa/effects_check.h"

#include <fmt/format.h>

#include <cstring>

#include "tests/isa/rng.h"

namespace orrery::testing {
namespace {

using namespace row_words;

constexpr FlagSet kFlipped = Status | DF;
constexpr u64 kCompared = Status | TF | IF | DF | IOPL | NT | AC | ID;  // what exists in ring 3

struct Extended {
    u64 significand = 0;
    u16 sign_exponent = 0;
    bool operator==(const Extended&) const = default;
};

unsigned top_of(const TestState& s) {
    return (s.fx.status >> 11) & 7;
}

// Physical x87 register p, whatever the top.
Extended physical(const TestState& s, unsigned p) {
    const u8* bytes = s.fx.st[(p - top_of(s)) & 7];
    Extended value;
    std::memcpy(&value.significand, bytes, 8);
    std::memcpy(&value.sign_exponent, bytes + 8, 2);
    return value;
}

struct Vector {
    u64 q[4];
};
Vector vector(const TestState& s, unsigned i) {
    Vector v;
    std::memcpy(v.q, s.fx.xmm[i], 16);
    std::memcpy(v.q + 2, s.ymm[i], 16);
    return v;
}

// Bits of ST(i) of the initial state, and of MMX registers, as bits of physical registers.
u8 to_physical(const TestCase& c, u8 st, u8 mmx) {
    const unsigned top = top_of(c.initial);
    const unsigned doubled = st | static_cast<unsigned>(st) << 8;
    return static_cast<u8>((doubled << top >> 8 | doubled << top) & 0xff) | mmx;
}

constexpr u16 kTop = 7 << 11;

}  // namespace

std::vector<std::string> unexpected_writes(const TestCase& c, const Effects& e, const Outcome& out,
                                           FlagSet undefined) {
    std::vector<std::string> found;
    const TestState &before = c.initial, &after = out.state;
    const auto changed = [&](std::string_view what, unsigned i) {
        found.push_back(fmt::format("{}{} changed, and is not in written", what, i));
    };
    for (unsigned i = 0; i < 16; ++i) {
        if ((e.general.written >> i & 1) == 0 && before.gpr[i] != after.gpr[i]) changed("register ", i);
        const Vector a = vector(before, i), b = vector(after, i);
        if ((e.vector.written >> i & 1) == 0 && std::memcmp(&a, &b, sizeof a) != 0) changed("vector ", i);
    }
    const u8 st = to_physical(c, e.st.written, e.mmx.written);
    for (unsigned p = 0; p < 8; ++p)
        if ((st >> p & 1) == 0 && physical(before, p) != physical(after, p)) changed("x87 register ", p);
    const FlagSet flags = (e.flags.written | undefined) & 0xff'ffff;
    const u64 flag_changes = (before.rflags ^ after.rflags) & kCompared & ~u64{flags};
    if (flag_changes != 0) found.push_back(fmt::format("flags {:#x} changed", flag_changes));
    const unsigned top = (top_of(before) + static_cast<unsigned>(e.x87_pops)) & 7;
    if (!e.sets_top && top_of(after) != top && top_of(after) != top_of(before))
        found.push_back(fmt::format("TOP became {}, not {}", top_of(after), top));
    const bool x87 = (e.system.written & system_state::kX87) != 0;
    if (!x87 && (before.fx.control != after.fx.control || before.fx.status != after.fx.status ||
                 before.fx.tags != after.fx.tags))
        found.push_back("the x87's state changed");
    if ((e.system.written & system_state::kMxcsr) == 0 && before.fx.mxcsr != after.fx.mxcsr)
        found.push_back("MXCSR changed");
    if (!e.writes_memory() && std::memcmp(before.memory, after.memory, kMemorySize) != 0)
        found.push_back("memory changed");
    if (!is_branch(e.flow) && !e.repeats && after.rip != before.rip + c.insn.length)
        found.push_back(fmt::format("went on at {:#x}", after.rip));
    return found;
}

TestCase with_other_values(const TestCase& c, const Effects& e) {
    TestCase other = c;
    TestState& s = other.initial;
    Rng rng(c.seed ^ 0x5eed);
    const bool in64 = c.mode == CpuMode::Bits64;
    for (unsigned i = 0; i < (in64 ? 16u : 8u); ++i) {
        const u64 bits = rng.next();
        if ((e.general.read >> i & 1) == 0) s.gpr[i] ^= in64 ? bits : bits & 0xffff'ffff;
        for (u8& byte : s.fx.xmm[i]) byte ^= (e.vector.read >> i & 1) == 0 ? rng.byte() : 0;
        for (u8& byte : s.ymm[i]) byte ^= (e.vector.read >> i & 1) == 0 ? rng.byte() : 0;
    }
    const u8 read = to_physical(c, e.st.read, e.mmx.read);
    for (unsigned i = 0; i < 8; ++i) {
        if ((read >> ((top_of(s) + i) & 7) & 1) != 0) continue;
        for (unsigned byte = 0; byte < 10; ++byte) s.fx.st[i][byte] ^= rng.byte();
    }
    s.rflags ^= rng.next() & kFlipped & ~u64{e.flags.read};
    return other;
}

std::vector<std::string> unexpected_reads(const TestCase& c, const TestCase& other, const Effects& e,
                                          const Outcome& out, const Outcome& other_out, FlagSet undefined) {
    std::vector<std::string> found;
    const TestState &a = out.state, &b = other_out.state;
    if (out.vector != other_out.vector || out.error_code != other_out.error_code) {
        found.push_back(fmt::format("exception {} and {}", out.vector, other_out.vector));
        return found;
    }
    // Where the register is not wholly replaced, bits that differed may have been passed through.
    const auto differs = [](u64 x, u64 y, u64 x_before, u64 y_before, bool replaced) {
        return ((x ^ y) & ~(replaced ? 0 : x_before ^ y_before)) != 0;
    };
    const TestState &from = c.initial, &other_from = other.initial;
    for (unsigned i = 0; i < 16; ++i) {
        if (differs(a.gpr[i], b.gpr[i], from.gpr[i], other_from.gpr[i], (e.general.replaced >> i & 1) != 0))
            found.push_back(fmt::format("register {}: {:#x} and {:#x}", i, a.gpr[i], b.gpr[i]));
        const Vector va = vector(a, i), vb = vector(b, i), fa = vector(from, i), fb = vector(other_from, i);
        for (unsigned q = 0; q < 4; ++q)
            if (differs(va.q[q], vb.q[q], fa.q[q], fb.q[q], (e.vector.replaced >> i & 1) != 0))
                found.push_back(fmt::format("vector {}: {:#x} and {:#x}", i, va.q[q], vb.q[q]));
    }
    for (unsigned p = 0; p < 8; ++p) {
        const Extended xa = physical(a, p), xb = physical(b, p);
        const Extended fa = physical(from, p), fb = physical(other_from, p);
        if (differs(xa.significand, xb.significand, fa.significand, fb.significand, false) ||
            differs(xa.sign_exponent, xb.sign_exponent, fa.sign_exponent, fb.sign_exponent, false))
            found.push_back(
                fmt::format("x87 register {}: {:#x} and {:#x}", p, xa.significand, xb.significand));
    }
    const u64 compared = kCompared & ~u64{undefined & 0xff'ffff};
    const u64 passed = (from.rflags ^ other_from.rflags) & ~u64{e.flags.replaced};
    if (((a.rflags ^ b.rflags) & compared & ~passed) != 0)
        found.push_back(fmt::format("flags {:#x} and {:#x}", a.rflags, b.rflags));
    if (a.fx.mxcsr != b.fx.mxcsr || a.fx.control != b.fx.control || a.fx.tags != b.fx.tags ||
        ((a.fx.status ^ b.fx.status) & kTop) != 0)
        found.push_back("floating-point state");
    if (std::memcmp(a.memory, b.memory, kMemorySize) != 0) found.push_back("memory");
    if (a.rip != b.rip) found.push_back(fmt::format("RIP {:#x} and {:#x}", a.rip, b.rip));
    return found;
}

}  // namespace orrery::testing
