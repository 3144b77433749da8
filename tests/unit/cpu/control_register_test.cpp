// MOV to control and debug registers, LMSW, CLTS, FSGSBASE, UMIP, HLT: what they refuse and what they change
// (SDM vol. 2; vol. 3A, 2.5; vol. 3B, 17.2).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

// MOV CRn, RAX.
bool refused(M& m, unsigned number, u64 value) {
    m.restart();
    m.cpu->gpr[kRax] = value;
    if (number == 8) {
        m.code_here({0x44, 0x0f, 0x22, 0xc0});
    } else {
        m.code_here({0x0f, 0x22, 0xc0u | number << 3});
    }
    m.run();
    return m.in_handler(13);
}

}  // namespace

TEST_CASE("CR0: combinations that do not exist") {
    M m;
    m.enter_long(0);
    const u64 cr0 = m.cpu->cr0;
    CHECK(refused(m, 0, cr0 | u64{1} << 32));
    CHECK(refused(m, 0, cr0 & ~cr0::kPe));
    CHECK(refused(m, 0, cr0 | cr0::kNw));
    CHECK(refused(m, 0, cr0 & ~cr0::kPg));  // not from 64-bit code
    CHECK(m.cpu->cr0 == cr0);
    CHECK_FALSE(refused(m, 0, (cr0 | cr0::kTs | 1u << 28) & ~cr0::kEt));
    CHECK(m.cpu->cr0 == (cr0 | cr0::kTs));  // reserved bits are dropped, ET stays
    CHECK((m.cpu->key & key::kFpuTrap) != 0);
    m.restart();
    m.code_here({0x0f, 0x06});  // CLTS
    m.run();
    CHECK(m.cpu->cr0 == cr0);
    CHECK((m.cpu->key & key::kFpuTrap) == 0);
}

TEST_CASE("Paging with LME needs PAE") {
    M m;
    m.enter_protected(0);
    m.cpu->msr.efer = efer::kLme;
    CHECK(refused(m, 0, m.cpu->cr0 | cr0::kPg));
    CHECK(m.cpu->msr.efer == efer::kLme);
}

