// Hardware task switching (SDM vol. 3A, chapter 7): what is saved and loaded, busy bits, links and NT, and the faults on
// either side of the commit point.
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u16 kOld = M::kTssSelector, kNew = 0x48, kThird = 0x50, kGate = 0x58, kLdtSelector = 0x60,
              kSpare = 0x68;
constexpr u64 kOldTss = M::kTss, kNewTss = 0xc000, kThirdTss = 0xd000;
constexpr u64 kNewCode = 0x1'1000, kThirdCode = 0x1'2000, kNewStack = 0x5'0000, kThirdStack = 0x5'8000;
constexpr u16 kTss32 = 0x89, kBusy32 = 0x8b, kTss16 = 0x81, kBusy16 = 0x83;

// Offsets in a 32-bit TSS.
enum : u64 {
    kLink = 0,
    kCr3 = 0x1c,
    kEip = 0x20,
    kEflags = 0x24,
    kEax = 0x28,
    kEsp = 0x38,
    kSegments = 0x48,
    kLdt = 0x60,
    kTrap = 0x64
};

struct Tasks : M {
    Tasks() {
        enter_protected(0);
        set_descriptor(kOld, descriptor(kOldTss, 0x67, kBusy32));
        set_descriptor(kNew, descriptor(kNewTss, 0x67, kTss32));
        set_descriptor(kThird, descriptor(kThirdTss, 0x67, kTss32));
        set_descriptor(kGate, gate(kNew, 0, 0x85));
        make_tss(kNewTss, kNewCode, kNewStack);
        make_tss(kThirdTss, kThirdCode, kThirdStack);
        for (unsigned i = 0; i < 8; ++i) put(kNewTss + kEax + 4 * i, i == kRsp ? u32{kNewStack} : 0x1110 + i);
        write(kNewCode, {0xf4});
        write(kThirdCode, {0xf4});
    }
    void make_tss(u64 tss, u64 eip, u64 esp) {
        for (u64 at = 0; at < 0x68; at += 4) put(tss + at, u32{0});
        put(tss + kEip, static_cast<u32>(eip));
        put(tss + kEflags, u32{2});
        put(tss + kEsp, static_cast<u32>(esp));
        for (unsigned i = 0; i < 6; ++i) put(tss + kSegments + 4 * i, u32{i == kCs ? kKernelCs : kKernelSs});
        put(tss + 0x66, u16{0x68});
    }
    // One far JMP or CALL (opcode EAH, 9AH) to `selector`.
    void go(unsigned opcode, u16 selector) {
        code_here({opcode, 0, 0, 0, 0, selector & 0xffu, unsigned{selector} >> 8});
        run();
    }
    u8 type_of(u16 selector) { return get_descriptor(selector) >> 40 & 0xff; }
    u32 top(unsigned item = 0) { return get<u32>(cpu->gpr[kRsp] + 4 * item); }
};

// A fault raised before the commit point: the old task, its handler, and this error code.
bool refuses(Tasks& m, unsigned vector, u32 error, unsigned opcode, u16 selector) {
    m.go(opcode, selector);
    INFO("vector " << vector << ", error code " << m.top());
    const bool told = m.in_handler(vector) && m.top() == error && m.top(1) == M::kCode;
    const bool unchanged =
        m.cpu->tr.selector == kOld && m.type_of(kOld) == kBusy32 && (m.cpu->cr0 & cr0::kTs) == 0;
    CHECK(told);
    CHECK(unchanged);
    return told && unchanged;
}

}  // namespace

