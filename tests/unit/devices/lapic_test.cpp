// The local APIC: priorities, IPIs, the timer in its three modes, x2APIC, errors.
#include "devices/lapic.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kPage = 0xfee00000;

struct Cpus : Board {
    explicit Cpus(unsigned count) : Board(count) {
        for (unsigned i = 0; i < count; ++i) set(i, 0xf0, 0x1ff);
    }
    void set(unsigned which, unsigned reg, u32 value) {
        board.select_cpu(which);
        write32(kPage + reg, value);
    }
    u32 get(unsigned which, unsigned reg) {
        board.select_cpu(which);
        return read32(kPage + reg);
    }
    void ipi(unsigned from, u32 destination, u32 command) {
        set(from, 0x310, destination << 24);
        set(from, 0x300, command);
    }
    LocalInterrupts& local(unsigned which) { return board.local_interrupts(which); }
    bool write_msr(unsigned which, u32 msr, u64 value) { return local(which).write_msr(msr, value); }
    u64 read_msr(unsigned which, u32 msr) {
        u64 value = 0;
        CHECK(local(which).read_msr(msr, value));
        return value;
    }
    void fixed(u8 vector) { ipi(0, 0, 0x40000u | vector); }
};

}  // namespace

TEST_CASE("lapic: power-on registers") {
    Board b(2);
    b.board.select_cpu(1);
    CHECK(b.read32(kPage + 0x20) == 1u << 24);
    CHECK(b.read32(kPage + 0x30) == 0x50015);
    CHECK(b.read32(kPage + 0xf0) == 0xff);
    CHECK(b.read32(kPage + 0xe0) == ~0u);
    for (unsigned lvt = 0x320; lvt <= 0x370; lvt += 0x10) CHECK(b.read32(kPage + lvt) == 0x10000);
    u64 base = 0;
    CHECK(b.board.local_interrupts(0).read_msr(0x1b, base));
    CHECK(base == 0xfee00900);
    CHECK(b.board.local_interrupts(1).read_msr(0x1b, base));
    CHECK(base == 0xfee00800);
    // Disabled by software: masks cannot be cleared, interrupts are not taken.
    b.write32(kPage + 0x320, 0x40);
    CHECK(b.read32(kPage + 0x320) == 0x10040);
    b.write32(kPage + 0x300, 0x40040);
    CHECK(b.read32(kPage + 0x220) == 0);
}

TEST_CASE("lapic: interrupts nest by class, and the task priority holds back") {
    Cpus c(1);
    c.fixed(0x41);
    CHECK(c.cpu[0].intr);
    c.fixed(0x45);
    CHECK(c.local(0).acknowledge() == 0x45);
    CHECK_FALSE(c.cpu[0].intr);  // 41 is of the same class
    c.fixed(0x51);
    CHECK(c.cpu[0].intr);
    CHECK(c.local(0).acknowledge() == 0x51);
    CHECK(c.get(0, 0xa0) == 0x50);
    c.set(0, 0xb0, 0);
    CHECK(c.get(0, 0xa0) == 0x40);
    c.set(0, 0xb0, 0);
    CHECK(c.cpu[0].intr);
    c.local(0).set_task_priority_class(4);
    CHECK_FALSE(c.cpu[0].intr);
    CHECK(c.get(0, 0x80) == 0x40);
    CHECK(c.local(0).task_priority_class() == 4);
    c.set(0, 0x80, 0x3f);
    CHECK(c.cpu[0].intr);
    CHECK(c.get(0, 0x220) == 2);
}

TEST_CASE("lapic: IPIs by physical destination, shorthand and broadcast") {
    Cpus c(4);
    const auto requested = [&c](u8 vector) {
        std::string who;
        for (unsigned i = 0; i < 4; ++i) who += c.board.lapic(i).requested(vector) ? '1' : '0';
        return who;
    };
    c.ipi(0, 2, 0x40);
    CHECK(requested(0x40) == "0010");
    c.ipi(1, 0, 0x40041);
    CHECK(requested(0x41) == "0100");
    c.ipi(1, 0, 0x80042);
    CHECK(requested(0x42) == "1111");
    c.ipi(1, 0, 0xc0043);
    CHECK(requested(0x43) == "1011");
    c.ipi(1, 0xff, 0x44);
    CHECK(requested(0x44) == "1111");
    c.ipi(1, 9, 0x45);
    CHECK(requested(0x45) == "0000");
}

