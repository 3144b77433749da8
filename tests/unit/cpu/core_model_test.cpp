// What core models are told, and what devices cost: by the path that is taken alone, however the run is cut.
#include "emulator/core/timing/core_model.h"

#include <algorithm>

#include "emulator/core/timing/cost_model.h"
#include "emulator/points/armed_points.h"
#include "tests/isa/rng.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kApic = 0xfee0'0000;

// One thing that a model was told.
struct Told {
    enum class What : u8 { Stretch, Read, Write, Fetch, Device };
    What what;
    u64 at;              // address of the stretch, or of the line
    unsigned count = 0;  // instructions
    Stretch::End end = {};
    u64 next = 0;
    u64 bytes = 0;  // a hash of them
    bool operator==(const Told&) const = default;
};

u64 hash(std::span<const u8> bytes) {
    u64 sum = bytes.size();
    for (const u8 byte : bytes) sum = sum * 0x100'0000'01b3 + byte;
    return sum;
}

// Writes down what it is told, and takes time for it that depends on what came before.
class Recorder : public PathModel {
  public:
    explicit Recorder(std::vector<Told>& log) : log_(log) {}

    u32 instruction(const Insn&) const override { return 1; }
    u32 string_iteration() const override { return 1; }
    u32 l2_tlb_hit() override { return 3; }
    u32 walk(unsigned steps) override { return 5 * steps; }
    u32 uncached(Uncached access) override {
        return note({Told::What::Device, static_cast<u64>(access)}, 90);
    }
    u32 stretch(const Stretch& it) override {
        return note({Told::What::Stretch, it.start, it.instructions, it.end, it.next, hash(it.bytes)},
                    it.instructions);
    }
    u32 data_line(u64 line, bool write) override {
        return note({write ? Told::What::Write : Told::What::Read, line}, 7);
    }
    u32 fetch_line(u64 line) override { return note({Told::What::Fetch, line}, 4); }
    void visit(Archive& archive) override { archive.field("told", told_); }