TEST_CASE("JMP to a TSS saves one task and loads the other") {
    Tasks m;
    for (unsigned i = 0; i < 8; ++i) m.cpu->gpr[i] = i == kRsp ? M::kKernelStack : 0x2220 + i;
    m.cpu->set_rflags(2 | rflags::kCf | rflags::kDf);
    m.cpu->dr[7] = 0x7ff;
    const bool by_gate = GENERATE(false, true);
    m.go(0xea, by_gate ? kGate : kNew);
    CHECK(m.cpu->rip() == kNewCode);
    CHECK(m.get<u32>(kOldTss + kEip) == M::kCode + 7);
    CHECK(m.get<u32>(kOldTss + kEflags) == (2 | rflags::kCf | rflags::kDf));
    for (unsigned i = 0; i < 8; ++i) {
        CHECK(m.get<u32>(kOldTss + kEax + 4 * i) == (i == kRsp ? M::kKernelStack : 0x2220 + i));
        CHECK(m.cpu->gpr[i] == (i == kRsp ? kNewStack : 0x1110 + i));
    }
    for (unsigned i = 0; i < 6; ++i) {
        const u16 selector = i == kCs ? M::kKernelCs : M::kKernelSs;
        CHECK(m.get<u16>(kOldTss + kSegments + 4 * i) == selector);
        CHECK(m.cpu->seg[i].selector == selector);
        CHECK(m.cpu->seg[i].present());
    }
    CHECK(m.cpu->rflags() == 2);
    CHECK(m.cpu->tr.selector == kNew);
    CHECK(m.cpu->tr.base == kNewTss);
    CHECK(m.cpu->tr.access == kBusy32);
    CHECK(m.type_of(kOld) == kTss32);
    CHECK(m.type_of(kNew) == kBusy32);
    CHECK(m.get<u16>(kNewTss + kLink) == 0);
    CHECK((m.cpu->cr0 & cr0::kTs) != 0);
    CHECK(m.cpu->dr[7] == (0x7ff & ~0x155));
    CHECK(m.cpu->cpl == 0);
    m.run();
    CHECK(m.cpu->activity == Activity::Halted);
}

TEST_CASE("CALL nests a task, IRET with NT goes back") {
    Tasks m;
    m.write(kNewCode, {0x90, 0xcf, 0xf4});  // NOP; IRET; HLT
    m.put(kNewTss + kEflags, u32{2 | rflags::kZf});
    m.go(0x9a, kNew);
    CHECK(m.cpu->rip() == kNewCode);
    CHECK(m.cpu->rflags() == (2 | rflags::kZf | rflags::kNt));
    CHECK(m.get<u16>(kNewTss + kLink) == kOld);
    CHECK(m.type_of(kOld) == kBusy32);
    CHECK(m.type_of(kNew) == kBusy32);
    CHECK(m.get<u32>(kOldTss + kEip) == M::kCode + 7);
    m.cpu->nmi_blocked = true;
    m.run(2);
    CHECK(m.cpu->rip() == M::kCode + 7);
    CHECK(m.cpu->rflags() == 2);
    CHECK(m.cpu->tr.selector == kOld);
    CHECK(m.type_of(kOld) == kBusy32);
    CHECK(m.type_of(kNew) == kTss32);
    CHECK(m.get<u32>(kNewTss + kEip) == kNewCode + 2);
    CHECK(m.get<u32>(kNewTss + kEflags) == (2 | rflags::kZf));
    CHECK_FALSE(m.cpu->nmi_blocked);
}

TEST_CASE("Exceptions and INT n through a task gate, with the error code on the new stack") {
    Tasks m;
    SECTION("#GP") {
        m.put(M::kIdt + 13 * 8, gate(kNew, 0, 0x85));
        m.cpu->gpr[kRax] = kSpare;  // no such descriptor
        m.set_descriptor(kSpare, descriptor(0, 0, 0));
        m.code_here({0x8e, 0xd8});                    // MOV DS, EAX
        m.write(kNewCode, {0x83, 0xc4, 0x04, 0xcf});  // ADD ESP, 4; IRET
        m.run();
        CHECK(m.get<u32>(kNewStack - 4) == kSpare);
        CHECK(m.cpu->rip() == kNewCode + 3);
        CHECK(m.cpu->gpr[kRsp] == kNewStack);
        CHECK(m.get<u32>(kOldTss + kEip) == M::kCode);
        CHECK((m.get<u32>(kOldTss + kEflags) & rflags::kRf) != 0);
        m.run();
        CHECK(m.cpu->rip() == M::kCode);
        CHECK(m.cpu->tr.selector == kOld);
    }
    SECTION("INT n from CPL 3 needs a gate of DPL 3") {
        m.enter_protected(3);
        m.put(M::kIdt + 0x80 * 8, gate(kNew, 0, 0x85));
        m.put(M::kIdt + 13 * 8, gate(kThird, 0, 0x85));
        m.code_here({0xcd, 0x80});
        m.run();
        CHECK(m.get<u32>(kThirdStack - 4) == 0x80 * 8 + 2);
        m.set_descriptor(kThird, descriptor(kThirdTss, 0x67, kTss32));
        m.enter_protected(3);
        m.put(M::kIdt + 0x80 * 8, gate(kNew, 0, 0xe5));
        m.run();
        CHECK(m.cpu->cpl == 0);
        CHECK(m.cpu->tr.selector == kNew);
        CHECK(m.get<u32>(kOldTss + kEip) == M::kCode + 2);
        CHECK(m.get<u16>(kOldTss + kSegments + 4 * kSs) == M::kUserSs);
        CHECK(m.cpu->gpr[kRsp] == kNewStack);  // no error code
    }
    SECTION("an interrupt, and faults of the gate have EXT set") {
        m.cpu->set_rflags(2 | rflags::kIf);
        m.put(M::kIdt + 0x40 * 8, gate(kNew, 0, 0x85));
        m.put(M::kIdt + 11 * 8, gate(kThird, 0, 0x85));
        m.cpu->intr = true;
        SECTION("taken") {
            m.run();
            CHECK(m.cpu->tr.selector == kNew);
            CHECK(m.get<u32>(kOldTss + kEip) == M::kCode);
        }
        SECTION("not present") {
            m.set_descriptor(kNew, descriptor(kNewTss, 0x67, kTss32 & ~0x80));
            m.run();
            CHECK(m.cpu->tr.selector == kThird);
            CHECK(m.get<u32>(kThirdStack - 4) == kNew + 1);
        }
    }
}

