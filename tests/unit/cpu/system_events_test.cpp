// The events that system instructions and event delivery tell, and that telling them changes nothing.
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

struct Told {
    event::What what;
    u64 rip;
    u8 cpl;
    bool operator==(const Told&) const = default;
};

// CPL 3: SYSCALL, and UD2 after the return. CPL 0 at kEntry: OUT, INVLPG, MOV CR3, SYSRET. The handler of
// #UD: HLT.
constexpr u64 kEntry = M::kCode + 0x100;

void set_up(M& m) {
    m.enter_long(3);
    m.cpu->msr.star = u64{0x1b} << 48 | u64{M::kKernelCs} << 32;
    m.cpu->msr.lstar = kEntry;
    m.cpu->gpr[kRax] = M::kPml4;
    m.cpu->gpr[kRbx] = M::kSmallPages;
    m.cpu->gpr[kRdx] = 0x300;
    m.code_here({0x0f, 0x05, 0x0f, 0x0b});
    m.write(kEntry, {0xee, 0x0f, 0x01, 0x3b, 0x0f, 0x22, 0xd8, 0x48, 0x0f, 0x07});
}

u64 hash_of(M& m) {
    HashArchive archive;
    m.cpu->visit(archive);
    return archive.digest();
}

}  // namespace

TEST_CASE("A system call and a fault, as observers see them") {
    M m;
    set_up(m);
    std::vector<Told> told;
    u32 kinds = 0;
    for (EventKind kind : {EventKind::RingEnter, EventKind::RingLeave, EventKind::SystemCall,
                           EventKind::SystemReturn, EventKind::Exception, EventKind::PortIo,
                           EventKind::TlbInvalidate, EventKind::AddressSpace, EventKind::Halt})
        kinds |= Observers::bit(kind);
    m.observers.subscribe(kinds, [&](const Event& e) { told.push_back({e.what, e.rip, e.cpl}); });
    m.run(6);
    REQUIRE(m.in_handler(6));
    using namespace event;
    CHECK(told == std::vector<Told>{
                      {RingEnter{}, M::kCode, 3},
                      {SystemCall{static_cast<u32>(M::kPml4)}, M::kCode, 3},
                      {PortIo{0x300, 1, true, static_cast<u32>(M::kPml4 & 0xff)}, kEntry, 0},
                      {TlbInvalidate{TlbInvalidate::By::Invlpg, M::kSmallPages}, kEntry + 1, 0},
                      {AddressSpace{M::kPml4}, kEntry + 4, 0},
                      {TlbInvalidate{TlbInvalidate::By::Cr3, M::kPml4}, kEntry + 4, 0},
                      {RingLeave{}, kEntry + 7, 0},
                      {SystemReturn{.result = M::kPml4}, kEntry + 7, 0},
                      {Exception{.vector = 6}, M::kCode + 2, 3},
                      {RingEnter{RingEnter::By::Event, 6}, M::kCode + 2, 3},
                      {Halt{}, M::handler(6), 0},
                  });
}

TEST_CASE("Moments are exact within an instruction") {
    M m;
    set_up(m);
    std::vector<u64> counts;
    m.observers.subscribe(Observers::bit(EventKind::PortIo) | Observers::bit(EventKind::Exception),
                          [&](const Event& e) { counts.push_back(e.moment.instructions); });
    const u64 start = m.cpu->instructions();
    m.run(6);
    CHECK(counts == std::vector<u64>{start + 1, start + 5});
}

TEST_CASE("The same run, watched, single-stepped or not, ends in the same state") {
    M plain, watched, stepped;
    for (M* m : {&plain, &watched, &stepped}) set_up(*m);
    u64 seen = 0;
    watched.observers.subscribe(~0u, [&](const Event&) { ++seen; });
    plain.run(6);
    watched.run(6);
    for (unsigned i = 0; i < 6; ++i) stepped.run(1);
    CHECK(seen > 6);
    CHECK(hash_of(watched) == hash_of(plain));
    CHECK(hash_of(stepped) == hash_of(plain));
}
