// Several CPUs on one thread: atomic instructions, start-up, one seed one run, whatever watches it.
//
// The guest is a real-mode program. The first CPU wakes the others by INIT and start-up IPIs (x2APIC,
// broadcast). Every CPU counts to a thousand twice: with LOCK INC, and with INC under a lock that it takes
// with XCHG. The last act is the first CPU's: it sees four CPUs done, and leaves through isa-debug-exit.
#include <algorithm>
#include <memory>
#include <set>

#include "emulator/machine/machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

constexpr unsigned kCpus = 4;
constexpr u64 kFirst = 0x8000, kOthers = 0x9000;
constexpr u64 kLocked = 0x500, kGuarded = 0x506, kDone = 0x504, kStarted = 0x508;

constexpr u8 kFirstCode[] = {
    0x66, 0xb9, 0x1b, 0,    0,     0,     // mov $IA32_APIC_BASE, %ecx
    0x0f, 0x32,                           // rdmsr
    0x66, 0x0d, 0x00, 0x0c, 0,     0,     // or $0xc00, %eax: x2APIC
    0x0f, 0x30,                           // wrmsr
    0x66, 0xb9, 0x30, 0x08, 0,     0,     // mov $0x830, %ecx: ICR
    0x66, 0x31, 0xd2,                     // xor %edx, %edx
    0x66, 0xb8, 0x00, 0x45, 0x0c,  0,     // mov $0xc4500, %eax: INIT, all but self
    0x0f, 0x30,                           // wrmsr
    0x66, 0xb8, 0x09, 0x46, 0x0c,  0,     // mov $0xc4609, %eax: start up at 9000H
    0x0f, 0x30,                           // wrmsr
    0xe8, 0x12, 0x00,                     // call work
    0xf3, 0x90,                           // 1: pause
    0x83, 0x3e, 0x04, 0x05, kCpus,        // cmpw $4, done
    0x75, 0xf7,                           // jne 1b
    0xb0, 0x01, 0xe6, 0xf4, 0xf4,         // mov $1, %al; out %al, $0xf4; hlt
    0xe8, 0x01, 0x00, 0xcb,               // far_work: call work; lret
    0xb9, 0xe8, 0x03,                     // work: mov $1000, %cx
    0xf0, 0xff, 0x06, 0x00, 0x05,         // 2: lock incw locked
    0xb0, 0x01,                           // 3: mov $1, %al
    0x86, 0x06, 0x02, 0x05,               // xchg %al, lock
    0x84, 0xc0, 0x74, 0x04,               // test %al, %al; jz 4f
    0xf3, 0x90, 0xeb, 0xf2,               // pause; jmp 3b
    0xff, 0x06, 0x06, 0x05,               // 4: incw guarded
    0xc6, 0x06, 0x02, 0x05, 0x00,         // movb $0, lock
    0xe2, 0xe2,                           // loop 2b
    0xf0, 0xff, 0x06, 0x04, 0x05,  0xc3,  // lock incw done; ret
};
// All of them push the same values to the same stack.
constexpr u8 kOthersCode[] = {
    0xb8, 0,    0,    0x8e, 0xd8,  // mov $0, %ax; mov %ax, %ds
    0xbc, 0x00, 0x70,              // mov $0x7000, %sp
    0xf0, 0xff, 0x06, 0x08, 0x05,  // lock incw started
    0x9a, 0x3a, 0x80, 0,    0,     // lcall $0, $far_work
    0xfa, 0xf4, 0xeb, 0xfd,        // cli; 1: hlt; jmp 1b
};

struct Guest {
    explicit Guest(u64 seed = 0, ClockMode clock = ClockMode::Cycles) {
        MachineConfig config;
        config.ram_size = u64{1} << 20;
        config.cpus = kCpus;
        config.seed = seed;
        config.clock = clock;
        machine = std::make_unique<Machine>(config);
        machine->bus().dma_write(kFirst, kFirstCode, sizeof kFirstCode);
        machine->bus().dma_write(kOthers, kOthersCode, sizeof kOthersCode);
        Cpu& cpu = machine->cpu(0);
        cpu.seg[kCs].selector = 0;
        cpu.seg[kCs].base = 0;
        cpu.rip() = kFirst;
        cpu.gpr[kRsp] = 0x7800;
        cpu.update_mode();
    }
    u16 word(u64 address) const { return *reinterpret_cast<const u16*>(machine->bus().ram_at(address)); }
    StopReason run_to(u64 instructions) {
        RunLimits limits;
        limits.instructions = instructions;
        return machine->run(limits);
    }
    // To the end; the hash.
    u64 finish() {
        CHECK(run_to(10'000'000) == StopReason::DebugExit);
        return machine->state_hash();
    }
    std::unique_ptr<Machine> machine;
};

}  // namespace