TEST_CASE("A 16-bit TSS has words, and no FS, GS, CR3 and T flag") {
    Tasks m;
    m.set_descriptor(kNew, descriptor(kNewTss, 0x2b, kTss16));
    const u16 image[] = {0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0,
                         0x9000,
                         0x0ed7,
                         0xa,
                         0xc,
                         0xd,
                         0xb,
                         0x7000,
                         0x5,
                         0x6,
                         0x7,
                         M::kKernelSs,
                         kSpare,
                         M::kKernelSs,
                         M::kKernelSs,
                         0};
    for (unsigned i = 0; i < std::size(image); ++i) m.put(kNewTss + 2 * i, image[i]);
    m.set_descriptor(kSpare, descriptor(0, 0xffff, kCode16));
    m.write(0x9000, {0xcf});
    m.go(0x9a, kNew);
    CHECK(m.cpu->rip() == 0x9000);
    CHECK(m.cpu->rflags() == (0x0ed7 | rflags::kNt));
    CHECK(m.cpu->gpr[kRbx] == 0xb);
    CHECK(m.cpu->gpr[kRsp] == 0x7000);
    CHECK(m.cpu->seg[kCs].selector == kSpare);
    CHECK(m.cpu->seg[kFs].selector == 0);
    CHECK_FALSE(m.cpu->seg[kGs].present());
    CHECK(m.cpu->tr.access == kBusy16);
    CHECK(m.get<u16>(kNewTss) == kOld);
    m.run();
    CHECK(m.cpu->rip() == M::kCode + 7);
    CHECK(m.get<u16>(kNewTss + 0x0e) == 0x9001);
    CHECK(m.get<u16>(kNewTss + 0x10) == 0x0ed7);
    CHECK(m.type_of(kNew) == kTss16);
}

