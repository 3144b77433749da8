// Page faults as instructions meet them: error codes by WP, NX, SMEP, SMAP, reserved bits and privilege; what
// moves to control registers and INVLPG, INVPCID leave in the TLB (SDM vol. 3A, 4.6, 4.7, 4.10).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u64 kPage = M::kSmallPages + 0x3000;
constexpr u64 kEntry = M::kTable + 8 * 3;
constexpr u64 kOtherFrame = 0x60'0000;

constexpr u32 kNoFault = ~0u;

// The error code of the #PF that the instruction at RIP raises.
u32 fault_of(M& m, std::initializer_list<unsigned> bytes) {
    m.set_gate(14, 0x8e, 1);
    m.code_here(bytes);
    m.cpu->gpr[kRbx] = kPage;
    m.run();
    if (!m.in_handler(14)) return kNoFault;
    CHECK(m.cpu->cr2 == kPage);
    return m.get<u32>(m.cpu->gpr[kRsp]);
}

u32 read_fault(M& m) {
    return fault_of(m, {0x8b, 0x03});  // MOV EAX, [RBX]
}
u32 write_fault(M& m) {
    return fault_of(m, {0x89, 0x03});  // MOV [RBX], EAX
}
u32 fetch_fault(M& m) {
    m.write(kPage, {0xf4});
    m.set_gate(14, 0x8e, 1);
    m.code_here({0xff, 0xe3});  // JMP RBX
    m.cpu->gpr[kRbx] = kPage;
    m.run(2);
    return m.in_handler(14) ? m.get<u32>(m.cpu->gpr[kRsp]) : kNoFault;
}

void set_entry(M& m, u64 value) {
    m.put(kEntry, value);
    m.cpu->tlb.invalidate_all(true);
}

}  // namespace

TEST_CASE("Page-fault error codes at CPL 3") {
    M m;
    m.enter_long(3);
    SECTION("not present") {
        set_entry(m, kPage);
        CHECK(read_fault(m) == 4);
    }
    SECTION("not present, written") {
        set_entry(m, kPage);
        CHECK(write_fault(m) == 6);
    }
    SECTION("read-only") {
        set_entry(m, kPage | 5);
        CHECK(write_fault(m) == 7);
    }
    SECTION("read-only, read") {
        set_entry(m, kPage | 5);
        CHECK(read_fault(m) == kNoFault);
    }
    SECTION("a supervisor's page") {
        set_entry(m, kPage | 3);
        CHECK(read_fault(m) == 5);
    }
    SECTION("no execution") {
        set_entry(m, kPage | 7 | pte::kNoExecute);
        CHECK(fetch_fault(m) == 0x15);
    }
    SECTION("NX without EFER.NXE is a reserved bit") {
        m.cpu->msr.efer &= ~efer::kNxe;
        set_entry(m, kPage | 7 | pte::kNoExecute);
        CHECK(read_fault(m) == 0xd);
    }
    SECTION("a reserved address bit") {
        set_entry(m, kPage | 7 | u64{1} << 45);
        CHECK(read_fault(m) == 0xd);
    }
    SECTION("CR4.SMAP and SMEP do not matter") {
        m.cpu->cr4 |= cr4::kSmap | cr4::kSmep;
        m.cpu->update_mode();
        CHECK(fetch_fault(m) == kNoFault);
    }
}

TEST_CASE("Page-fault error codes at CPL 0") {
    M m;
    m.enter_long(0);
    SECTION("read-only with WP") {
        set_entry(m, kPage | 1);
        CHECK(write_fault(m) == 3);
    }
    SECTION("read-only without WP") {
        m.cpu->cr0 &= ~cr0::kWp;
        set_entry(m, kPage | 1);
        CHECK(write_fault(m) == kNoFault);
    }
    SECTION("SMEP") {
        // Tables of the code and the handlers are user pages too: only the directory's first entry stays
        // executable.
        m.put(M::kDirectory, u64{0x83});
        m.cpu->cr4 |= cr4::kSmep;
        set_entry(m, kPage | 7);
        CHECK(fetch_fault(m) == 0x11);
    }
    SECTION("SMAP") {
        m.put(M::kDirectory, u64{0x83});
        m.cpu->cr4 |= cr4::kSmap;
        set_entry(m, kPage | 7);
        SECTION("read") {
            CHECK(read_fault(m) == 1);
        }
        SECTION("write") {
            CHECK(write_fault(m) == 3);
        }
        SECTION("lifted by STAC, back by CLAC") {
            m.cpu->gpr[kRbx] = kPage;
            m.set_gate(14, 0x8e, 1);
            // STAC; MOV EAX, [RBX]; CLAC; MOV EAX, [RBX]
            m.code_here({0x0f, 0x01, 0xcb, 0x8b, 0x03, 0x0f, 0x01, 0xca, 0x8b, 0x03});
            m.run(3);
            CHECK(m.cpu->rip() == M::kCode + 8);
            m.run(1);
            CHECK(m.in_handler(14));
            CHECK(m.get(M::kIst1 - 48) == 1);
        }
    }
}

TEST_CASE("A write sets the dirty bit, a read the accessed bit alone") {
    M m;
    m.enter_long(0);
    CHECK(read_fault(m) == kNoFault);
    CHECK((m.get(kEntry) & 0x60) == 0x20);
    m.restart();
    CHECK(write_fault(m) == kNoFault);
    CHECK((m.get(kEntry) & 0x60) == 0x60);
}

