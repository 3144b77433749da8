// RCPPS and RSQRTPS: the one result that exec_sse_estimate.cpp defines, within the manual's error bound (SDM
// vol. 2).
#include <cmath>

#include "tests/unit/catch.h"
#include "tests/unit/cpu/sse_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = SseMachine;

namespace {

constexpr double kBound = 1.5 / 4096;

u32 estimate(M& m, unsigned opcode, u32 x) {
    m.set_quads(1, x, 0);
    m.again({0xf3, 0x0f, opcode, 0xc1});
    return static_cast<u32>(m.cpu->xmm[0].q[0]);
}

}  // namespace

TEST_CASE("RCPSS and RSQRTSS give these bits") {
    struct Value {
        u32 x, reciprocal, root;
    };
    M m;
    for (const Value& v : {Value{0x3f80'0000, 0x3f80'0000, 0x3f80'0000},  // 1
                           {0x4040'0000, 0x3eaa'a800, 0x3f13'd000},       // 3
                           {0x0000'0000, 0x7f80'0000, 0x7f80'0000},       // 0
                           {0x8000'0000, 0xff80'0000, 0xff80'0000},       // -0
                           {0x0000'0001, 0x7f80'0000, 0x7f80'0000},       // denormal
                           {0x807f'ffff, 0xff80'0000, 0xff80'0000},       // -denormal
                           {0x7f80'0000, 0x0000'0000, 0x0000'0000},       // infinity
                           {0xff80'0000, 0x8000'0000, 0xffc0'0000},       // -infinity
                           {0xbf80'0000, 0xbf80'0000, 0xffc0'0000},       // -1
                           {0x7f80'0001, 0x7fc0'0001, 0x7fc0'0001},       // signaling NaN
                           {0xffc0'1234, 0xffc0'1234, 0xffc0'1234},       // quiet NaN
                           {0x7e80'0000, 0x0080'0000, 0x2000'0000},       // 2^126
                           {0x7e80'1801, 0x0000'0000, 0x1fff'e800},       // a tiny reciprocal
                           {0x7f00'0000, 0x0000'0000, 0x1fb5'0800}}) {    // 2^127
        CAPTURE(v.x);
        CHECK(estimate(m, 0x53, v.x) == v.reciprocal);
        CHECK(estimate(m, 0x52, v.x) == v.root);
    }
    CHECK(m.cpu->mxcsr == M::kMxcsrDefault);
}

TEST_CASE("RCPSS and RSQRTSS err by at most 1.5 * 2^-12") {
    M m;
    double worst_reciprocal = 0, worst_root = 0;
    for (u32 x = 0x3f00'0000; x < 0x4080'0000; x += 997) {
        const double value = std::bit_cast<float>(x);
        const double reciprocal = std::bit_cast<float>(estimate(m, 0x53, x));
        const double root = std::bit_cast<float>(estimate(m, 0x52, x));
        worst_reciprocal = std::max(worst_reciprocal, std::fabs(reciprocal * value - 1));
        worst_root = std::max(worst_root, std::fabs(root * std::sqrt(value) - 1));
    }
    CHECK(worst_reciprocal <= kBound);
    CHECK(worst_root <= kBound);
    CHECK(worst_reciprocal > 1e-6);  // they are estimates: 13 bits
}

TEST_CASE("The packed forms estimate each lane, whatever the rounding mode") {
    M m;
    m.set_mxcsr(0x7f80 & ~0x20u);
    m.set_quads(1, 0x4040'0000'3f80'0000, 0x0000'0000'4040'0000);
    m.again({0x0f, 0x53, 0xc1});
    CHECK(m.has_quads(0, 0x3eaa'a800'3f80'0000, 0x7f80'0000'3eaa'a800));
    m.again({0x0f, 0x52, 0xc1});
    CHECK(m.has_quads(0, 0x3f13'd000'3f80'0000, 0x7f80'0000'3f13'd000));
}
