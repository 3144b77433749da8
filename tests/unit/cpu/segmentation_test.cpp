// Loads of segment registers and questions about descriptors, in 64-bit and protected mode (SDM vol. 2, MOV,
// LAR, LSL, VERR, LTR, LLDT; vol. 3A, chapters 3 and 5).
#include "emulator/core/cpu/state/segmentation.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kNoFault = ~0u;

u32 error_code(M& m) {
    return static_cast<u32>(m.cpu->code64() ? m.get(m.cpu->gpr[kRsp]) : m.get<u32>(m.cpu->gpr[kRsp]));
}

// Vector * 10000H + error code, or kNoFault.
u32 load(M& m, SegmentIndex index, u16 selector) {
    m.cpu->gpr[kRax] = selector;
    m.code_here({0x8e, 0xc0u | static_cast<unsigned>(index) << 3});
    m.run();
    for (unsigned vector : {11u, 12u, 13u})
        if (m.in_handler(vector)) return vector << 16 | error_code(m);
    return kNoFault;
}

constexpr u32 fault(unsigned vector, u32 code) {
    return vector << 16 | code;
}

}  // namespace

TEST_CASE("A data segment: base, limit, type, and the accessed bit") {
    M m;
    m.enter_protected(0);
    m.set_descriptor(M::kFree, descriptor(0x1234'5678, 0x12345, 0xc092));
    CHECK(load(m, kDs, M::kFree) == kNoFault);
    const Segment& ds = m.cpu->seg[kDs];
    CHECK(ds.selector == M::kFree);
    CHECK(ds.base == 0x1234'5678);
    CHECK(ds.limit == 0x1234'5fff);
    CHECK(ds.access == 0xc093);
    CHECK((m.get_descriptor(M::kFree) >> 40 & 0xff) == 0x93);
}

TEST_CASE("What MOV to a data segment register refuses") {
    M m;
    m.enter_protected(3);
    SECTION("more privilege than there is") {
        CHECK(load(m, kDs, M::kKernelSs | 3) == fault(13, M::kKernelSs));
    }
    SECTION("execute-only code") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, 0xc0f9));
        CHECK(load(m, kDs, M::kFree | 3) == fault(13, M::kFree));
    }
    SECTION("readable code is taken") {
        CHECK(load(m, kDs, M::kUserCs32) == kNoFault);
    }
    SECTION("conforming code of any privilege is taken") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, 0xc09f));
        CHECK(load(m, kDs, M::kFree | 3) == kNoFault);
    }
    SECTION("not present") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, 0xc073));
        CHECK(load(m, kEs, M::kFree | 3) == fault(11, M::kFree));
    }
    SECTION("outside the table") {
        CHECK(load(m, kEs, 0x2003) == fault(13, 0x2000));
    }
    SECTION("a system descriptor") {
        CHECK(load(m, kEs, M::kTssSelector | 3) == fault(13, M::kTssSelector));
    }
    SECTION("a local selector without LDT") {
        CHECK(load(m, kEs, 0xf) == fault(13, 0xc));
    }
    SECTION("null is taken, whatever its RPL") {
        CHECK(load(m, kGs, 3) == kNoFault);
        CHECK(m.cpu->seg[kGs].selector == 3);
        CHECK_FALSE(m.cpu->seg[kGs].present());
    }
}

TEST_CASE("What MOV to SS refuses") {
    M m;
    m.enter_protected(0);
    SECTION("null") {
        CHECK(load(m, kSs, 0) == fault(13, 0));
    }
    SECTION("another RPL") {
        CHECK(load(m, kSs, M::kKernelSs | 1) == fault(13, M::kKernelSs));
    }
    SECTION("another DPL") {
        CHECK(load(m, kSs, M::kUserSs) == fault(13, M::kUserSs & 0xfffc));
    }
    SECTION("read-only") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, 0xc091));
        CHECK(load(m, kSs, M::kFree) == fault(13, M::kFree));
    }
    SECTION("not present: #SS") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, 0xc013));
        CHECK(load(m, kSs, M::kFree) == fault(12, M::kFree));
    }
}

