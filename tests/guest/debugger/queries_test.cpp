// Looking for happenings along a run of our kernel: forwards and backwards one finds the same ones, and the
// writer of a byte is the one that an observer of every instruction sees.
#include "emulator/time-travel/timeline/queries.h"

#include <cstring>
#include <set>

#include "cli/command_archive.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/points/armed_points.h"
#include "emulator/time-travel/timeline/navigation.h"
#include "emulator/time-travel/timeline/writer.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

const DebugInfo& kernel_info() {
    static const std::unique_ptr<DebugInfo> info = DebugInfo::open(GUEST_KERNEL);
    return *info;
}
const GuestOs& os() {
    static const std::unique_ptr<GuestOs> os = guest_os(&kernel_info());
    return *os;
}

struct Guest {
    Guest() {
        MachineConfig config;
        config.ram_size = u64{64} << 20;
        config.serial_output = &tape;
        machine = std::make_unique<Machine>(config);
        BootImages images;
        images.kernel = GUEST_KERNEL;
        images.initrd = GUEST_INITRAMFS;
        images.command_line = "console=ttyS0 quiet";
        images.extra_initrd =
            command_archive({"sh", "-c", "ls -l / | sort | sha256sum; echo $((6*7)); exit 3"});
        machine->load(images);
        time = std::make_unique<TimeMachine>(*machine, std::vector<ConsoleTape*>{&tape});
        machine->run({});
        REQUIRE(machine->ended());
        end = time->end().instructions;
    }

    ConsoleTape tape;
    std::unique_ptr<Machine> machine;
    std::unique_ptr<TimeMachine> time;
    u64 end = 0;
};

// An event by what two ways to it have in common.
using Place = std::pair<u64, u64>;  // instruction count, RIP
Place place_of(const Event& event) {
    return {event.moment.instructions, event.rip};
}

std::vector<Place> all_forwards(Guest& guest, const Query& query, u64 from, u64 to) {
    guest.time->seek_instructions(from);
    Search search(*guest.time, os(), query);
    std::vector<Place> found;
    RunLimits limits;
    limits.instructions = to;
    while (const auto event = search.forwards(limits).match) found.push_back(place_of(*event));
    return found;
}

std::vector<Place> all_backwards(Guest& guest, const Query& query, u64 from, u64 to) {
    guest.time->seek_instructions(to);
    Navigation navigation(*guest.time, os());
    std::vector<Place> found;
    for (;;) {
        const Arrival arrival = navigation.go({going::Match{query}, true});
        if (arrival.why != Arrival::Why::Done || arrival.event->moment.instructions < from) break;
        found.push_back(place_of(*arrival.event));
        if (arrival.event->kind() == EventKind::Breakpoint ||
            arrival.event->kind() == EventKind::DataAccess) {
            CHECK(guest.machine->moment().instructions == arrival.event->moment.instructions);
            CHECK(guest.machine->cpu().rip() == arrival.event->rip);
        }
    }
    std::reverse(found.begin(), found.end());
    return found;
}

struct Named {
    const char* name;
    Query query;
    size_t least;  // so many are expected
};

// `guest` stands where a program runs.
std::vector<Named> queries(Guest& guest) {
    using What = Query::What;
    std::vector<Named> list;
    const auto add = [&](const char* name, What what, size_t least) -> Query& {
        list.push_back({name, {}, least});
        list.back().query.what = what;
        return list.back().query;
    };
    const auto address_of = [](const char* symbol) { return kernel_info().symbols.find(symbol)->address; };
    add("ring crossings", What::RingCrossing, 100);
    add("system calls", What::SystemCall, 20);
    add("returns", What::SystemReturn, 20);
    add("writes", What::SystemCall, 2).number = 1;
    Query& failed = add("opens that fail", What::SystemReturn, 1);
    failed.number = 257;
    failed.result = -2;
    add("page faults", What::PageFault, 50);
    add("interrupts", What::Interrupt, 1);
    add("context switches", What::ContextSwitch, 3);
    add("the serial port", What::DeviceAccess, 2).device = "uart16550.0";
    add("breakpoints", What::Code, 50).code = {address_of("do_syscall_64"), address_of("exc_page_fault")};
    add("writes to a variable", What::MemoryAccess, 20).data = {
        {address_of("init_task"), 4096, false, false, true}};
    add("writes to a page table", What::MemoryAccess, 1).data = {
        {guest.machine->cpu().cr3 & pte::kAddress, 4096, true, false, true}};
    add("calls of one task", What::SystemCall, 5).pid =
        running_pid(os(), *guest.machine, guest.machine->cpu().id);
    return list;
}

}  // namespace