TEST_CASE("What is refused in the old task") {
    Tasks m;
    for (const unsigned opcode : {0xeau, 0x9au}) {
        SECTION("busy") {
            m.set_descriptor(kNew, descriptor(kNewTss, 0x67, kBusy32));
            CHECK(refuses(m, 13, kNew, opcode, kNew));
        }
        SECTION("not present") {
            m.set_descriptor(kNew, descriptor(kNewTss, 0x67, kTss32 & ~0x80));
            CHECK(refuses(m, 11, kNew, opcode, kNew));
        }
        SECTION("RPL") {
            CHECK(refuses(m, 13, kNew, opcode, kNew | 1));
        }
        SECTION("a limit too small") {
            m.set_descriptor(kNew, descriptor(kNewTss, 0x66, kTss32));
            CHECK(refuses(m, 10, kNew, opcode, kNew));
        }
        SECTION("a gate that is not present") {
            m.set_descriptor(kGate, gate(kNew, 0, 0x05));
            CHECK(refuses(m, 11, kGate, opcode, kGate));
        }
        SECTION("a gate to what is no TSS, to the local table, or beyond the table") {
            for (const u16 target : {u16{M::kKernelCs}, u16{kNew | 4}, u16{0xfff8}}) {
                m.restart();
                m.cpu->gpr[kRsp] = M::kKernelStack;
                m.set_descriptor(kGate, gate(target, 0, 0x85));
                CHECK(refuses(m, 13, target, opcode, kGate));
            }
        }
    }
    SECTION("IRET: a link that names no busy TSS is #TS") {
        for (const u16 link : {kNew, u16{M::kKernelCs}, u16{kOld | 4}, u16{0xfff8}}) {
            m.restart();
            m.cpu->gpr[kRsp] = M::kKernelStack;
            m.cpu->set_rflags(2 | rflags::kNt);
            m.put(kOldTss, link);
            CHECK(m.raises(10, {0xcf}));
            CHECK(m.top() == (link & ~3u));
            CHECK(m.cpu->tr.selector == kOld);
        }
    }
    SECTION("in IA-32e mode there are no tasks") {
        M wide;
        wide.enter_long(0);
        wide.set_descriptor(kGate, gate(kNew, 0, 0x85), 0);
        wide.put(M::kIdt + 0x80 * 16, gate(kNew, 0, 0x85));
        CHECK(wide.raises(13, {0xcd, 0x80}));
        CHECK(wide.get(wide.cpu->gpr[kRsp]) == 0x80 * 8 + 2);
    }
}

TEST_CASE("A page fault on the way to the new TSS leaves the old task as it was") {
    Tasks m;
    // Identity by 4 KiB pages, but for the new TSS's.
    m.put(M::kPml4, static_cast<u32>(M::kTable | 3));
    for (u32 i = 0; i < 1024; ++i) m.put(M::kTable + 4 * i, i << 12 | 3u);
    m.cpu->cr3 = M::kPml4;
    m.cpu->cr0 |= cr0::kPg | cr0::kWp;
    SECTION("not present") {
        m.put(M::kTable + 4 * (kNewTss >> 12), u32{0});
    }
    SECTION("the descriptors cannot be written") {
        m.put(M::kTable + 4 * (M::kGdt >> 12), static_cast<u32>(M::kGdt | 1));
    }
    m.go(0xea, kNew);
    CHECK(m.in_handler(14));
    CHECK(m.cpu->tr.selector == kOld);
    CHECK(m.type_of(kOld) == kBusy32);
    CHECK(m.type_of(kNew) == kTss32);
    CHECK(m.top(1) == M::kCode);
}

TEST_CASE("Behind the commit point faults are the new task's, at its first instruction") {
    Tasks m;
    // The handler is a task of its own: segments that failed are no hindrance to it.
    for (const unsigned vector : {10u, 11u, 12u, 13u}) m.put(M::kIdt + vector * 8, gate(kThird, 0, 0x85));
    u32 error = kSpare;
    const auto segment = [](unsigned index) { return kNewTss + kSegments + 4 * index; };
    SECTION("CS: data") {
        m.put(segment(kCs), error = M::kKernelSs);
    }
    SECTION("CS: null") {
        m.put(segment(kCs), error = 0);
    }
    SECTION("CS: DPL is not RPL") {
        m.put(segment(kCs), u32{M::kKernelCs | 3});
        error = M::kKernelCs;
    }
    SECTION("CS: not present") {
        m.set_descriptor(kSpare, descriptor(0, 0xfffff, kCode32 & ~0x80));
        m.put(segment(kCs), u32{kSpare});
    }
    SECTION("SS: null") {
        m.put(segment(kSs), error = 0);
    }
    SECTION("SS: code") {
        m.put(segment(kSs), error = M::kKernelCs);
    }
    SECTION("SS: not present") {
        m.set_descriptor(kSpare, descriptor(0, 0xfffff, kData32 & ~0x80));
        m.put(segment(kSs), u32{kSpare});
    }
    SECTION("DS: a system segment") {
        m.put(segment(kDs), error = kNew);
    }
    SECTION("GS: not present") {
        m.set_descriptor(kSpare, descriptor(0, 0xfffff, kData32 & ~0x80));
        m.put(segment(kGs), u32{kSpare});
    }
    SECTION("LDT: no LDT") {
        m.put(kNewTss + kLdt, error = M::kKernelSs);
    }
    SECTION("LDT: in the local table") {
        m.put(kNewTss + kLdt, u32{kLdtSelector | 4});
        error = kLdtSelector | 4;
    }
    SECTION("EIP beyond CS's limit") {
        m.set_descriptor(kSpare, descriptor(0, 0xffff, kCode32 & ~0x8000));
        m.put(segment(kCs), u32{kSpare});
        error = 0;
    }
    m.go(0x9a, kNew);
    CHECK(m.cpu->tr.selector == kThird);
    CHECK(m.get<u32>(kThirdStack - 4) == error);
    CHECK(m.get<u16>(kThirdTss) == kNew);
    CHECK(m.get<u32>(kNewTss + kEip) == kNewCode);
    CHECK((m.get<u32>(kNewTss + kEflags) & rflags::kNt) != 0);
    CHECK(m.get<u32>(kOldTss + kEip) == M::kCode + 7);
}