TEST_CASE("lapic: logical destinations, flat and cluster; lowest priority") {
    Cpus c(4);
    for (unsigned i = 0; i < 4; ++i) c.set(i, 0xd0, 1u << (24 + i));
    c.ipi(0, 0x0a, 0x840);
    CHECK(c.board.lapic(1).requested(0x40));
    CHECK(c.board.lapic(3).requested(0x40));
    CHECK_FALSE(c.board.lapic(0).requested(0x40));
    // Lowest priority: CPU 0 busy, 1 and 2 equal: the lower number.
    c.set(0, 0x80, 0x80);
    c.ipi(3, 0x07, 0x950);
    CHECK(c.board.lapic(1).requested(0x50));
    CHECK_FALSE(c.board.lapic(2).requested(0x50));
    // Clusters of two.
    for (unsigned i = 0; i < 4; ++i) {
        c.set(i, 0xe0, 0x0fffffff);
        c.set(i, 0xd0, (i / 2) << 28 | 1u << (24 + i % 2));
    }
    c.ipi(0, 0x13, 0x860);
    CHECK_FALSE(c.board.lapic(0).requested(0x60));
    CHECK(c.board.lapic(2).requested(0x60));
    CHECK(c.board.lapic(3).requested(0x60));
}

TEST_CASE("lapic: INIT, start-up and NMI reach the CPU's pins") {
    Cpus c(2);
    c.set(1, 0x80, 0x30);
    c.ipi(0, 1, 0xc500);  // INIT assert
    c.ipi(0, 1, 0x8500);  // de-assert: nothing
    CHECK(c.cpu[1].inits == 1);
    CHECK(c.get(1, 0x80) == 0);  // INIT resets the local APIC …
    CHECK(c.get(1, 0x20) == 1u << 24);
    c.ipi(0, 1, 0x4608);
    CHECK(c.cpu[1].startups == std::vector<u8>{8});
    c.ipi(0, 1, 0x4400);
    CHECK(c.cpu[1].nmis == 1);
    CHECK(c.cpu[0].inits == 0);
}

TEST_CASE("lapic: one-shot timer at 25 MHz with each divisor") {
    Cpus c(1);
    c.set(0, 0x320, 0x30);
    for (unsigned shift = 0; shift < 8; ++shift) {
        const u32 code = (shift + 7) & 7;
        c.set(0, 0x3e0, (code & 3) | (code & 4) << 1);
        c.set(0, 0x380, 1000);
        run_for(c.events, (1000ull * 40 << shift) - 1);
        CHECK_FALSE(c.cpu[0].intr);
        CHECK(c.get(0, 0x390) == 1);
        run_for(c.events, 1);
        REQUIRE(c.cpu[0].intr);
        CHECK(c.get(0, 0x390) == 0);
        CHECK(c.local(0).acknowledge() == 0x30);
        c.set(0, 0xb0, 0);
    }
    CHECK(c.events.next_deadline() > c.events.now() + 1'000'000);
}