TEST_CASE("CPUs are started, and their atomic instructions are") {
    for (u64 seed = 0; seed < 30; ++seed) {
        Guest guest(seed);
        guest.finish();
        CHECK(guest.word(kStarted) == kCpus - 1);
        CHECK(guest.word(kDone) == kCpus);
        CHECK(guest.word(kLocked) == kCpus * 1000);
        CHECK(guest.word(kGuarded) == kCpus * 1000);
        u64 own = 0;
        for (unsigned i = 0; i < kCpus; ++i) {
            own += guest.machine->cpu(i).own_instructions();
            CHECK(guest.machine->cpu(i).own_instructions() > 8'000);
        }
        CHECK(own == guest.machine->moment().instructions);
    }
}

TEST_CASE("without LOCK, increments are lost under some interleaving") {
    bool lost = false;
    for (u64 seed = 0; seed < 30 && !lost; ++seed) {
        Guest guest(seed);
        // lock incw -> mov to %ax, inc, mov back: not one instruction any more. 5 bytes have become 7, so the
        // first count is made by a call to it.
        u8* at = guest.machine->bus().ram_at(kFirst + 0x41);
        const u8 call[] = {0xe8, 0xbc, 0x00, 0x90, 0x90};  // call 8100H
        std::copy(std::begin(call), std::end(call), at);
        const u8 count[] = {0xa1, 0x00, 0x05, 0x40, 0xa3, 0x00, 0x05, 0xc3};
        std::copy(std::begin(count), std::end(count), guest.machine->bus().ram_at(kFirst + 0x100));
        guest.finish();
        CHECK(guest.word(kGuarded) == kCpus * 1000);
        lost = guest.word(kLocked) < kCpus * 1000;
    }
    CHECK(lost);
}

TEST_CASE("one seed is one run; seeds are different runs") {
    std::set<u64> hashes;
    for (u64 seed = 0; seed < 10; ++seed) {
        Guest first(seed), second(seed);
        const u64 hash = first.finish();
        CHECK(second.finish() == hash);
        CHECK(first.machine->moment() == second.machine->moment());
        hashes.insert(hash);
    }
    CHECK(hashes.size() == 10);
}

TEST_CASE("stops and steps and observers do not change who runs when") {
    Guest plain(5);
    const u64 hash = plain.finish();

    Guest stopped(5);
    for (u64 at = 1; stopped.run_to(at) == StopReason::Budget; at += 1 + at / 7)
        CHECK(stopped.machine->moment().instructions == at);
    CHECK(stopped.machine->state_hash() == hash);

    Guest stepped(5);
    while (stepped.machine->step()) {
    }
    CHECK(stepped.machine->state_hash() == hash);

    Guest watched(5);
    u64 seen = 0;
    watched.machine->observers().subscribe(Observers::bit(EventKind::Instruction),
                                           [&seen](const Event&) { ++seen; });
    CHECK(watched.finish() == hash);
    CHECK(seen >= watched.machine->moment().instructions);
}

TEST_CASE("a machine of several CPUs goes on from its snapshot") {
    Guest plain(6);
    const u64 hash = plain.finish();
    for (const u64 at : {40, 5'000, 20'011}) {
        Guest original(6);
        CHECK(original.run_to(at) == StopReason::Budget);
        Guest resumed(6);
        resumed.machine->load_snapshot(original.machine->save_snapshot());
        CHECK(resumed.machine->state_hash() == original.machine->state_hash());
        CHECK(resumed.finish() == hash);
    }
}

TEST_CASE("CPUs that run at once do not slow the clock of each other") {
    // Where an instruction takes one tick, four CPUs complete several a tick.
    Guest guest(1, ClockMode::InstructionCount);
    guest.finish();
    const Moment end = guest.machine->moment();
    CHECK(end.ticks < end.instructions * 3 / 4);
}