TEST_CASE("A task brings its LDT and CR3, and its T flag traps before its first instruction") {
    Tasks m;
    SECTION("LDT") {
        m.set_descriptor(kLdtSelector, descriptor(M::kLdt, 0xff, 0x82));
        m.put(M::kLdt + 8, descriptor(0, 0xfffff, kData32));
        m.put(kNewTss + kLdt, u32{kLdtSelector});
        m.put(kNewTss + kSegments + 4 * kFs, u32{8 | 4});
        m.go(0xea, kNew);
        CHECK(m.cpu->rip() == kNewCode);
        CHECK(m.cpu->ldtr.base == M::kLdt);
        CHECK(m.cpu->seg[kFs].present());
    }
    SECTION("CR3") {
        constexpr u32 kOther = 0x5000;
        for (const u64 directory : {u64{M::kPml4}, u64{kOther}}) {
            m.put(directory, u32{0x83});  // 4 MiB
            m.put(directory + 4, directory == kOther ? u32{0x83} : u32{0x40'0083});
        }
        m.cpu->cr4 |= cr4::kPse;
        m.cpu->cr3 = M::kPml4;
        m.cpu->cr0 |= cr0::kPg;
        m.put(kNewTss + kCr3, kOther);
        m.write(kNewCode, {0xa1, 0x00, 0x00, 0x43, 0x00});  // MOV EAX, [430000H]: 30000H in the new space
        m.put(0x3'0000, u32{0x1234'5678});
        m.go(0xea, kNew);
        CHECK(m.cpu->cr3 == kOther);
        m.run();
        CHECK(m.cpu->gpr[kRax] == 0x1234'5678);
    }
    SECTION("T") {
        m.put(kNewTss + kTrap, u16{1});
        m.go(0xea, kNew);
        m.run();
        CHECK(m.in_handler(1));
        CHECK(m.top() == kNewCode);
        CHECK((m.cpu->dr[6] & (1u << 15)) != 0);
    }
    SECTION("a single step of the old task is over") {
        m.cpu->set_rflags(2 | rflags::kTf);
        m.go(0xea, kNew);
        m.run();
        CHECK(m.cpu->rip() == kNewCode + 1);
        CHECK((m.get<u32>(kOldTss + kEflags) & rflags::kTf) != 0);
    }
}

TEST_CASE("A task may be in virtual-8086 mode, and be left by a task gate") {
    Tasks m;
    m.put(kNewTss + kEflags, u32{2 | rflags::kVm | rflags::kIopl});
    m.put(kNewTss + kEip, u32{0x100});
    for (unsigned i = 0; i < 6; ++i) m.put(kNewTss + kSegments + 4 * i, 0x1100 + i);
    m.put(M::kIdt + 0x80 * 8, gate(kThird, 0, 0xe5));
    m.write(0x1'1010 + 0x100, {0xcd, 0x80});
    m.go(0xea, kNew);
    CHECK(m.cpu->virtual_8086());
    CHECK(m.cpu->cpl == 3);
    CHECK(m.cpu->seg[kGs].base == 0x1105 * 16);
    CHECK(m.cpu->rip() == 0x100);
    m.run();
    CHECK(m.cpu->tr.selector == kThird);
    CHECK(m.cpu->cpl == 0);
    CHECK_FALSE(m.cpu->virtual_8086());
    CHECK((m.get<u32>(kNewTss + kEflags) & rflags::kVm) != 0);
    CHECK(m.get<u16>(kNewTss + kSegments + 4 * kCs) == 0x1101);
}
