// CPUID, model-specific registers, the time-stamp counter, ports (SDM vol. 2, CPUID; vol. 3B, 17.17; vol.
// 1, 18.5).
#include "emulator/core/cpu/state/cpuid.h"
#include "emulator/core/cpu/state/msr.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

std::string text(std::initializer_list<u32> registers) {
    std::string out;
    for (u32 value : registers)
        for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out.substr(0, out.find('\0'));
}

bool bit(u32 value, unsigned number) {
    return (value >> number & 1) != 0;
}

// A device of one port that remembers.
class Port : public Device {
  public:
    std::string_view name() const override { return "test.port"; }
    void reset() override {}
    void visit(Archive&) override {}
    u32 io_read(u16, unsigned size) override {
        ++reads;
        return size == 1 ? 0x5a : 0x1122'3344;
    }
    void io_write(u16 port, unsigned size, u32 value) override { written.push_back({port, size, value}); }
    struct Write {
        u16 port;
        unsigned size;
        u32 value;
        bool operator==(const Write&) const = default;
    };
    unsigned reads = 0;
    std::vector<Write> written;
};

}  // namespace

TEST_CASE("CPUID names the CPU and agrees with the model") {
    M m;
    m.enter_long(0);
    Cpu& cpu = *m.cpu;
    const CpuidResult vendor = cpuid(cpu, 0, 0);
    CHECK(text({vendor.ebx, vendor.edx, vendor.ecx}) == "GenuineIntel");
    CHECK(vendor.eax == 0x16);
    std::string brand;
    for (u32 leaf : {0x8000'0002u, 0x8000'0003u, 0x8000'0004u}) {
        const CpuidResult part = cpuid(cpu, leaf, 0);
        brand += text({part.eax, part.ebx, part.ecx, part.edx});
    }
    CHECK(brand == "Orrery virtual CPU @ 1.00GHz");

    const CpuidResult one = cpuid(cpu, 1, 0);
    for (unsigned needed : {0, 3, 4, 5, 6, 8, 9, 13, 15, 16, 19, 23, 24, 25, 26}) CHECK(bit(one.edx, needed));
    for (unsigned needed : {0, 3, 9, 13, 17, 19, 20, 21, 23, 24, 31}) CHECK(bit(one.ecx, needed));
    for (unsigned absent : {12, 22, 25, 26, 27, 28, 29, 30}) CHECK_FALSE(bit(one.ecx, absent));
    const CpuidResult seven = cpuid(cpu, 7, 0);
    for (unsigned needed : {0, 1, 7, 9, 10, 20}) CHECK(bit(seven.ebx, needed));
    for (unsigned absent : {3, 5, 8}) CHECK_FALSE(bit(seven.ebx, absent));
    CHECK(seven.ecx == (1u << 2 | 1u << 22));  // UMIP, RDPID
    // MONITOR's line is a cache line.
    CHECK(cpuid(cpu, 5, 0).eax == 64);
    CHECK(cpuid(cpu, 5, 0).ebx == 64);

    const CpuidResult clock = cpuid(cpu, 0x15, 0);
    CHECK(u64{clock.ecx} * clock.ebx / clock.eax == kTicksPerSecond);
    CHECK(bit(cpuid(cpu, 0x8000'0007, 0).edx, 8));
    CHECK((cpuid(cpu, 0x8000'0008, 0).eax & 0xff) == kPhysicalBits);
    CHECK(cpuid(cpu, 0x4000'0000, 0).eax == 0x4000'0000);
    // Beyond the end: as the last basic leaf.
    CHECK(cpuid(cpu, 0x99, 0).eax == cpuid(cpu, 0x16, 0).eax);
    CHECK(cpuid(cpu, 0xd, 0).eax == 0);
}

TEST_CASE("CPUID shows SYSCALL in 64-bit mode, and features that are turned on") {
    CpuFeatures features;
    features.set(Feature::Pku);
    features.set(Feature::La57);
    features.clear(Feature::Fsgsbase);
    features.clear(Feature::Smap);
    M m(features);
    m.enter_long(0);
    CHECK(bit(cpuid(*m.cpu, 0x8000'0001, 0).edx, 11));
    CHECK_FALSE(bit(cpuid(*m.cpu, 7, 0).ebx, 0));
    CHECK_FALSE(bit(cpuid(*m.cpu, 7, 0).ebx, 20));
    CHECK(bit(cpuid(*m.cpu, 7, 0).ecx, 3));
    CHECK_FALSE(bit(cpuid(*m.cpu, 7, 0).ecx, 4));
    m.cpu->cr4 |= cr4::kPke;
    CHECK(bit(cpuid(*m.cpu, 7, 0).ecx, 4));
    CHECK(bit(cpuid(*m.cpu, 7, 0).ecx, 16));
    CHECK((cpuid(*m.cpu, 0x8000'0008, 0).eax >> 8) == 57);
    m.enter_protected(0);
    CHECK_FALSE(bit(cpuid(*m.cpu, 0x8000'0001, 0).edx, 11));
    CHECK(bit(cpuid(*m.cpu, 0x8000'0001, 0).edx, 29));
}

TEST_CASE("CPUID's topology agrees over its leaves") {
    M m;
    m.enter_long(0);
    m.cpu->env.cpu_count = 3;
    m.cpu->id = 2;
    const CpuidResult one = cpuid(*m.cpu, 1, 0);
    CHECK(one.ebx >> 24 == 2);
    CHECK((one.ebx >> 16 & 0xff) == 4);
    CHECK(bit(one.edx, 28));
    CHECK(cpuid(*m.cpu, 4, 0).eax >> 26 == 3);
    CHECK(cpuid(*m.cpu, 0xb, 0).ecx == 0x100);
    const CpuidResult cores = cpuid(*m.cpu, 0xb, 1);
    CHECK(cores.eax == 2);
    CHECK(cores.ebx == 3);
    CHECK(cores.ecx == 0x201);
    CHECK(cores.edx == 2);
    CHECK(cpuid(*m.cpu, 0xb, 2).ebx == 0);
    m.cpu->id = 0;
}

TEST_CASE("Leaf 4 describes caches of the sizes that leaf 80000006H tells") {
    M m;
    m.enter_long(0);
    auto size = [&](u32 subleaf) {
        const CpuidResult r = cpuid(*m.cpu, 4, subleaf);
        return ((r.ebx >> 22) + 1) * ((r.ebx & 0xfff) + 1) * (r.ecx + 1);
    };
    CHECK(size(0) == 32 * 1024);
    CHECK(size(2) == (cpuid(*m.cpu, 0x8000'0006, 0).ecx >> 16) * 1024);
    CHECK(cpuid(*m.cpu, 4, 4).eax == 0);
}

TEST_CASE("RDMSR and WRMSR: unknown registers and reserved values raise #GP(0)") {
    M m;
    m.enter_long(0);
    auto write = [&](u32 number, u64 value) {
        m.restart();
        m.cpu->gpr[kRcx] = number;
        m.cpu->gpr[kRax] = value & 0xffff'ffff;
        m.cpu->gpr[kRdx] = value >> 32;
        m.code_here({0x0f, 0x30});
        m.run();
        return !m.in_handler(13);
    };
    auto read = [&](u32 number) -> u64 {
        m.restart();
        m.cpu->gpr[kRcx] = number;
        m.code_here({0x0f, 0x32});
        m.run();
        return m.in_handler(13) ? 0xdead : m.cpu->gpr[kRdx] << 32 | m.cpu->gpr[kRax];
    };
    CHECK(read(0x1234) == 0xdead);
    CHECK_FALSE(write(0x1234, 0));
    CHECK_FALSE(write(0xfe, 0));  // read-only
    CHECK(write(0xc000'0082, 0xffff'8000'0000'1000));
    CHECK(read(0xc000'0082) == 0xffff'8000'0000'1000);
    CHECK_FALSE(write(0xc000'0082, u64{1} << 47));
    CHECK_FALSE(write(0xc000'0084, u64{1} << 32));
    CHECK_FALSE(write(0xc000'0080, u64{1} << 1));
    CHECK_FALSE(write(0xc000'0080, m.cpu->msr.efer & ~efer::kLme));  // paging is on
    CHECK_FALSE(write(0x277, 0x0200'0000'0000'0000));
    CHECK(write(0x277, 0x0007'0105'0600'0406));
    CHECK_FALSE(write(0x2ff, 2));
    CHECK(write(0x2ff, 0xc06));
    CHECK(write(0xc000'0101, 0x5000));
    CHECK(m.cpu->seg_base[kGs] == 0x5000);
    CHECK(read(0x1b) == 0xfee0'0900);
    CHECK(write(0xc000'0103, 7));
    m.restart();
    m.code_here({0x0f, 0x01, 0xf9});  // RDTSCP
    m.run();
    CHECK(m.cpu->gpr[kRcx] == 7);
}

namespace {

// WRMSR of `value`; false where it raises #GP(0).
bool write_msr_of(M& m, u32 number, u64 value) {
    m.restart();
    m.cpu->gpr[kRcx] = number;
    m.cpu->gpr[kRax] = value & 0xffff'ffff;
    m.cpu->gpr[kRdx] = value >> 32;
    m.code_here({0x0f, 0x30});
    m.run();
    return !m.in_handler(13);
}

}  // namespace

TEST_CASE("IA32_MISC_ENABLE: each bit is written, ignored or reserved as table 2-2 of volume 4 says") {
    constexpr u32 kMiscEnable = 0x1a0;
    M m;
    m.enter_long(0);
    u64 initial = 0;
    CHECK(read_msr(m.cpu.get(), kMiscEnable, initial));
    CHECK(initial == 0x41801);
    constexpr u64 kWritten = 1 | 1u << 3 | 1u << 18 | 1u << 22 | u64{1} << 34;
    // Read-only, or of features that this core has not got.
    constexpr u64 kIgnored = 1u << 7 | 1u << 11 | 1u << 12 | 1u << 16 | 1u << 23;
    for (unsigned number = 0; number < 64; ++number) {
        const u64 flag = u64{1} << number;
        INFO("bit " << number);
        CHECK(write_msr_of(m, kMiscEnable, initial ^ flag) == (((kWritten | kIgnored) & flag) != 0));
        u64 now = 0;
        CHECK(read_msr(m.cpu.get(), kMiscEnable, now));
        CHECK(now == ((kWritten & flag) != 0 ? initial ^ flag : initial));
        CHECK(write_msr_of(m, kMiscEnable, initial));
    }
}

TEST_CASE("IA32_MISC_ENABLE: limiting CPUID hides basic leaves, disabling XD takes NX away") {
    constexpr u32 kMiscEnable = 0x1a0, kEferNumber = 0xc000'0080;
    M m;
    m.enter_long(0);
    Cpu& cpu = *m.cpu;
    CHECK(write_msr_of(m, kMiscEnable, 0x41801 | 1u << 22));
    CHECK(cpuid(cpu, 0, 0).eax == 2);
    CHECK(cpuid(cpu, 7, 0).ebx == cpuid(cpu, 2, 0).ebx);
    CHECK(cpuid(cpu, 0x8000'0000, 0).eax == 0x8000'0008);

    CHECK(bit(cpuid(cpu, 0x8000'0001, 0).edx, 20));
    CHECK(write_msr_of(m, kMiscEnable, 0x41801 | u64{1} << 34));
    CHECK(cpuid(cpu, 0, 0).eax == 0x16);
    CHECK_FALSE(bit(cpuid(cpu, 0x8000'0001, 0).edx, 20));
    CHECK((cpu.msr.efer & efer::kNxe) == 0);
    CHECK_FALSE(write_msr_of(m, kEferNumber, cpu.msr.efer | efer::kNxe));
    CHECK(write_msr_of(m, kEferNumber, cpu.msr.efer));
    CHECK(write_msr_of(m, kMiscEnable, 0x41801));
    CHECK(write_msr_of(m, kEferNumber, cpu.msr.efer | efer::kNxe));
}

TEST_CASE("IA32_APIC_BASE: bits from MAXPHYADDR on are reserved") {
    M m;
    m.enter_long(0);
    const unsigned width = cpuid(*m.cpu, 0x8000'0008, 0).eax & 0xff;
    for (unsigned number = 12; number < 64; ++number) {
        INFO("bit " << number);
        CHECK(write_msr_of(m, 0x1b, 0xfee0'0900 | u64{1} << number) == (number < width));
    }
}

TEST_CASE("The time-stamp counter counts virtual time; writing it moves TSC_ADJUST along") {
    M m;
    m.enter_long(0);
    m.code_here({0x90, 0x90, 0x0f, 0x31});  // NOP; NOP; RDTSC: the time it begins at
    const u64 before = time_stamp(m.cpu.get());
    m.run(3);
    CHECK((m.cpu->gpr[kRdx] << 32 | m.cpu->gpr[kRax]) == before + 2);
    CHECK(time_stamp(m.cpu.get()) == before + 3);

    REQUIRE(write_msr(m.cpu.get(), 0x10, 1'000'000));
    CHECK(time_stamp(m.cpu.get()) == 1'000'000);
    u64 adjust = 0;
    REQUIRE(read_msr(m.cpu.get(), 0x3b, adjust));
    CHECK(adjust == 1'000'000 - (before + 3));
    REQUIRE(write_msr(m.cpu.get(), 0x3b, 0));
    CHECK(time_stamp(m.cpu.get()) == before + 3);
}

TEST_CASE("A deadline is in time-stamp counts, whatever the counter was set to") {
    M m;
    m.enter_long(0);
    Cpu* c = m.cpu.get();
    REQUIRE(write_msr(c, 0x10, time_stamp(c) + 500));
    REQUIRE(write_msr(c, 0x6e0, time_stamp(c) + 100));
    CHECK(m.apic.deadline == c->ticks() + 100);
    u64 value = 0;
    REQUIRE(read_msr(c, 0x6e0, value));
    CHECK(value == time_stamp(c) + 100);
    REQUIRE(write_msr(c, 0x3b, 550));
    CHECK(m.apic.deadline == c->ticks() + 50);
    REQUIRE(write_msr(c, 0x6e0, 0));
    CHECK(m.apic.deadline == 0);
}

TEST_CASE("RDTSC obeys CR4.TSD; RDPMC has no counters") {
    M m;
    m.enter_long(3);
    SECTION("TSD") {
        m.cpu->cr4 |= cr4::kTsd;
        CHECK(m.raises(13, {0x0f, 0x31}));
    }
    SECTION("RDPMC") {
        CHECK(m.raises(13, {0x0f, 0x33}));
    }
    SECTION("RDMSR at CPL 3") {
        CHECK(m.raises(13, {0x0f, 0x32}));
    }
}

TEST_CASE("IN and OUT") {
    Port port;
    M m;
    m.bus.map_io(0x300, 8, port);
    m.enter_long(0);
    m.cpu->gpr[kRax] = 0xffff'ffff'aabb'ccdd;
    m.cpu->gpr[kRdx] = 0x302;
    m.code_here({0xee, 0x66, 0xef, 0xef, 0xec, 0xed});  // OUT DX, AL; AX; EAX; IN AL, DX; IN EAX, DX
    m.run(4);
    CHECK(port.written ==
          std::vector<Port::Write>{{0x302, 1, 0xdd}, {0x302, 2, 0xccdd}, {0x302, 4, 0xaabb'ccdd}});
    CHECK(m.cpu->gpr[kRax] == 0xffff'ffff'aabb'cc5a);
    m.run();
    CHECK(m.cpu->gpr[kRax] == 0x1122'3344);
}

TEST_CASE("Ports from CPL 3: IOPL or the permission map") {
    Port port;
    M m;
    m.bus.map_io(0x300, 8, port);
    m.enter_long(3);
    m.cpu->gpr[kRdx] = 0x302;
    SECTION("no map") {
        CHECK(m.raises(13, {0xec}));
    }
    SECTION("IOPL") {
        m.cpu->set_rflags(rflags::kReservedOne | rflags::kIopl);
        m.code_here({0xec});
        m.run();
        CHECK(m.cpu->gpr[kRax] == 0x5a);
    }
    SECTION("a map") {
        m.cpu->tr.limit = 0x68 + 0x61;
        for (unsigned i = 0; i < 0x62; ++i) m.put(M::kTss + 0x68 + i, u8{0xff});
        m.put(M::kTss + 0x68 + 0x60, u8{0xfb});  // port 302H alone
        m.code_here({0xec});
        m.run();
        CHECK(m.cpu->gpr[kRax] == 0x5a);
        CHECK(m.raises(13, {0x66, 0xed}));
    }
    SECTION("the map's end: a byte beyond it is needed") {
        m.cpu->tr.limit = 0x68 + 0x60;
        m.put(M::kTss + 0x68 + 0x60, u8{0});
        CHECK(m.raises(13, {0xec}));
    }
}

TEST_CASE("REP INSB and REP OUTSW move RCX items, one instruction each") {
    Port port;
    M m;
    m.bus.map_io(0x300, 8, port);
    m.enter_long(0);
    m.cpu->gpr[kRdx] = 0x300;
    m.cpu->gpr[kRcx] = 3;
    SECTION("INSB") {
        m.cpu->gpr[kRdi] = 0x1'8000;
        m.code_here({0xf3, 0x6c, 0x90});
        m.run(2);
        CHECK(m.cpu->rip() == M::kCode);
        CHECK(m.cpu->gpr[kRcx] == 1);
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
        CHECK(m.cpu->gpr[kRdi] == 0x1'8003);
        CHECK(m.get<u32>(0x1'8000) == 0x5a5a5a);
    }
    SECTION("INSB to a page that is not there reads nothing") {
        m.cpu->gpr[kRdi] = 0x7000'0000;
        CHECK(m.raises(14, {0xf3, 0x6c}));
        CHECK(port.reads == 0);
        CHECK(m.cpu->gpr[kRcx] == 3);
    }
    SECTION("OUTSW") {
        m.cpu->gpr[kRsi] = 0x1'8000;
        m.put(0x1'8000, u64{0x6666'5555'4444});
        m.code_here({0xf3, 0x66, 0x6f});
        m.run(3);
        CHECK(port.written ==
              std::vector<Port::Write>{{0x300, 2, 0x4444}, {0x300, 2, 0x5555}, {0x300, 2, 0x6666}});
        CHECK(m.cpu->rip() == M::kCode + 3);
    }
}

TEST_CASE("Power-on and INIT") {
    M m;
    Cpu& cpu = *m.cpu;
    CHECK(cpu.rip() == 0xfff0);
    CHECK(cpu.seg[kCs].base == 0xffff'0000);
    CHECK(cpu.gpr[kRdx] == cpuid(cpu, 1, 0).eax);
    CHECK(cpu.cr0 == 0x6000'0010);
    CHECK(cpu.rflags() == 2);
    m.enter_long(3);
    cpu.xmm[3].q[0] = 5;
    cpu.msr.lstar = 0x1234;
    cpu.reset(true);
    CHECK(cpu.cr0 == 0x10);
    CHECK_FALSE(cpu.long_mode());
    CHECK(cpu.cpl == 0);
    CHECK(cpu.xmm[3].q[0] == 5);
    CHECK(cpu.msr.lstar == 0x1234);
    cpu.reset();
    CHECK(cpu.xmm[3].q[0] == 0);
    CHECK(cpu.x87.control == 0x40);
}

TEST_CASE("A CPU saved and loaded goes on the same") {
    M first, second;
    first.enter_long(3);
    second.enter_long(0);
    first.cpu->set_rflags(rflags::kReservedOne | rflags::kCf | rflags::kOf | rflags::kIf);
    first.code_here({0x90, 0x90});
    first.run(2);
    SaveArchive save;
    first.cpu->visit(save);
    LoadArchive load(save.take());
    second.cpu->visit(load);
    HashArchive a, b;
    first.cpu->visit(a);
    second.cpu->visit(b);
    CHECK(a.digest() == b.digest());
    CHECK(second.cpu->instructions() == first.cpu->instructions());
    CHECK(second.cpu->key == first.cpu->key);
    CHECK(second.cpu->rflags() == first.cpu->rflags());
}