TEST_CASE("64-bit mode takes a null SS below CPL 3, and FS keeps no base through a null load") {
    M m;
    m.enter_long(0);
    CHECK(load(m, kSs, 0) == kNoFault);
    m.cpu->seg[kFs].base = 0x5000;
    CHECK(load(m, kFs, 0) == kNoFault);
    CHECK(m.cpu->seg[kFs].base == 0);
    CHECK(load(m, kSs, 3) == fault(13, 0));
}

TEST_CASE("LLDT and the local table") {
    M m;
    m.enter_protected(0);
    m.set_descriptor(M::kFree, descriptor(M::kLdt, 0xf, 0x82));
    m.put(M::kLdt + 8, descriptor(0x4000, 0xff, 0x93));
    m.cpu->gpr[kRcx] = M::kFree;
    m.code_here({0x0f, 0x00, 0xd1});  // LLDT CX
    m.run();
    CHECK(m.cpu->ldtr.selector == M::kFree);
    CHECK(load(m, kDs, 0xc) == kNoFault);
    CHECK(m.cpu->seg[kDs].base == 0x4000);
    CHECK(load(m, kDs, 0x14) == fault(13, 0x14));
}

TEST_CASE("LTR takes an available TSS and marks it busy") {
    M m;
    m.enter_long(0);
    m.cpu->gpr[kRcx] = M::kFree;
    auto ltr = [&](u16 access, u64 high) {
        m.set_descriptor(M::kFree, descriptor(0x1'0000, 0x67, access));
        m.put(M::kGdt + M::kFree + 8, high);
        m.code_here({0x0f, 0x00, 0xd9});
        m.run();
    };
    SECTION("available") {
        ltr(0x89, 0xffff'8000);
        CHECK(m.cpu->tr.base == 0xffff'8000'0001'0000);
        CHECK(m.cpu->tr.access == 0x8b);
        CHECK((m.get_descriptor(M::kFree) >> 40 & 0xff) == 0x8b);
    }
    SECTION("busy") {
        ltr(0x8b, 0);
        CHECK(m.in_handler(13));
        CHECK(error_code(m) == M::kFree);
    }
    SECTION("16-bit") {
        ltr(0x81, 0);
        CHECK(m.in_handler(13));
    }
    SECTION("not present") {
        ltr(0x09, 0);
        CHECK(m.in_handler(11));
    }
    SECTION("a base that is not canonical") {
        ltr(0x89, 0x8000);
        CHECK(m.in_handler(13));
    }
    SECTION("at CPL 3") {
        m.enter_long(3);
        m.cpu->gpr[kRcx] = M::kFree;
        ltr(0x89, 0);
        CHECK(m.in_handler(13));
    }
}

TEST_CASE("LAR, LSL, VERR, VERW say what the present privilege may see") {
    M m;
    m.enter_long(3);
    struct Answer {
        bool lar, lsl, verr, verw;
        u64 rights, limit;
    };
    auto ask = [&](u16 selector) {
        Answer answer{};
        auto zf = [&](std::initializer_list<unsigned> bytes) {
            m.restart();
            m.cpu->gpr[kRcx] = selector;
            m.cpu->gpr[kRax] = 0xdead;
            m.code_here(bytes);
            m.run();
            return m.cpu->lf.zf();
        };
        answer.lar = zf({0x0f, 0x02, 0xc1});
        answer.rights = m.cpu->gpr[kRax];
        answer.lsl = zf({0x0f, 0x03, 0xc1});
        answer.limit = m.cpu->gpr[kRax];
        answer.verr = zf({0x0f, 0x00, 0xe1});
        answer.verw = zf({0x0f, 0x00, 0xe9});
        return answer;
    };
    Answer user_data = ask(M::kUserSs);
    CHECK(user_data.lar);
    CHECK((user_data.rights & 0xf0ff00) == 0xc0f300);
    CHECK(user_data.lsl);
    CHECK(user_data.limit == 0xffff'ffff);
    CHECK(user_data.verr);
    CHECK(user_data.verw);

    Answer user_code = ask(M::kUserCs);
    CHECK(user_code.verr);
    CHECK_FALSE(user_code.verw);

    Answer kernel_data = ask(M::kKernelSs);
    CHECK_FALSE(kernel_data.lar);
    CHECK(kernel_data.rights == 0xdead);
    CHECK_FALSE(kernel_data.lsl);
    CHECK_FALSE(kernel_data.verr);

    CHECK_FALSE(ask(0).lar);
    CHECK_FALSE(ask(0x2003).lsl);

    m.enter_long(0);
    m.set_descriptor(M::kFree, descriptor(0, 0x67, 0x89));
    Answer tss = ask(M::kFree);
    CHECK(tss.lar);
    CHECK(tss.limit == 0x67);
    CHECK_FALSE(tss.verr);
    m.set_descriptor(M::kFree, gate(8, 0, 0x8e));
    CHECK_FALSE(ask(M::kFree).lar);
}

TEST_CASE("ARPL raises the RPL to the caller's") {
    M m;
    m.enter_protected(0);
    m.cpu->gpr[kRax] = 0x40;
    m.cpu->gpr[kRbx] = 3;
    m.code_here({0x63, 0xd8, 0x63, 0xd8});  // ARPL AX, BX, twice
    m.run();
    CHECK(m.cpu->gpr[kRax] == 0x43);
    CHECK(m.cpu->lf.zf());
    m.run();
    CHECK(m.cpu->gpr[kRax] == 0x43);
    CHECK_FALSE(m.cpu->lf.zf());
}

TEST_CASE("SGDT and SIDT store what LGDT and LIDT loaded") {
    M m;
    m.enter_long(0);
    m.put(0x1'8000, u16{0x7ff});
    m.put(0x1'8002, u64{0xffff'8000'0000'8000});
    m.cpu->gpr[kRbx] = 0x1'8000;
    m.code_here({0x0f, 0x01, 0x13, 0x0f, 0x01, 0x43, 0x10});  // LGDT [RBX]; SGDT [RBX+16]
    m.run(2);
    CHECK(m.cpu->gdtr.limit == 0x7ff);
    CHECK(m.cpu->gdtr.base == 0xffff'8000'0000'8000);
    CHECK(m.items<u16>(0x1'8010, 5) == m.items<u16>(0x1'8000, 5));
    SECTION("a base that is not canonical") {
        m.cpu->gdtr = {M::kGdt, 0xfff};
        m.put(0x1'8002, u64{1} << 47);
        CHECK(m.raises(13, {0x0f, 0x01, 0x13}));
    }
}

TEST_CASE("LDS and LSS load pointer and segment together") {
    M m;
    m.enter_protected(0);
    m.put(0x1'8000, u32{0x1122'3344});
    m.put(0x1'8004, u16{M::kKernelSs});
    m.code_here({0xc5, 0x1d, 0x00, 0x80, 0x01, 0x00});  // LDS EBX, [18000H]
    m.run();
    CHECK(m.cpu->gpr[kRbx] == 0x1122'3344);
    CHECK(m.cpu->seg[kDs].selector == M::kKernelSs);
    SECTION("a refused selector leaves the register alone") {
        m.put(0x1'8000, u32{5});
        m.put(0x1'8004, u16{0x2000});
        CHECK(m.raises(13, {0x0f, 0xb2, 0x1d, 0x00, 0x80, 0x01, 0x00}));
        CHECK(m.cpu->gpr[kRbx] == 0x1122'3344);
    }
}

TEST_CASE("PUSH and POP of segment registers") {
    M m;
    m.enter_protected(0);
    m.code_here({0x1e, 0x0f, 0xa1});  // PUSH DS; POP FS
    m.cpu->seg[kFs] = null_segment(0);
    m.run(2);
    CHECK(m.cpu->seg[kFs].selector == M::kKernelSs);
    CHECK(m.cpu->gpr[kRsp] == M::kKernelStack);
    CHECK(m.get<u32>(M::kKernelStack - 4) == M::kKernelSs);
}
