// The software 80-bit arithmetic against the host's x87: results and status bits must agree bit for bit, for
// special and random operands, under every precision and rounding control, with exceptions masked and
// unmasked.
#include "emulator/core/cpu/x87/float80.h"

#include <iomanip>
#include <sstream>
#include <vector>

#include "tests/unit/catch.h"
#include "tests/unit/cpu/float80_host.h"

using namespace orrery;
using orrery::host::HostResult;

namespace {

class Random {
  public:
    explicit Random(u64 seed) : state_(seed) {}
    // splitmix64
    u64 next() {
        u64 z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    u64 below(u64 n) { return next() % n; }

  private:
    u64 state_;
};

const std::vector<Float80>& specials() {
    static const std::vector<Float80> list = [] {
        std::vector<Float80> v;
        for (u16 sign : {u16{0}, u16{0x8000}}) {
            auto put = [&](unsigned exponent, u64 significand) {
                v.push_back({significand, static_cast<u16>(sign | exponent)});
            };
            put(0, 0);
            put(0, 1);
            put(0, 0x0000'0100'0000'0000);
            put(0, 0x7fff'ffff'ffff'ffff);
            put(0, 0x8000'0000'0000'0000);  // pseudo-denormals
            put(0, 0xc000'0000'0000'0001);
            put(1, 0x8000'0000'0000'0000);
            put(1, 0xffff'ffff'ffff'ffff);
            put(0x7ffe, 0xffff'ffff'ffff'ffff);
            put(0x7ffe, 0x8000'0000'0000'0000);
            put(0x7fff, 0x8000'0000'0000'0000);  // infinity
            put(0x7fff, 0xc000'0000'0000'0000);  // quiet
            put(0x7fff, 0xffff'0000'1234'0000);
            put(0x7fff, 0x8000'0000'0000'0001);  // signaling
            put(0x7fff, 0xbfff'ffff'ffff'ffff);
            put(0x7fff, 0x4000'0000'0000'0000);  // pseudo-NaN
            put(0x7fff, 0x0000'0000'0000'0000);  // pseudo-infinity
            put(0x4000, 0x7fff'ffff'ffff'ffff);  // unnormal
            put(0x3fff, 0x8000'0000'0000'0000);
            put(0x3fff, 0x8000'0000'0000'0001);
            put(0x3ffe, 0xffff'ffff'ffff'ffff);
            put(0x3ffe, 0x8000'0000'0000'0000);
            put(0x3fff, 0xc000'0000'0000'0000);
            put(0x4000, 0xc90f'daa2'2168'c235);
            put(0x403e, 0xffff'ffff'ffff'ffff);
            put(0x403e, 0x8000'0000'0000'0000);
            put(0x401e, 0xffff'ffff'0000'0000);
            put(0x401e, 0xffff'ffff'8000'0000);
            put(0x400d, 0xffff'8000'0000'0000);
            put(0x407e, 0xffff'ff00'0000'0000);
            put(0x43fe, 0xffff'ffff'ffff'fc00);
            put(0x3f80, 0xffff'ff7f'ffff'ffff);
            put(0x3c00, 0xffff'ffff'ffff'fbff);
        }
        return v;
    }();
    return list;
}

Float80 random_value(Random& r) {
    if (r.below(8) == 0) return specials()[r.below(specials().size())];
    u64 significand = r.next();
    switch (r.below(5)) {
        case 0:
            significand &= ~u64{0} << r.below(63);
            break;
        case 1:
            significand |= (u64{1} << r.below(63)) - 1;
            break;
        case 2:
            significand = u64{1} << r.below(64);
            break;
        default:
            break;
    }
    significand |= f80::kIntegerBit;
    unsigned exponent = 0;
    switch (r.below(8)) {
        case 0:
            exponent = static_cast<unsigned>(r.below(0x8000));
            break;
        case 1:
            exponent = static_cast<unsigned>(r.below(80));
            break;
        case 2:
            exponent = static_cast<unsigned>(0x7ffe - r.below(80));
            break;
        default:
            exponent = static_cast<unsigned>(0x3fff - 70 + r.below(140));
            break;
    }
    if (exponent == 0 || r.below(64) == 0) significand >>= r.below(64);
    return {significand, static_cast<u16>(exponent | (r.below(2) << 15))};
}

// Masks: mostly all masked; some with everything or one thing unmasked.
u16 random_control(Random& r) {
    u16 masks = f80::kExceptions;
    if (r.below(4) == 0) masks = static_cast<u16>(r.below(64));
    if (r.below(8) == 0) masks = static_cast<u16>(f80::kExceptions & ~(1u << r.below(6)));
    static constexpr u16 kPrecisions[] = {0, 0x200, 0x300};
    return static_cast<u16>(masks | 0x40 | kPrecisions[r.below(3)] | r.below(4) << 10);
}

std::string show(Float80 v) {
    std::ostringstream out;
    out << std::hex << std::setfill('0') << std::setw(4) << v.sign_exponent << ':' << std::setw(16)
        << v.significand;
    return out.str();
}
std::string show_word(unsigned v) {
    std::ostringstream out;
    out << std::hex << v;
    return out.str();
}

using Ours = f80::Result (*)(Float80, Float80, u16);
using Theirs = HostResult (*)(Float80, Float80, u16);

bool same(Float80 a, Float80 b) {
    return a.significand == b.significand && a.sign_exponent == b.sign_exponent;
}

struct Failures {
    int count = 0;
    std::string text;
    void add(const std::string& line) {
        if (++count <= 8) text += line + "\n";
    }
};

void compare_one(Failures& failures, Ours ours, Theirs theirs, Float80 a, Float80 b, u16 control,
                 u16 conditions) {
    const f80::Result mine = ours(a, b, control);
    const HostResult host = theirs(a, b, control);
    const Float80 expected = f80::blocked(mine.flags, control) ? a : f80::value(mine);
    const u16 mask = f80::kExceptions | f80::kStackFault | conditions;
    if (same(expected, host.st0) && (mine.flags & mask) == (host.status & mask)) return;
    failures.add("a " + show(a) + " b " + show(b) + " control " + show_word(control) + ": ours " +
                 show(expected) + " flags " + show_word(mine.flags & mask) + ", host " + show(host.st0) +
                 " flags " + show_word(host.status & mask));
}

void compare_all(Ours ours, Theirs theirs, u16 conditions, u64 seed, bool binary = true) {
    Failures failures;
    Random r(seed);
    for (const Float80& a : specials()) {
        for (const Float80& b : specials()) {
            for (u16 rounding = 0; rounding < 4; ++rounding) {
                compare_one(failures, ours, theirs, a, b, static_cast<u16>(0x37f | rounding << 10),
                            conditions);
            }
            compare_one(failures, ours, theirs, a, b, random_control(r), conditions);
            compare_one(failures, ours, theirs, a, b, 0x340, conditions);
            if (!binary) break;
        }
    }
    for (int i = 0; i < 60'000; ++i) {
        const Float80 a = random_value(r);
        Float80 b = random_value(r);
        if (r.below(4) == 0)
            b = {a.significand + r.below(3) - 1, static_cast<u16>(a.sign_exponent + r.below(3) - 1)};
        compare_one(failures, ours, theirs, a, b, random_control(r), conditions);
    }
    INFO(failures.text);
    CHECK(failures.count == 0);
}

}  // namespace

TEST_CASE("x87 basic arithmetic equals the host's", "[float80]") {
    using f80::kC1;
    SECTION("add") {
        compare_all(f80::add, host::fadd, kC1, 1);
    }
    SECTION("subtract") {
        compare_all(f80::sub, host::fsub, kC1, 2);
    }
    SECTION("multiply") {
        compare_all(f80::mul, host::fmul, kC1, 3);
    }
    SECTION("divide") {
        compare_all(f80::div, host::fdiv, kC1, 4);
    }
    SECTION("square root") {
        compare_all([](Float80 a, Float80, u16 control) { return f80::sqrt(a, control); }, host::fsqrt, kC1,
                    5, false);
    }
}

TEST_CASE("x87 partial arithmetic equals the host's", "[float80]") {
    using f80::kC1;
    using f80::kConditions;
    SECTION("round to integer") {
        compare_all([](Float80 a, Float80, u16 control) { return f80::round_to_integer(a, control); },
                    host::frndint, kC1, 6, false);
    }
    SECTION("scale") {
        compare_all(f80::scale, host::fscale, kC1, 7);
    }
    SECTION("partial remainder") {
        compare_all([](Float80 a, Float80 b, u16 control) { return f80::remainder(a, b, control, false); },
                    host::fprem, kConditions, 8);
    }
    SECTION("IEEE partial remainder") {
        compare_all([](Float80 a, Float80 b, u16 control) { return f80::remainder(a, b, control, true); },
                    host::fprem1, kConditions, 9);
    }
    SECTION("significand") {
        compare_all([](Float80 a, Float80, u16 control) { return f80::extract_significand(a, control); },
                    host::fxtract, 0, 10, false);
    }
    SECTION("exponent") {
        compare_all([](Float80 a, Float80, u16 control) { return f80::extract_exponent(a, control); },
                    [](Float80 a, Float80 b, u16 control) {
                        HostResult r = host::fxtract(a, b, control);
                        if (!f80::blocked(r.status, control)) r.st0 = r.st1;
                        return r;
                    },
                    0, 10, false);
    }
}

TEST_CASE("x87 comparisons equal the host's", "[float80]") {
    // The conditions of an unmasked #IA or #D are not compared: Intel's manual leaves them as they were, AMD
    // sets them; compare() says what they would be.
    static const auto keep = [](Float80 a, u16 flags, u16) {
        return f80::Result{a.significand, a.sign_exponent, flags};
    };
    SECTION("ordered") {
        compare_all(
            [](Float80 a, Float80 b, u16 control) { return keep(a, f80::compare(a, b, false), control); },
            host::fcom, f80::kConditions, 11);
    }
    SECTION("unordered") {
        compare_all(
            [](Float80 a, Float80 b, u16 control) { return keep(a, f80::compare(a, b, true), control); },
            host::fucom, f80::kConditions, 12);
    }
    SECTION("examine") {
        compare_all([](Float80 a, Float80, u16 control) { return keep(a, f80::examine(a), control); },
                    host::fxam, f80::kConditions, 13, false);
    }
}

TEST_CASE("x87 stores equal the host's", "[float80]") {
    Failures failures;
    Random r(14);
    using Store = f80::Bcd (*)(Float80, u16);
    struct Form {
        const char* name;
        Store ours, theirs;
    };
    static constexpr auto bits = [](f80::Bits b) { return f80::Bcd{b.bits, 0, b.flags}; };
    const Form forms[] = {
        {"m32", [](Float80 a, u16 c) { return bits(f80::to_f32(a, c)); }, host::fst_f32},
        {"m64", [](Float80 a, u16 c) { return bits(f80::to_f64(a, c)); }, host::fst_f64},
        {"i16", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 2, false)); }, host::fist_16},
        {"i32", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 4, false)); }, host::fist_32},
        {"i64", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 8, false)); }, host::fist_64},
        {"t16", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 2, true)); }, host::fisttp_16},
        {"t32", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 4, true)); }, host::fisttp_32},
        {"t64", [](Float80 a, u16 c) { return bits(f80::to_int(a, c, 8, true)); }, host::fisttp_64},
        {"bcd", f80::to_bcd, host::fbstp},
    };
    for (const Form& form : forms) {
        const bool is_float = form.name[0] == 'm';
        const u64 size_mask = form.name[1] == '1' ? 0xffff : form.name[1] == '3' ? 0xffff'ffff : ~u64{0};
        for (int i = 0; i < 40'000; ++i) {
            Float80 a = i < static_cast<int>(specials().size()) ? specials()[static_cast<size_t>(i)]
                                                                : random_value(r);
            if (r.below(3) == 0 && is_float) {
                const unsigned base = form.name[1] == '3' ? 0x3f81 : 0x3c01;
                a.sign_exponent = static_cast<u16>(base - 60 + r.below(70) + (r.below(2) << 15));
            }
            const u16 control = i < static_cast<int>(specials().size()) ? u16{0x37f} : random_control(r);
            const f80::Bcd mine = form.ours(a, control), host = form.theirs(a, control);
            const u16 mask = f80::kExceptions | f80::kStackFault | f80::kC1;
            const bool none = f80::blocked(mine.flags, control) ||
                              (mine.flags & ~control & (f80::kOverflow | f80::kUnderflow)) != 0;
            const u64 digits = none ? 0 : mine.digits & size_mask;
            const u16 top = none ? 0 : mine.top;
            if (digits == host.digits && top == host.top && (mine.flags & mask) == (host.flags & mask))
                continue;
            failures.add(std::string(form.name) + " of " + show(a) + " control " + show_word(control) +
                         ": ours " + show({digits, top}) + " flags " + show_word(mine.flags & mask) +
                         ", host " + show({host.digits, host.top}) + " flags " +
                         show_word(host.flags & mask));
        }
    }
    INFO(failures.text);
    CHECK(failures.count == 0);
}

TEST_CASE("x87 loads equal the host's", "[float80]") {
    Failures failures;
    Random r(15);
    for (int i = 0; i < 60'000; ++i) {
        u64 in[2] = {r.next(), r.next()};
        const u64 which = r.below(4);
        if (which < 2 && r.below(4) == 0) {
            // Exponents at the ends, short fractions.
            in[0] &= which == 0 ? 0x807f'ffff : 0x800f'ffff'ffff'ffff;
            if (r.below(2)) in[0] |= which == 0 ? 0x7f80'0000 : 0x7ff0'0000'0000'0000;
            if (r.below(2)) in[0] &= ~u64{0} << r.below(64);
        }
        f80::Result mine;
        HostResult host;
        const u16 control = random_control(r);
        if (which == 0) {
            mine = f80::from_f32(static_cast<u32>(in[0]));
            host = host::fld_f32(in, control);
        } else if (which == 1) {
            mine = f80::from_f64(in[0]);
            host = host::fld_f64(in, control);
        } else if (which == 2) {
            const Float80 v = f80::from_i64(static_cast<i64>(in[0]) >> r.below(64));
            mine = {v.significand, v.sign_exponent, 0};
            in[0] = f80::to_int(v, 0x37f, 8, false).bits;
            host = host::fild_64(in, control);
        } else {
            u64 digits = 0;
            for (int d = 0; d < 18; ++d) {
                if (d == 16) in[0] = digits, digits = 0;
                digits = digits << 4 | r.below(10);
            }
            in[1] = digits | (in[1] & 0xff00);
            const Float80 v = f80::from_bcd(in[0], static_cast<u16>(in[1]));
            mine = {v.significand, v.sign_exponent, 0};
            host = host::fbld(in, control);
        }
        const u16 mask = f80::kExceptions | f80::kStackFault | f80::kC1;
        const bool kept = (mine.flags & ~control & f80::kInvalid) != 0;
        const Float80 expected = kept ? f80::kOne : f80::value(mine);
        if (same(expected, host.st0) && (mine.flags & mask) == (host.status & mask)) continue;
        failures.add("load " + std::to_string(which) + " of " +
                     show_word(static_cast<unsigned>(in[0] >> 32)) + " " +
                     show_word(static_cast<unsigned>(in[0])) + " control " + show_word(control) + ": ours " +
                     show(expected) + " flags " + show_word(mine.flags & mask) + ", host " + show(host.st0) +
                     " flags " + show_word(host.status & mask));
    }
    INFO(failures.text);
    CHECK(failures.count == 0);
}