TEST_CASE("every query finds the same forwards and backwards", "[guest]") {
    Guest guest;
    const u64 to = guest.end - 200'000, from = to - 3'000'000;  // more than a tick
    for (const u64 before : {900'000, 400'000, 100'000})
        guest.time->seek_instructions(to - before);  // leaves snapshots within
    for (const Named& named : queries(guest)) {
        INFO(named.name);
        std::vector<Place> forwards = all_forwards(guest, named.query, from, to);
        // A repeated instruction is stopped after each of its writes, and gone back to once.
        forwards.erase(std::unique(forwards.begin(), forwards.end()), forwards.end());
        CHECK(forwards.size() >= named.least);
        const bool equal = forwards == all_backwards(guest, named.query, from, to);
        CHECK(equal);
    }
}

TEST_CASE("where there is nothing before, the search ends where it began", "[guest]") {
    Guest guest;
    guest.time->seek_instructions(guest.end / 2);
    const Position origin = position_of(*guest.machine);
    Query query;
    query.what = Query::What::Code;
    query.code = {0x1234'5678};
    Navigation navigation(*guest.time);
    u64 looked = 0, total = 0;
    navigation.watch([&](const Progress& progress) {
        looked = progress.looked;
        total = progress.total;
        return true;
    });
    CHECK(navigation.go({going::Match{query}, true}).why == Arrival::Why::None);
    CHECK(position_of(*guest.machine) == origin);
    CHECK(total == guest.end / 2);
    CHECK(looked > total / 2);
    query.what = Query::What::ContextSwitch;
    CHECK_THROWS_AS(Search(*guest.time, unknown_os(), query), QueryError);
    query.what = Query::What::DeviceAccess;
    query.device = "nothing";
    CHECK_THROWS_AS(Search(*guest.time, unknown_os(), query), QueryError);
}

TEST_CASE("who wrote a byte is whom an observer of every instruction sees write it", "[guest]") {
    Guest guest;
    Machine& machine = *guest.machine;
    const u64 from = guest.end - 400'000;
    guest.time->seek_instructions(from);
    // Pages: the present stack's, a user program's, and one of the kernel's variables.
    std::set<u64> pages;
    const auto add_page = [&](u64 linear) {
        const WalkResult found = machine.translate(0, linear);
        if (found.ok && machine.bus().ram_at(found.physical) != nullptr)
            pages.insert(found.physical & ~u64{0xfff});
    };
    add_page(machine.cpu().gpr[kRsp]);
    add_page(kernel_info().symbols.find("init_task")->address);
    for (unsigned i = 3; i < 8; ++i) add_page(machine.cpu().gpr[i]);
    struct Change {
        u64 physical, instructions, rip;
    };
    std::vector<Change> changes;
    {
        std::map<u64, std::vector<u8>> before;
        for (const u64 page : pages)
            before[page].assign(machine.bus().ram_at(page), machine.bus().ram_at(page) + 4096);
        Event last;
        unsigned delivered = 0;
        const Subscription watch(
            machine.observers(),
            Observers::bit(EventKind::Instruction) | Observers::bit(EventKind::Exception) |
                Observers::bit(EventKind::Interrupt),
            [&](const Event& event) {
                if (event.kind() != EventKind::Instruction) {
                    ++delivered;
                    return;
                }
                for (const u64 page : pages) {
                    const u8* now = machine.bus().ram_at(page);
                    std::vector<u8>& old = before[page];
                    if (std::memcmp(now, old.data(), 4096) == 0) continue;
                    for (unsigned i = 0; i < 4096; ++i) {
                        if (now[i] == old[i]) continue;
                        // What a delivery writes is its own, and is left out.
                        if (delivered == 0) changes.push_back({page + i, last.moment.instructions, last.rip});
                        break;
                    }
                    old.assign(now, now + 4096);
                }
                delivered = 0;
                last = event;
            });
        machine.run({from + 40'000, kNever});
    }
    REQUIRE(changes.size() > 50);
    std::set<u64> instructions;
    for (size_t i = 1; i < changes.size(); i += changes.size() / 25) {
        const Change& change = changes[i];
        guest.time->seek_instructions(change.instructions + 1);
        const Moment now = guest.time->now();
        const Writer writer = who_wrote(*guest.time, os(), change.physical);
        INFO(std::hex << change.physical << " at " << std::dec << change.instructions);
        CHECK(writer.kind == Writer::Kind::Instruction);
        CHECK(writer.access.moment.instructions == change.instructions);
        CHECK(writer.access.rip == change.rip);
        CHECK_FALSE(writer.instruction.empty());
        CHECK(writer.pid);
        CHECK(guest.time->now() == now);
        instructions.insert(writer.access.rip);
    }
    CHECK(instructions.size() > 3);
    const Writer loaded =
        who_wrote_linear(*guest.time, os(), 0, kernel_info().symbols.find("do_syscall_64")->address);
    CHECK(loaded.kind == Writer::Kind::Before);
}