TEST_CASE("CR3, CR4, CR8: reserved bits and wrong moments") {
    M m;
    m.enter_long(0);
    CHECK(refused(m, 3, M::kPml4 | u64{1} << 40));
    CHECK(refused(m, 3, M::kPml4 | u64{1} << 63));  // without PCIDE
    const u64 cr4 = m.cpu->cr4;
    CHECK(refused(m, 4, cr4 | u64{1} << 12));  // LA57
    CHECK(refused(m, 4, cr4 | cr4::kVme));
    CHECK(refused(m, 4, cr4 | cr4::kOsxsave));
    CHECK(refused(m, 4, cr4 | cr4::kPke));
    CHECK(refused(m, 4, cr4 & ~cr4::kPae));
    m.cpu->cr3 = M::kPml4 | 8;
    CHECK(refused(m, 4, cr4 | cr4::kPcide));
    m.cpu->cr3 = M::kPml4;
    CHECK(m.cpu->cr4 == cr4);
    CHECK(refused(m, 8, 16));
    CHECK_FALSE(refused(m, 8, 9));
    CHECK(m.apic.priority == 9);
    CHECK_FALSE(refused(m, 2, 0x1234'5678'9abc'def0));
    CHECK(m.cpu->cr2 == 0x1234'5678'9abc'def0);
}

TEST_CASE("PCIDE forbids leaving paging") {
    M m;
    m.enter_long(0);
    m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode32));
    m.load(kCs, M::kFree, kCode32);
    m.cpu->update_mode();
    m.cpu->cr4 |= cr4::kPcide;
    CHECK(refused(m, 0, m.cpu->cr0 & ~cr0::kPg));
    m.cpu->cr4 &= ~cr4::kPcide;
    m.load(kCs, M::kFree, kCode32);
    m.cpu->cpl = 0;
    m.cpu->update_mode();
    CHECK_FALSE(refused(m, 0, m.cpu->cr0 & ~cr0::kPg));
    CHECK_FALSE(m.cpu->long_mode());
    CHECK((m.cpu->msr.efer & efer::kLme) != 0);
}

TEST_CASE("Control registers are the kernel's") {
    M m;
    m.enter_long(3);
    SECTION("MOV from CR0") {
        CHECK(m.raises(13, {0x0f, 0x20, 0xc0}));
    }
    SECTION("MOV to CR3") {
        CHECK(m.raises(13, {0x0f, 0x22, 0xd8}));
    }
    SECTION("CLTS") {
        CHECK(m.raises(13, {0x0f, 0x06}));
    }
    SECTION("INVLPG") {
        CHECK(m.raises(13, {0x0f, 0x01, 0x3b}));
    }
    SECTION("WBINVD") {
        CHECK(m.raises(13, {0x0f, 0x09}));
    }
    SECTION("HLT") {
        CHECK(m.raises(13, {0xf4}));
    }
    SECTION("LGDT") {
        CHECK(m.raises(13, {0x0f, 0x01, 0x13}));
    }
    SECTION("MOV from DR0") {
        CHECK(m.raises(13, {0x0f, 0x21, 0xc0}));
    }
    SECTION("STAC") {
        CHECK(m.raises(6, {0x0f, 0x01, 0xcb}));
    }
    SECTION("SMSW is everybody's") {
        m.code_here({0x48, 0x0f, 0x01, 0xe0});
        m.run();
        CHECK(m.cpu->gpr[kRax] == m.cpu->cr0);
    }
}

TEST_CASE("UMIP hides descriptor tables and CR0 from CPL 3") {
    CpuFeatures features;
    features.set(Feature::Umip);
    M m(features);
    m.enter_long(3);
    m.cpu->cr4 |= cr4::kUmip;
    m.cpu->gpr[kRbx] = 0x1'8000;
    SECTION("SMSW") {
        CHECK(m.raises(13, {0x0f, 0x01, 0xe0}));
    }
    SECTION("SGDT") {
        CHECK(m.raises(13, {0x0f, 0x01, 0x03}));
    }
    SECTION("STR") {
        CHECK(m.raises(13, {0x0f, 0x00, 0xc8}));
    }
}

TEST_CASE("LMSW sets PE, but cannot clear it") {
    M m;
    m.enter_protected(0);
    m.cpu->gpr[kRax] = cr0::kMp | cr0::kTs;
    m.code_here({0x0f, 0x01, 0xf0});
    m.run();
    CHECK(m.cpu->cr0 == (cr0::kPe | cr0::kMp | cr0::kTs | cr0::kNe | cr0::kEt));
}

TEST_CASE("Debug registers: fixed bits, aliases, and general detect") {
    M m;
    m.enter_long(0);
    auto move = [&](unsigned number, u64 value) {
        m.restart();
        m.cpu->gpr[kRax] = value;
        m.code_here({0x0f, 0x23, 0xc0u | number << 3});
        m.run();
    };
    move(7, 0xffff'ffff & ~(1u << 13));
    CHECK(m.cpu->dr[7] == 0xffff'0fff);
    move(7, 0);
    CHECK(m.cpu->dr[7] == 0x400);
    move(6, 0);
    CHECK(m.cpu->dr[6] == 0xffff'0ff0);
    move(4, 1);
    CHECK(m.cpu->dr[6] == 0xffff'0ff1);
    move(0, 0xffff'8000'1234'5678);
    CHECK(m.cpu->dr[0] == 0xffff'8000'1234'5678);
    SECTION("upper half of DR7") {
        move(7, u64{1} << 32);
        CHECK(m.in_handler(13));
    }
    SECTION("CR4.DE") {
        m.cpu->cr4 |= cr4::kDe;
        move(5, 0);
        CHECK(m.in_handler(6));
    }
    SECTION("GD") {
        move(7, 1u << 13);
        CHECK((m.cpu->dr[7] & 1u << 13) != 0);
        move(0, 1);
        CHECK(m.in_handler(1));
        CHECK((m.cpu->dr[6] & 1u << 13) != 0);
        CHECK((m.cpu->dr[7] & 1u << 13) == 0);
        CHECK(m.get(M::kKernelStack - 40) == M::kCode);
        CHECK(m.cpu->dr[0] == 0xffff'8000'1234'5678);
    }
}

TEST_CASE("RDFSBASE and WRGSBASE with CR4.FSGSBASE") {
    CpuFeatures features;
    features.set(Feature::Fsgsbase);
    M m(features);
    m.enter_long(3);
    m.cpu->seg[kFs].base = 0x7000;
    SECTION("off") {
        CHECK(m.raises(6, {0xf3, 0x48, 0x0f, 0xae, 0xc0}));
    }
    SECTION("on") {
        m.cpu->cr4 |= cr4::kFsgsbase;
        m.cpu->gpr[kRbx] = M::kSmallPages;
        m.put(M::kSmallPages + 8, u64{77});
        // RDFSBASE RAX; WRGSBASE RBX; MOV RCX, GS:[8]
        m.code_here({0xf3, 0x48, 0x0f, 0xae, 0xc0, 0xf3, 0x48, 0x0f, 0xae, 0xdb, 0x65, 0x48, 0x8b, 0x0c, 0x25,
                     8, 0, 0, 0});
        m.run(3);
        CHECK(m.cpu->gpr[kRax] == 0x7000);
        CHECK(m.cpu->gpr[kRcx] == 77);
        m.cpu->gpr[kRbx] = u64{1} << 47;
        CHECK(m.raises(13, {0xf3, 0x48, 0x0f, 0xae, 0xdb}));
    }
}
