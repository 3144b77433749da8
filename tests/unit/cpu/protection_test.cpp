// What guards memory besides page tables' rights: protection keys, 5-level paging and its canonical
// addresses, alignment checks (SDM vol. 3A, 4.5, 4.6.2, 6.15; vol. 1, 3.3.7.1).
#include "emulator/core/cpu/state/cpuid.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

CpuFeatures with(Feature feature) {
    CpuFeatures features;
    features.set(feature);
    return features;
}

constexpr u64 kPage = M::kSmallPages + 0x5000;
constexpr unsigned kKey = 5;

// Page kPage has key 5.
void enter_with_keys(M& m, unsigned cpl, u32 pkru) {
    m.enter_long(cpl);
    m.put(M::kTable + 8 * 5, kPage | 7 | u64{kKey} << 59);
    m.cpu->cr4 |= cr4::kPke;
    m.cpu->pkru = pkru;
    m.cpu->tlb.invalidate_all(true);
    m.cpu->gpr[kRbx] = kPage;
}

// The error code of the page fault of `bytes`, or ~0 where there is none.
u64 fault_code(M& m, std::initializer_list<unsigned> bytes) {
    m.code_here(bytes);
    m.run();
    return m.in_handler(14) ? m.get(m.cpu->gpr[kRsp]) : ~u64{0};
}

constexpr u64 kNone = ~u64{0};
constexpr u32 kAd = 1u << 2 * kKey, kWd = 2u << 2 * kKey;

}  // namespace

TEST_CASE("Protection keys: AD refuses all data accesses, WD writes, and the error code says PK") {
    M m(with(Feature::Pku));
    const std::initializer_list<unsigned> load = {0x8b, 0x03}, store = {0x89, 0x03};
    SECTION("user") {
        enter_with_keys(m, 3, 0);
        CHECK(fault_code(m, store) == kNone);
        enter_with_keys(m, 3, kAd);
        CHECK(fault_code(m, load) == 0x25);
        enter_with_keys(m, 3, kWd);
        CHECK(fault_code(m, load) == kNone);
        enter_with_keys(m, 3, kWd);
        CHECK(fault_code(m, store) == 0x27);
        enter_with_keys(m, 3, ~(kAd | kWd) & ~3u);
        CHECK(fault_code(m, store) == kNone);
    }
    SECTION("supervisor: WD counts with CR0.WP") {
        enter_with_keys(m, 0, kWd);
        CHECK(fault_code(m, store) == 0x23);
        enter_with_keys(m, 0, kWd);
        m.cpu->cr0 &= ~cr0::kWp;
        CHECK(fault_code(m, store) == kNone);
        enter_with_keys(m, 0, kAd);
        m.cpu->cr0 &= ~cr0::kWp;
        CHECK(fault_code(m, load) == 0x21);
    }
    SECTION("supervisor pages and fetches have no key") {
        enter_with_keys(m, 0, kAd);
        m.put(M::kTable + 8 * 5, kPage | 3 | u64{kKey} << 59);
        CHECK(fault_code(m, load) == kNone);
        enter_with_keys(m, 3, kAd);
        m.write(kPage, {0x90});
        m.cpu->rip() = kPage;
        m.run();
        CHECK(m.cpu->rip() == kPage + 1);
    }
    SECTION("without CR4.PKE bits 59 to 62 mean nothing") {
        enter_with_keys(m, 3, kAd);
        m.cpu->cr4 &= ~cr4::kPke;
        CHECK(fault_code(m, load) == kNone);
    }
}

TEST_CASE("WRPKRU changes rights at once, also of pages in the fast table") {
    M m(with(Feature::Pku));
    enter_with_keys(m, 3, 0);
    m.cpu->gpr[kRax] = kWd;
    m.cpu->gpr[kRdx] = 0;
    // MOV [RBX], EAX; WRPKRU; RDPKRU; MOV [RBX], EAX
    m.code_here({0x89, 0x03, 0x0f, 0x01, 0xef, 0x0f, 0x01, 0xee, 0x89, 0x03});
    m.cpu->gpr[kRcx] = 0;
    m.run(3);
    CHECK(m.cpu->pkru == kWd);
    CHECK(m.cpu->gpr[kRax] == kWd);
    m.run();
    CHECK(m.in_handler(14));
    CHECK(m.get(M::kRsp0 - 40) == M::kCode + 8);
}