  private:
    u32 note(const Told& told, unsigned most) {
        log_.push_back(told);
        ++told_;
        return static_cast<u32>(told_ * 0x9e37'79b9 >> 16) % (most + 1);
    }
    std::vector<Told>& log_;
    u64 told_ = 0;
};

// A machine whose CPUs' models write down what they are told.
struct RecordedCpus {
    explicit RecordedCpus(unsigned cpus = 1)
        : logs(cpus), small(cpus, [this](unsigned cpu) { return std::make_unique<Recorder>(logs[cpu]); }) {}
    std::vector<Told> stretches(unsigned cpu = 0) const {
        std::vector<Told> result;
        std::ranges::copy_if(logs[cpu], std::back_inserter(result),
                             [](const Told& told) { return told.what == Told::What::Stretch; });
        return result;
    }
    std::vector<std::vector<Told>> logs;
    SmallMachine small;
};

RunLimits up_to(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

void map_apic(SmallMachine& m) {
    m.put(0x2018, 0x5027);                    // PDPT[3]
    m.put(0x5000 + 8 * 0x1f7, kApic | 0x9b);  // PD: 2 MiB at FEE00000H, P RW A PS PCD
}

// All that cuts blocks and stretches: strings across pages, a timer's interrupts, faults, devices, locked accesses to
// what CPUs share, accesses across lines and pages, an instruction across a page, more instructions in a row than a
// stretch or a block holds.
void write_busy_program(SmallMachine& m, unsigned cpus) {
    constexpr u64 kProgram = 0x1'0fa0, kFunctionAt = kProgram + 0xa0, kTimer = 0x1'2000,
                  kUndefined = 0x1'2040;
    constexpr u64 kIdt = 0x2'0000, kGdt = 0x2'3000;
    map_apic(m);
    // The local APIC's timer, periodic, vector 40H, every 4000 ticks; sti
    m.write(kProgram, {0x41, 0xc7, 0x80, 0xf0, 0,    0, 0,    0xff, 1,    0,    0, 0x41, 0xc7, 0x80, 0xe0, 3,
                       0,    0,    0xb,  0,    0,    0, 0x41, 0xc7, 0x80, 0x20, 3, 0,    0,    0x40, 0,    2,
                       0,    0x41, 0xc7, 0x80, 0x80, 3, 0,    0,    100,  0,    0, 0,    0xfb});
    // again: lea 0x20(%r9), %rsi; lea 0xf00(%r9), %rdi; mov $100, %ecx; rep movsq
    // mov $40, %ecx; lea 0x100(%r9), %rdi; repe scasb
    m.write(kProgram + 0x2d,
            {0x49, 0x8d, 0x71, 0x20, 0x49, 0x8d, 0xb9, 0,    0xf,  0,    0, 0xb9, 0x64, 0, 0,    0,   0xf3,
             0x48, 0xa5, 0xb9, 0x28, 0,    0,    0,    0x49, 0x8d, 0xb9, 0, 1,    0,    0, 0xf3, 0xae});
    // lock addq $1, 0x70000; addq $5, 0x3c(%r9); addq $1, 0xffc(%r9); movups %xmm0, 0x1ff8(%r9)
    // mov 0x390(%r8), %eax
    m.write(kProgram + 0x4e, {0xf0, 0x48, 0x83, 4,    0x25, 0,    0,    7,    0,    1, 0x49, 0x83, 0x41,
                              0x3c, 5,    0x49, 0x83, 0x81, 0xfc, 0xf,  0,    0,    1, 0x41, 0xf,  0x11,
                              0x81, 0xf8, 0x1f, 0,    0,    0x41, 0x8b, 0x80, 0x90, 3, 0,    0});
    // mov $5, %ecx; 1: test $1, %cl; je 2f; inc %rbx; 2: loop 1b; call function; ud2; rdtsc; push %rax; pop %rdx
    // mov $0x80, %dx; out %al, %dx; pause; jmp again
    m.write(kProgram + 0x74, {0xb9, 5,    0,    0,    0,    0xf6, 0xc1, 1,    0x74, 3,    0x48, 0xff,
                              0xc3, 0xe2, 0xf6, 0xe8, 0x18, 0,    0,    0,    0xf,  0xb,  0xf,  0x31,
                              0x50, 0x5a, 0x66, 0xba, 0x80, 0,    0xee, 0xf3, 0x90, 0xeb, 0x96});
    // The function: 80 times inc %r10d; ret
    for (unsigned i = 0; i < 80; ++i) m.write(kFunctionAt + 3 * i, {0x41, 0xff, 0xc2});
    m.write(kFunctionAt + 240, {0xc3});
    // incq 0x1800(%r9); movl $0, 0xb0(%r8); iretq
    m.write(kTimer,
            {0x49, 0xff, 0x81, 0, 0x18, 0, 0, 0x41, 0xc7, 0x80, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0xcf});
    // addq $2, (%rsp); iretq
    m.write(kUndefined, {0x48, 0x83, 4, 0x24, 2, 0x48, 0xcf});
    for (const auto& [vector, handler] : {std::pair<u64, u64>{6, kUndefined}, {0x40, kTimer}}) {
        m.put(kIdt + vector * 16,
              (handler & 0xffff) | u64{0x10} << 16 | u64{0x8e} << 40 | (handler >> 16) << 48);
        m.put(kIdt + vector * 16 + 8, 0);
    }
    m.put(kGdt + 0x10, 0x00af'9b00'0000'ffff);
    m.put(kGdt + 0x18, 0x00cf'9300'0000'ffff);
    for (unsigned i = 0; i < cpus; ++i) {
        Cpu& cpu = m.machine.cpu(i);
        cpu.idtr = {kIdt, 0xfff};
        cpu.gdtr = {kGdt, 0x1f};
        cpu.rip() = kProgram;
        cpu.gpr[8] = kApic;
        cpu.gpr[9] = 0x5'0000 + i * 0x4000;
    }
}

}  // namespace

TEST_CASE("a stretch goes from where a branch led to the next branch") {
    RecordedCpus m;
    m.small.machine.run(up_to(20));
    constexpr u64 kCode = SmallMachine::kCode, kFunction = SmallMachine::kFunction;
    struct Expected {
        u64 start;
        unsigned instructions;
        u64 next;
    };
    const Expected expected[] = {
        {kCode, 1, kFunction},               // call
        {kFunction, 4, kFunction + 6},       // push, mov, dec, jne: taken
        {kFunction + 6, 2, kFunction + 6},   // dec, jne: taken
        {kFunction + 6, 2, kFunction + 10},  // not taken
        {kFunction + 10, 2, kCode + 5},      // pop, ret
        {kCode + 5, 3, kCode + 5},           // inc, inc, jmp
        {kCode + 5, 3, kCode + 5},
    };
    const std::vector<Told> told = m.stretches();
    REQUIRE(told.size() == std::size(expected));
    for (size_t i = 0; i < told.size(); ++i) {
        INFO(i);
        CHECK(told[i].at == expected[i].start);
        CHECK(told[i].count == expected[i].instructions);
        CHECK(told[i].next == expected[i].next);
        CHECK(told[i].end == Stretch::End::Branch);
    }
}

TEST_CASE("lines are told of in the program's order, once for each instruction") {
    RecordedCpus m;
    m.small.machine.run(up_to(2));
    const u64 stack = SmallMachine::kStack - 64;
    using What = Told::What;
    const std::vector<Told>& log = m.logs[0];
    REQUIRE(log.size() == 4);
    CHECK(log[0] == Told{What::Fetch, SmallMachine::kCode});
    CHECK(log[1] == Told{What::Write, stack});  // the call's return address
    CHECK(log[2].what == What::Stretch);
    CHECK(log[3] == Told{What::Write, stack});  // push
}

TEST_CASE("more instructions in a row than a stretch holds are cut by their number") {
    RecordedCpus m;
    constexpr u64 kFrom = 0x1'0f80;  // the page ends within the stretch
    for (unsigned i = 0; i < 300; ++i) m.small.write(kFrom + i, {0x90});
    m.small.machine.cpu().rip() = kFrom;
    m.small.machine.run(up_to(200));
    const std::vector<Told> told = m.stretches();
    REQUIRE(told.size() == 3);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK(told[i].at == kFrom + u64{64} * i);
        CHECK(told[i].count == Stretch::kMost);
        CHECK(told[i].end == Stretch::End::Full);
        CHECK(told[i].next == kFrom + u64{64} * (i + 1));
    }
}

TEST_CASE("however a run is cut its model is told the same and its time is the same") {
    constexpr u64 kInstructions = 60'000;
    for (const unsigned cpus : {1u, 3u}) {
        RecordedCpus whole(cpus), cut(cpus), stepped(cpus), watched(cpus);
        for (RecordedCpus* m : {&whole, &cut, &stepped, &watched}) write_busy_program(m->small, cpus);
        whole.small.machine.run(up_to(kInstructions));
        testing::Rng rng(cpus);
        for (u64 at = 0; at < kInstructions;) {
            at = std::min(kInstructions, at + 1 + rng.below(40));
            cut.small.machine.run(up_to(at));
            if (rng.below(50) == 0) cut.small.machine.load_snapshot(cut.small.machine.save_snapshot());
        }
        while (stepped.small.machine.moment().instructions < kInstructions) stepped.small.machine.step();
        watched.small.machine.observers().subscribe(Observers::bit(EventKind::Instruction),
                                                    [](const Event&) {});
        watched.small.machine.run(up_to(kInstructions));

        CHECK(whole.small.machine.cpu(0).interrupts_taken > 20);
        for (RecordedCpus* m : {&cut, &stepped, &watched}) {
            CHECK(m->small.machine.moment() == whole.small.machine.moment());
            CHECK(m->small.machine.state_hash() == whole.small.machine.state_hash());
            for (unsigned i = 0; i < cpus; ++i) CHECK(m->logs[i] == whole.logs[i]);
        }
    }
}

TEST_CASE("a run cut by time tells its model the same") {
    RecordedCpus whole, cut;
    for (RecordedCpus* m : {&whole, &cut}) write_busy_program(m->small, 1);
    RunLimits limits;
    limits.ticks = 100'000;
    whole.small.machine.run(limits);
    for (limits.ticks = 13; limits.ticks < 100'000; limits.ticks += 77) cut.small.machine.run(limits);
    limits.ticks = 100'000;
    cut.small.machine.run(limits);
    CHECK(cut.logs[0] == whole.logs[0]);
    CHECK(cut.small.machine.state_hash() == whole.small.machine.state_hash());
}

TEST_CASE("watching data tells a model nothing else") {
    RecordedCpus plain, watched;
    for (RecordedCpus* m : {&plain, &watched}) write_busy_program(m->small, 1);
    watched.small.machine.observers().points().add_data({.address = 0x5'0000, .size = 0x4000, .reads = true});
    for (RecordedCpus* m : {&plain, &watched}) m->small.machine.run(up_to(5000));
    CHECK(watched.logs[0] == plain.logs[0]);
    CHECK(watched.small.machine.state_hash() == plain.small.machine.state_hash());
}

TEST_CASE("subscribers are told of the same stretches as models, and change nothing") {
    RecordedCpus both;
    SmallMachine alone, unwatched;
    for (SmallMachine* m : {&both.small, &alone, &unwatched}) write_busy_program(*m, 1);
    std::vector<event::Stretch> with_model, without;
    both.small.machine.observers().subscribe(Observers::bit(EventKind::Stretch), [&](const Event& event) {
        with_model.push_back(*event.get<event::Stretch>());
    });
    alone.machine.observers().subscribe(Observers::bit(EventKind::Stretch), [&](const Event& event) {
        without.push_back(*event.get<event::Stretch>());
    });
    for (SmallMachine* m : {&both.small, &alone, &unwatched}) m->machine.run(up_to(3000));
    CHECK(alone.machine.state_hash() == unwatched.machine.state_hash());
    const std::vector<Told> told = both.stretches();
    REQUIRE(told.size() == with_model.size());
    CHECK(std::ranges::equal(told, with_model, [](const Told& a, const event::Stretch& b) {
        return a.at == b.linear && a.count == b.instructions && a.end == b.end && a.next == b.next;
    }));
    // Without the model's costs interrupts come elsewhere; until then all is the same.
    REQUIRE(without.size() > 20);
    CHECK(std::equal(without.begin(), without.begin() + 20, with_model.begin()));
}

TEST_CASE("a subscription to stretches may begin and end anywhere") {
    SmallMachine m;
    u64 at = 0;
    for (unsigned i = 0; i < 20; ++i) {
        m.machine.run(up_to(at += 7));
        u64 told = 0;
        const Subscription some(
            m.machine.observers(), Observers::bit(EventKind::Stretch),
            [&](const Event& event) { told += event.get<event::Stretch>()->instructions; });
        m.machine.run(up_to(at += 50));
        // All but those of the stretch that is open.
        CHECK(told >= 50 - 4);
        CHECK(told <= 50);
    }
}

TEST_CASE("an access to a device takes time") {
    SmallMachine m(1, [](unsigned) { return std::make_unique<TableCostModel>(); });
    map_apic(m);
    // mov 0x390(%r8), %eax; mov %eax, 0x320(%r8); in %dx, %al; out %al, %dx; nop
    m.write(SmallMachine::kCode,
            {0x41, 0x8b, 0x80, 0x90, 3, 0, 0, 0x41, 0x89, 0x80, 0x20, 3, 0, 0, 0xec, 0xee, 0x90});
    m.machine.cpu().gpr[8] = kApic;
    m.machine.cpu().gpr[kRdx] = 0x80;
    for (unsigned i = 0; i < 4; ++i) {
        const Ticks before = m.machine.moment().ticks;
        m.machine.step();
        INFO(i);
        CHECK(m.machine.moment().ticks - before >= 80);
        CHECK(m.machine.moment().ticks - before < 1000);
    }
    const Ticks before = m.machine.moment().ticks;
    m.machine.step();
    CHECK(m.machine.moment().ticks - before < 10);
}

TEST_CASE("the local APIC's count is another at each read, in blocks too") {
    SmallMachine m(1, [](unsigned) { return std::make_unique<TableCostModel>(); });
    map_apic(m);
    // movl $11, 0x3e0(%r8); movl $1000000, 0x380(%r8); three times mov 0x390(%r8) to %eax, %ebx, %ecx; jmp to itself
    m.write(SmallMachine::kCode,
            {0x41, 0xc7, 0x80, 0xe0, 3,    0,   0,    0xb,  0,    0,    0,    0x41, 0xc7, 0x80, 0x80,
             3,    0,    0,    0x40, 0x42, 0xf, 0,    0x41, 0x8b, 0x80, 0x90, 3,    0,    0,    0x41,
             0x8b, 0x98, 0x90, 3,    0,    0,   0x41, 0x8b, 0x88, 0x90, 3,    0,    0,    0xeb, 0xfe});
    m.machine.cpu().gpr[8] = kApic;
    m.machine.run(up_to(20));
    const auto& gpr = m.machine.cpu().gpr;
    CHECK(gpr[kRax] >= gpr[kRbx] + 80 / 40);  // a count is 40 ticks
    CHECK(gpr[kRbx] >= gpr[kRcx] + 80 / 40);  // a count is 40 ticks
    CHECK(gpr[kRcx] > 900'000);
}