TEST_CASE("lapic: periodic timer does not drift, and stops") {
    Cpus c(1);
    c.set(0, 0x320, 0x20030);
    c.set(0, 0x3e0, 0xb);
    c.set(0, 0x380, 25'000);  // 1 ms
    unsigned count = 0;
    for (int i = 0; i < 100; ++i) {
        run_for(c.events, 1'000'000);
        if (c.cpu[0].intr) {
            c.local(0).acknowledge();
            c.set(0, 0xb0, 0);
            ++count;
        }
    }
    CHECK(count == 100);
    run_for(c.events, 400'000);
    CHECK(c.get(0, 0x390) == 15'000);
    c.set(0, 0x380, 0);
    run_for(c.events, 5'000'000);
    CHECK_FALSE(c.cpu[0].intr);
}

TEST_CASE("lapic: from periodic to one-shot and back the count goes on") {
    Cpus c(1);
    c.set(0, 0x320, 0x30030);  // masked, periodic
    c.set(0, 0x3e0, 0xb);
    c.set(0, 0x380, 1000);
    run_for(c.events, 40 * 1000 * 3 + 40 * 300 + 7);
    CHECK(c.get(0, 0x390) == 700);
    c.set(0, 0x320, 0x30);
    CHECK(c.get(0, 0x390) == 700);
    run_for(c.events, 40 * 700 - 8);
    CHECK(c.get(0, 0x390) == 1);
    CHECK_FALSE(c.cpu[0].intr);
    run_for(c.events, 1);
    CHECK(c.cpu[0].intr);
    CHECK(c.get(0, 0x390) == 0);
    // Expired, it is not started by the mode.
    c.set(0, 0x320, 0x20030);
    CHECK(c.get(0, 0x390) == 0);
    c.local(0).acknowledge();
    c.set(0, 0xb0, 0);
    run_for(c.events, 1'000'000);
    CHECK_FALSE(c.cpu[0].intr);

    c.set(0, 0x320, 0x30);  // one-shot, and periodic while it counts
    c.set(0, 0x380, 1000);
    run_for(c.events, 40 * 400);
    c.set(0, 0x320, 0x20030);
    CHECK(c.get(0, 0x390) == 600);
    run_for(c.events, 40 * 700);
    CHECK(c.cpu[0].intr);
    CHECK(c.get(0, 0x390) == 900);
}

TEST_CASE("lapic: a wrap that is due when the mode becomes one-shot interrupts, and the count goes on") {
    Cpus c(1);
    c.set(0, 0x320, 0x20030);
    c.set(0, 0x3e0, 0xb);
    c.set(0, 0x380, 1000);
    c.events.set_now(c.events.now() + 40 * 1200);  // an instruction that took long: nothing has fired yet
    c.set(0, 0x320, 0x31);
    CHECK(c.get(0, 0x390) == 800);
    c.events.run_due();
    CHECK(c.local(0).acknowledge() == 0x31);
    c.set(0, 0xb0, 0);
    run_for(c.events, 40 * 800 - 1);
    CHECK_FALSE(c.cpu[0].intr);
    run_for(c.events, 1);
    CHECK(c.cpu[0].intr);
    CHECK(c.get(0, 0x390) == 0);
}

TEST_CASE("lapic: TSC deadline follows the CPU's own TSC") {
    Cpus c(1);
    CHECK(c.write_msr(0, 0x6e0, 1000));
    CHECK(c.read_msr(0, 0x6e0) == 0);  // not in that mode
    c.set(0, 0x320, 0x40030);
    c.board.set_tsc_offset(0, 5'000);
    CHECK(c.write_msr(0, 0x6e0, c.events.now() + 5'000 + 777));
    run_for(c.events, 776);
    CHECK_FALSE(c.cpu[0].intr);
    run_for(c.events, 1);
    CHECK(c.cpu[0].intr);
    CHECK(c.read_msr(0, 0x6e0) == 0);
    c.local(0).acknowledge();
    c.set(0, 0xb0, 0);
    // A deadline in the past fires at once; 0 disarms.
    CHECK(c.write_msr(0, 0x6e0, 1));
    run_for(c.events, 0);
    CHECK(c.cpu[0].intr);
    c.local(0).acknowledge();
    c.set(0, 0xb0, 0);
    CHECK(c.write_msr(0, 0x6e0, c.events.now() + 6'000));
    CHECK(c.write_msr(0, 0x6e0, 0));
    run_for(c.events, 10'000);
    CHECK_FALSE(c.cpu[0].intr);
}

TEST_CASE("lapic: x2APIC mode by MSR") {
    Cpus c(2);
    CHECK_FALSE(c.write_msr(0, 0x80b, 0));  // not in xAPIC mode
    CHECK_FALSE(c.write_msr(0, 0x1b, 0xfee00500));
    for (unsigned i = 0; i < 2; ++i) CHECK(c.write_msr(i, 0x1b, 0xfee00c00 | (i == 0 ? 0x100 : 0)));
    CHECK_FALSE(c.write_msr(0, 0x1b, 0xfee00900));  // only through "off"
    CHECK(c.get(0, 0x20) == ~0u);                   // the page is gone
    CHECK(c.read_msr(1, 0x802) == 1);
    CHECK(c.read_msr(1, 0x80d) == 2);
    CHECK(c.write_msr(0, 0x830, u64{1} << 32 | 0x40));
    CHECK(c.cpu[1].intr);
    CHECK(c.local(1).acknowledge() == 0x40);
    CHECK(c.write_msr(1, 0x80b, 0));
    CHECK_FALSE(c.write_msr(1, 0x80b, 1));
    CHECK(c.write_msr(0, 0x830, u64{2} << 32 | 0x841));  // logical
    CHECK(c.local(1).acknowledge() == 0x41);
    CHECK(c.write_msr(0, 0x83f, 0x42));  // self IPI
    CHECK(c.local(0).acknowledge() == 0x42);
    u64 value = 0;
    CHECK_FALSE(c.local(0).read_msr(0x80b, value));
    CHECK_FALSE(c.local(0).read_msr(0x80e, value));
    CHECK_FALSE(c.write_msr(0, 0x802, 5));
    CHECK_FALSE(c.write_msr(0, 0x80f, u64{1} << 40));
    CHECK_FALSE(c.write_msr(0, 0x1b, u64{1} << 60));
}

TEST_CASE("lapic: an ID written in xAPIC mode is gone after x2APIC mode") {
    Cpus c(2);
    c.set(1, 0x20, 5u << 24);
    CHECK(c.get(1, 0x20) == 5u << 24);
    CHECK(c.write_msr(1, 0x1b, 0xfee00c00));
    CHECK(c.read_msr(1, 0x802) == 1);
    CHECK(c.write_msr(1, 0x1b, 0xfee00000));
    CHECK(c.write_msr(1, 0x1b, 0xfee00800));
    CHECK(c.get(1, 0x20) == 1u << 24);
}

TEST_CASE("lapic: the page moves with IA32_APIC_BASE, and goes with its enable bit") {
    Cpus c(2);
    CHECK(c.write_msr(0, 0x1b, 0xfe000900));
    CHECK(c.board.lapic(0).page_address() == 0xfe000000);
    c.board.select_cpu(0);
    CHECK(c.read32(0xfe000030) == 0x50015);
    CHECK(c.read32(kPage + 0x30) == ~0u);
    c.board.select_cpu(1);
    CHECK(c.read32(kPage + 0x20) == 1u << 24);
    CHECK(c.read32(0xfe000030) == ~0u);
    CHECK(c.write_msr(1, 0x1b, 0xfee00000));
    CHECK(c.read32(kPage + 0x20) == ~0u);
}

TEST_CASE("lapic: errors are latched by a write of ESR, and interrupt") {
    Cpus c(1);
    c.set(0, 0x370, 0xfe);
    c.ipi(0, 0, 0x40005);  // a vector below 16
    CHECK(c.get(0, 0x280) == 0);
    CHECK(c.local(0).acknowledge() == 0xfe);
    c.set(0, 0x280, 0);
    CHECK(c.get(0, 0x280) == 0x20);
    c.set(0, 0xb0, 0);
    c.get(0, 0x3f0);
    c.set(0, 0x280, 0);
    CHECK(c.get(0, 0x280) == 0x80);
}

TEST_CASE("lapic: an acknowledge that comes too late gets the spurious vector") {
    Cpus c(1);
    c.fixed(0x40);
    c.local(0).set_task_priority_class(5);
    CHECK(c.local(0).acknowledge() == 0xff);
    CHECK(c.get(0, 0x120) == 0);
}

TEST_CASE("lapic: accesses other than aligned dwords do nothing") {
    Cpus c(1);
    c.board.select_cpu(0);
    c.bus.write(kPage + 0x80, 1, 0x50);
    CHECK(c.get(0, 0x80) == 0);
    CHECK(c.bus.read(kPage + 0x31, 1) == 0);
}