TEST_CASE("RDPKRU and WRPKRU: #UD without CR4.PKE or the feature, #GP for ECX or EDX") {
    M m(with(Feature::Pku)), without;
    m.enter_long(3);
    m.cpu->gpr[kRcx] = 0;
    CHECK(m.raises(6, {0x0f, 0x01, 0xee}));
    enter_with_keys(m, 3, 0);
    m.cpu->gpr[kRcx] = 1;
    CHECK(m.raises(13, {0x0f, 0x01, 0xee}));
    enter_with_keys(m, 3, 0);
    m.cpu->gpr[kRcx] = 0;
    m.cpu->gpr[kRdx] = 1;
    CHECK(m.raises(13, {0x0f, 0x01, 0xef}));
    without.enter_long(3);
    CHECK(without.raises(6, {0x0f, 0x01, 0xee}));
}

TEST_CASE("PKRU is component 9 of XSAVE, behind AVX or, compacted without it, in its place") {
    CpuFeatures features = *cpu_profile("v3,pku");
    M m(features);
    m.enter_long(0);
    m.cpu->cr4 |= cr4::kPke | cr4::kOsxsave;
    m.cpu->xcr0 = xcr0::kX87 | xcr0::kSse | xcr0::kAvx | xcr0::kPkru;
    m.cpu->update_mode();
    const u64 area = M::kSmallPages + 0x1000;
    m.cpu->gpr[kRbx] = area;
    m.cpu->gpr[kRdx] = 0;
    m.cpu->pkru = 0x1234'5670;
    auto run = [&](u32 components, std::initializer_list<unsigned> bytes) {
        m.restart();
        m.cpu->gpr[kRax] = components;
        m.code_here(bytes);
        m.run();
        REQUIRE(m.cpu->rip() == M::kCode + bytes.size());
    };
    SECTION("XSAVE and XRSTOR") {
        run(~0u, {0x0f, 0xae, 0x23});
        CHECK(m.get(area + 832) == 0x1234'5670);
        CHECK((m.get(area + 512) & 0x200) != 0);
        m.cpu->pkru = 4;
        run(0x200, {0x0f, 0xae, 0x2b});
        CHECK(m.cpu->pkru == 0x1234'5670);
        m.put(area + 512, u64{0});
        run(0x200, {0x0f, 0xae, 0x2b});
        CHECK(m.cpu->pkru == 0);
    }
    SECTION("XSAVEC without AVX") {
        run(0x201, {0x0f, 0xc7, 0x23});
        CHECK(m.get(area + 576) == 0x1234'5670);
        CHECK(m.get(area + 520) == (u64{1} << 63 | 0x201));
        m.cpu->pkru = 4;
        run(0x200, {0x0f, 0xae, 0x2b});
        CHECK(m.cpu->pkru == 0x1234'5670);
    }
    SECTION("CPUID") {
        CHECK(cpuid(*m.cpu, 0xd, 0).eax == 0x207);
        CHECK(cpuid(*m.cpu, 0xd, 0).ebx == 840);
        CHECK(cpuid(*m.cpu, 0xd, 9).eax == 8);
        CHECK(cpuid(*m.cpu, 0xd, 9).ebx == 832);
    }
}

TEST_CASE("RDPID reads IA32_TSC_AUX at any level") {
    M m;
    m.enter_long(3);
    m.cpu->msr.tsc_aux = 0x1234'5678;
    m.cpu->gpr[kRdx] = ~u64{0};
    m.code_here({0xf3, 0x0f, 0xc7, 0xfa});
    m.run();
    CHECK(m.cpu->gpr[kRdx] == 0x1234'5678);
}

namespace {

constexpr u64 kPml5 = 0x5000;

// 5-level paging: the usual tables below entry 0, and the same again at 2^48.
void enter_la57(M& m, unsigned cpl) {
    m.enter_long(cpl);
    m.put(kPml5, M::kPml4 | 7);
    m.put(kPml5 + 8, M::kPml4 | 7);
    m.cpu->cr4 |= cr4::kLa57;
    m.cpu->cr3 = kPml5;
    m.cpu->tlb.invalidate_all(true);
    m.cpu->flush_fast();
}

}  // namespace

TEST_CASE("5-level paging: the tree's top, and addresses canonical at 57 bits") {
    M m(with(Feature::La57));
    enter_la57(m, 0);
    m.put(kPage, u64{0x1122'3344'5566'7788});
    SECTION("a load above 2^48") {
        m.cpu->gpr[kRbx] = u64{1} << 48 | kPage;
        m.code_here({0x48, 0x8b, 0x03});
        m.run();
        CHECK(m.cpu->gpr[kRax] == 0x1122'3344'5566'7788);
        CHECK((m.get(kPml5 + 8) & 0x20) != 0);
    }
    SECTION("code there") {
        m.cpu->gpr[kRbx] = u64{1} << 48 | (M::kCode + 0x100);
        m.write(M::kCode + 0x100, {0x90});
        m.code_here({0xff, 0xe3});  // JMP RBX
        m.run(2);
        CHECK(m.cpu->rip() == (u64{1} << 48 | (M::kCode + 0x101)));
    }
    SECTION("not canonical at 57 bits") {
        m.cpu->gpr[kRbx] = u64{1} << 56;
        CHECK(m.raises(13, {0x48, 0x8b, 0x03}));
        enter_la57(m, 0);
        CHECK(m.raises(13, {0xff, 0xe3}));
    }
    SECTION("an entry that is not there: #PF") {
        m.cpu->gpr[kRbx] = u64{2} << 48;
        CHECK(m.raises(14, {0x48, 0x8b, 0x03}));
    }
    SECTION("PS in the top entry is reserved") {
        m.put(kPml5 + 8, M::kPml4 | 0x87);
        m.cpu->gpr[kRbx] = u64{1} << 48;
        CHECK(fault_code(m, {0x48, 0x8b, 0x03}) == 9);
    }
    SECTION("MOV to CR4 cannot change it within IA-32e mode") {
        m.cpu->gpr[kRax] = m.cpu->cr4 & ~cr4::kLa57;
        CHECK(m.raises(13, {0x0f, 0x22, 0xe0}));
    }
}

TEST_CASE("Bases may be canonical at 57 bits where the CPU has them, whatever CR4 says") {
    const bool la57 = GENERATE(false, true);
    CAPTURE(la57);
    M m(la57 ? with(Feature::La57) : CpuFeatures{});
    m.enter_long(0);
    m.cpu->gpr[kRcx] = 0xc000'0100;  // FS base
    m.cpu->gpr[kRdx] = 0x00ff'0000;
    m.cpu->gpr[kRax] = 0;
    m.code_here({0x0f, 0x30});
    m.run();
    CHECK(m.in_handler(13) == !la57);
    // A near branch goes by CR4.
    m.enter_long(0);
    m.cpu->gpr[kRbx] = u64{1} << 50;
    CHECK(m.raises(13, {0xff, 0xe3}));
}

namespace {

// CPL 3 with alignment checks on.
void enter_aligned(M& m, u64 rbx) {
    m.enter_long(3);
    m.cpu->cr0 |= cr0::kAm;
    m.cpu->x87 = {};
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kAc);
    m.cpu->gpr[kRbx] = rbx;
    m.cpu->update_mode();
}
bool misaligned(M& m, u64 rbx, std::initializer_list<unsigned> bytes) {
    enter_aligned(m, rbx);
    m.code_here(bytes);
    m.run();
    return m.in_handler(17) && m.get(m.cpu->gpr[kRsp]) == 0 && m.get(m.cpu->gpr[kRsp] + 8) == M::kCode;
}

}  // namespace

TEST_CASE("#AC: every kind of access, by the size of its items (SDM vol. 3A, table 6-7)") {
    M m;
    constexpr u64 at = M::kSmallPages;
    struct Case {
        std::initializer_list<unsigned> bytes;
        unsigned alignment;
    };
    const Case cases[] = {
        {{0x66, 0x8b, 0x03}, 2},        // MOV AX, [RBX]
        {{0x8b, 0x03}, 4},              // MOV EAX, [RBX]
        {{0x48, 0x89, 0x03}, 8},        // MOV [RBX], RAX
        {{0x48, 0x01, 0x03}, 8},        // ADD [RBX], RAX
        {{0xff, 0x33}, 8},              // PUSH [RBX]
        {{0xf0, 0x0f, 0xb1, 0x0b}, 4},  // LOCK CMPXCHG [RBX], ECX
        {{0xf3, 0x0f, 0x10, 0x03}, 4},  // MOVSS XMM0, [RBX]
        {{0xf2, 0x0f, 0x10, 0x03}, 8},  // MOVSD XMM0, [RBX]
        {{0x0f, 0x10, 0x03}, 16},       // MOVUPS XMM0, [RBX]
        {{0x0f, 0x6f, 0x03}, 8},        // MOVQ MM0, [RBX]
        {{0xd9, 0x03}, 4},              // FLD DWORD
        {{0xdd, 0x03}, 8},              // FLD QWORD
        {{0xdb, 0x2b}, 8},              // FLD TBYTE
        {{0xd9, 0x3b}, 2},              // FNSTCW
        {{0xd9, 0x33}, 4},              // FNSTENV
        {{0x48, 0x0f, 0xa3, 0x0b}, 8},  // BT [RBX], RCX
        {{0x8e, 0x23}, 2},              // MOV FS, [RBX]
    };
    for (const Case& test : cases) {
        INFO("opcode " << *test.bytes.begin() << ", alignment " << test.alignment);
        CHECK_FALSE(misaligned(m, at + 0x100, test.bytes));
        CHECK_FALSE(misaligned(m, at + 0x100 + test.alignment, test.bytes));
        CHECK(misaligned(m, at + 0x100 + test.alignment / 2, test.bytes));
        CHECK(misaligned(m, at + 0x101, test.bytes));
    }
    CHECK_FALSE(misaligned(m, at + 0x101, {0x8a, 0x03}));  // a byte
}

TEST_CASE(
    "#AC on the stack, in strings; not at CPL 0, nor without AM or AC, nor for the CPU's own accesses") {
    M m;
    constexpr u64 odd = M::kSmallPages + 0x101;
    SECTION("stack") {
        enter_aligned(m, 0);
        m.cpu->gpr[kRsp] = M::kUserStack - 3;
        CHECK(m.raises(17, {0x50}));
        enter_aligned(m, 0);
        m.cpu->gpr[kRsp] = M::kUserStack - 3;
        CHECK(m.raises(17, {0xe8, 0, 0, 0, 0}));
    }
    SECTION("MOVSD") {
        enter_aligned(m, 0);
        m.cpu->gpr[kRsi] = M::kSmallPages;
        m.cpu->gpr[kRdi] = odd;
        CHECK(m.raises(17, {0xa5}));
    }
    SECTION("without AC") {
        enter_aligned(m, odd);
        m.cpu->set_rflags(rflags::kReservedOne);
        m.cpu->update_mode();
        m.code_here({0x8b, 0x03});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("CPL 0") {
        m.enter_long(0);
        m.cpu->cr0 |= cr0::kAm;
        m.cpu->set_rflags(rflags::kReservedOne | rflags::kAc);
        m.cpu->update_mode();
        m.cpu->gpr[kRbx] = odd;
        m.code_here({0x8b, 0x03});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("a descriptor table at an odd address") {
        enter_aligned(m, 0);
        std::memmove(m.bus.ram_at(M::kGdt + 0x101), m.bus.ram_at(M::kGdt), 0x80);
        m.cpu->gdtr.base = M::kGdt + 0x101;
        m.cpu->gpr[kRax] = M::kUserSs;
        m.code_here({0x8e, 0xe0});  // MOV FS, EAX
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("POPF that sets AC: from the next instruction on") {
        enter_aligned(m, odd);
        m.cpu->set_rflags(rflags::kReservedOne);
        m.cpu->update_mode();
        m.cpu->gpr[kRsp] -= 8;
        m.put(m.cpu->gpr[kRsp], u64{rflags::kReservedOne | rflags::kAc});
        m.code_here({0x9d, 0x8b, 0x03});
        m.run(2);
        CHECK(m.in_handler(17));
        CHECK(m.get(M::kRsp0 - 40) == M::kCode + 1);
    }
}