namespace {

// Reads [RBX] and returns the byte: which frame a translation leads to.
u64 byte_at(M& m, u64 linear) {
    m.restart();
    m.cpu->gpr[kRbx] = linear;
    m.code_here({0x0f, 0xb6, 0x03});  // MOVZX EAX, BYTE [RBX]
    m.run();
    return m.cpu->gpr[kRax];
}

void prepare(M& m) {
    m.enter_long(0);
    m.put(kPage, u8{1});
    m.put(kOtherFrame, u8{2});
}

void execute(M& m, std::initializer_list<unsigned> bytes) {
    m.restart();
    m.code_here(bytes);
    m.run();
}

void write_cr3(M& m, u64 value) {
    m.cpu->gpr[kRax] = value;
    execute(m, {0x0f, 0x22, 0xd8});
}
void write_cr4(M& m, u64 value) {
    m.cpu->gpr[kRax] = value;
    execute(m, {0x0f, 0x22, 0xe0});
}

}  // namespace

TEST_CASE("A stale translation lasts until INVLPG, or MOV to CR3") {
    M m;
    prepare(m);
    CHECK(byte_at(m, kPage) == 1);
    m.put(kEntry, kOtherFrame | 7);
    CHECK(byte_at(m, kPage) == 1);
    SECTION("INVLPG") {
        m.cpu->gpr[kRbx] = kPage + 0x123;
        execute(m, {0x0f, 0x01, 0x3b});
    }
    SECTION("CR3") {
        write_cr3(m, M::kPml4);
    }
    SECTION("CR4.PGE") {
        write_cr4(m, m.cpu->cr4 & ~cr4::kPge);
    }
    SECTION("CR4.SMEP set") {
        write_cr4(m, m.cpu->cr4 | cr4::kSmep);
    }
    m.put(M::kDirectory, u64{0x83});
    CHECK(byte_at(m, kPage) == 2);
}

TEST_CASE("Global translations outlive CR3, not INVLPG or a change of CR4.PGE") {
    M m;
    prepare(m);
    m.put(kEntry, kPage | 0x107);
    CHECK(byte_at(m, kPage) == 1);
    m.put(kEntry, kOtherFrame | 0x107);
    write_cr3(m, M::kPml4);
    CHECK(byte_at(m, kPage) == 1);
    SECTION("INVLPG") {
        m.cpu->gpr[kRbx] = kPage;
        execute(m, {0x0f, 0x01, 0x3b});
    }
    SECTION("PGE") {
        write_cr4(m, m.cpu->cr4 & ~cr4::kPge);
    }
    CHECK(byte_at(m, kPage) == 2);
}

TEST_CASE("PCIDs: translations belong to one, bit 63 keeps them, INVPCID drops them") {
    M m;
    prepare(m);
    write_cr4(m, m.cpu->cr4 | cr4::kPcide);
    write_cr3(m, M::kPml4 | 1);
    CHECK(byte_at(m, kPage) == 1);
    m.put(kEntry, kOtherFrame | 7);
    write_cr3(m, M::kPml4 | 2);
    CHECK(byte_at(m, kPage) == 2);
    CHECK((m.cpu->cr3 >> 63) == 0);
    SECTION("kept") {
        write_cr3(m, u64{1} << 63 | M::kPml4 | 1);
        CHECK((m.cpu->cr3 >> 63) == 0);
        CHECK(byte_at(m, kPage) == 1);
    }
    SECTION("dropped by the move") {
        write_cr3(m, M::kPml4 | 1);
        CHECK(byte_at(m, kPage) == 2);
    }
    auto invpcid = [&](u64 type, u64 pcid, u64 linear) {
        m.cpu->gpr[kRcx] = type;
        m.put(0x1'8000, pcid);
        m.put(0x1'8008, linear);
        m.cpu->gpr[kRbx] = 0x1'8000;
        execute(m, {0x66, 0x0f, 0x38, 0x82, 0x0b});
    };
    SECTION("INVPCID of an address") {
        invpcid(0, 1, kPage);
        write_cr3(m, u64{1} << 63 | M::kPml4 | 1);
        CHECK(byte_at(m, kPage) == 2);
    }
    SECTION("INVPCID of another PCID") {
        invpcid(1, 2, 0);
        write_cr3(m, u64{1} << 63 | M::kPml4 | 1);
        CHECK(byte_at(m, kPage) == 1);
    }
    SECTION("INVPCID of all") {
        invpcid(3, 0, 0);
        write_cr3(m, u64{1} << 63 | M::kPml4 | 1);
        CHECK(byte_at(m, kPage) == 2);
    }
    SECTION("reserved") {
        invpcid(4, 0, 0);
        CHECK(m.in_handler(13));
    }
    SECTION("a PCID of more than 12 bits") {
        invpcid(1, 0x1000, 0);
        CHECK(m.in_handler(13));
    }
    SECTION("an address that is not canonical") {
        invpcid(0, 1, u64{1} << 47);
        CHECK(m.in_handler(13));
    }
}

TEST_CASE("Alignment is checked at CPL 3 with CR0.AM and EFLAGS.AC") {
    M m;
    m.enter_long(3);
    m.cpu->cr0 |= cr0::kAm;
    m.cpu->gpr[kRbx] = kPage + 1;
    SECTION("AC clear") {
        m.code_here({0x8b, 0x03});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("AC set") {
        m.cpu->eflags |= rflags::kAc;
        m.cpu->update_mode();
        CHECK(m.raises(17, {0x8b, 0x03}));
        CHECK(m.get(m.cpu->gpr[kRsp]) == 0);
    }
}
