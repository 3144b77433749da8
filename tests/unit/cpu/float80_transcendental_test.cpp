// The x87's transcendental functions: against values worked out with 400 bits by another program (mpmath),
// where ours must be the correctly rounded ones; and against the host's x87, which may be one unit in the
// last place away.
#include <iomanip>
#include <sstream>

#include "emulator/core/cpu/x87/float80.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/float80_host.h"

using namespace orrery;
using orrery::host::HostResult;

namespace {

enum Function { F2xm1, Fyl2x, Fyl2xp1, Fpatan, Fsin, Fcos, Fptan };

struct Known {
    Function function;
    Float80 st0, st1;
    u16 rounding;  // control word
    Float80 result;
};
const Known kKnown[] = {
#include "tests/unit/cpu/float80_transcendental.def"
};

f80::Result ours(Function f, Float80 st0, Float80 st1, u16 control) {
    switch (f) {
        case F2xm1:
            return f80::exp2m1(st0, control);
        case Fyl2x:
            return f80::ylog2x(st1, st0, control);
        case Fyl2xp1:
            return f80::ylog2xp1(st1, st0, control);
        case Fpatan:
            return f80::arctan(st1, st0, control);
        case Fsin:
            return f80::trig(st0, control, f80::Trig::Sin);
        case Fcos:
            return f80::trig(st0, control, f80::Trig::Cos);
        default:
            return f80::trig(st0, control, f80::Trig::Tan);
    }
}
HostResult theirs(Function f, Float80 st0, Float80 st1, u16 control) {
    switch (f) {
        case F2xm1:
            return host::f2xm1(st0, st1, control);
        case Fyl2x:
            return host::fyl2x(st0, st1, control);
        case Fyl2xp1:
            return host::fyl2xp1(st0, st1, control);
        case Fpatan:
            return host::fpatan(st0, st1, control);
        case Fsin:
            return host::fsin(st0, st1, control);
        case Fcos:
            return host::fcos(st0, st1, control);
        default: {
            HostResult r = host::fptan(st0, st1, control);
            if ((r.status & f80::kC2) == 0) r.st0 = r.st1;  // below the 1.0, or the second NaN
            return r;
        }
    }
}

std::string show(Float80 v) {
    std::ostringstream out;
    out << std::hex << std::setfill('0') << std::setw(4) << v.sign_exponent << ':' << std::setw(16)
        << v.significand;
    return out.str();
}

u64 state = 1;
u64 next() {
    u64 z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// Bits below the top as a number that counts units in the last place.
unsigned __int128 magnitude(Float80 v) {
    const unsigned exponent = v.sign_exponent & 0x7fff;
    return (static_cast<unsigned __int128>(exponent) << 63) +
           (exponent == 0 ? v.significand : v.significand & ~f80::kIntegerBit);
}
bool within_one(Float80 a, Float80 b) {
    if (((a.sign_exponent ^ b.sign_exponent) & 0x8000) != 0) return a.significand == 0 && b.significand == 0;
    const auto x = magnitude(a), y = magnitude(b);
    return x > y ? x - y <= 1 : y - x <= 1;
}

}  // namespace

TEST_CASE("x87 transcendental functions are correctly rounded", "[float80]") {
    for (const Known& k : kKnown) {
        const f80::Result r = ours(k.function, k.st0, k.st1, k.rounding);
        INFO("function " << k.function << " of " << show(k.st0) << ", " << show(k.st1) << " control "
                         << k.rounding);
        CHECK(show(f80::value(r)) == show(k.result));
        CHECK((r.flags & f80::kPrecision) != 0);
    }
}

TEST_CASE("x87 transcendental functions stay by the host's", "[float80]") {
    const Float80 specials[] = {
        {0, 0},
        {0, 0x8000},
        {1, 0},
        {f80::kIntegerBit, 0},
        {f80::kIntegerBit, 0x8001},
        {f80::kIntegerBit, 0x3fff},
        {f80::kIntegerBit, 0xbfff},
        {f80::kIntegerBit, 0x3ffe},
        {f80::kIntegerBit, 0xbffe},
        {f80::kIntegerBit, 0x4000},
        {0xc000'0000'0000'0000, 0x3ffd},
        {f80::kIntegerBit, 0x7fff},
        {f80::kIntegerBit, 0xffff},
        {0xc000'0000'0000'1234, 0x7fff},
        {0x8000'0000'0000'1234, 0xffff},
        {0x1234, 0x3fff},
        {f80::kIntegerBit, 0x403e},
        {f80::kIntegerBit, 0xc050},
        {~u64{0}, 0x403d},
        {~u64{0}, 0x7ffe},
        {0xc90f'daa2'2168'c235, 0x4000},
        {0xc90f'daa2'2168'c235, 0x3fff},
    };
    int count = 0, far = 0;
    std::string text;
    const auto try_one = [&](Function f, Float80 a, Float80 b, u16 control) {
        ++count;
        const f80::Result mine = ours(f, a, b, control);
        const HostResult host = theirs(f, a, b, control);
        // #P and C1 say how the result was rounded: they follow the result. So does #U just at the edge.
        u16 mask = f80::kInvalid | f80::kDenormal | f80::kZeroDivide | f80::kOverflow | f80::kStackFault;
        if (f >= Fsin) mask |= f80::kC2;
        if (within_one(f80::value(mine), host.st0) && (mine.flags & mask) == (host.status & mask)) return;
        if (++far > 12) return;
        std::ostringstream line;
        line << "function " << f << " of " << show(a) << ", " << show(b) << std::hex << " control " << control
             << ": ours " << show(f80::value(mine)) << " flags " << (mine.flags & mask) << ", host "
             << show(host.st0) << " flags " << (host.status & mask) << "\n";
        text += line.str();
    };
    for (int f = F2xm1; f <= Fptan; ++f) {
        for (const Float80& a : specials) {
            for (const Float80& b : specials) {
                for (u16 mode = 0; mode < 4; ++mode) {
                    try_one(static_cast<Function>(f), a, b, static_cast<u16>(0x37f | mode << 10));
                }
            }
        }
        for (int i = 0; i < 4000; ++i) {
            const auto value = [](unsigned low, unsigned high) {
                return Float80{next() | f80::kIntegerBit,
                               static_cast<u16>((low + next() % (high - low)) | (next() % 2) << 15)};
            };
            Float80 a = value(0x3fff - 60, 0x3fff + 62), b = value(0x3fff - 40, 0x3fff + 40);
            if (f == F2xm1) a = value(0x3fff - 66, 0x3fff);
            if (f == Fyl2x) a.sign_exponent &= 0x7fff;
            if (f == Fyl2xp1) a = value(0x3fff - 66, 0x3fff - 2);
            try_one(static_cast<Function>(f), a, b, static_cast<u16>(0x37f | (next() % 4) << 10));
        }
    }
    INFO(far << " of " << count << "\n" << text);
    CHECK(far == 0);
}
