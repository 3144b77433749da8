// The same motions asked for in the window, by gdb and on the command line end at the same moments.
#include "cli/command_archive.h"
#include "cli/show_moment.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/inspect/gdb/execution.h"
#include "emulator/inspect/gdb/monitor.h"
#include "tests/unit/catch.h"
#include "ui/session.h"

using namespace orrery;
using command::Go;
using command::Motion;

namespace {

SessionConfig configuration() {
    SessionConfig config;
    config.machine.ram_size = u64{64} << 20;
    config.images.kernel = GUEST_KERNEL;
    config.images.initrd = GUEST_INITRAMFS;
    config.images.command_line = "console=ttyS0 quiet";
    config.images.extra_initrd = command_archive({"sh", "-c", "ls / | wc -l"});
    config.kernel_path = GUEST_KERNEL;
    return config;
}

struct Plain {
    Plain() {
        machine.load(configuration().images);
        time = std::make_unique<TimeMachine>(machine);
    }
    std::unique_ptr<DebugInfo> info = DebugInfo::open(GUEST_KERNEL);
    std::unique_ptr<GuestOs> os = guest_os(info.get());
    Machine machine{configuration().machine};
    std::unique_ptr<TimeMachine> time;
};

struct Gdb : Plain {
    GdbStop finish() {
        for (;;) {
            const GdbStop stop = execution.go({machine.moment().instructions + 70'001, kNever});
            if (stop.reason != GdbStop::Reason::None) return stop;
        }
    }
    std::string monitor(const std::string& command) {
        Navigation navigation(*time, *os);
        ModelContext context{machine};
        context.cpu = machine.cpu().id;
        context.os = os.get();
        return gdb_monitor(navigation, context, command).text;
    }
    GdbExecution execution{*time};
};

// Each time a run that nobody else looks at comes to a place before a moment.
std::vector<Position> hits_before(u64 place, u64 instructions) {
    Plain plain;
    ArmedPoints armed(plain.machine.observers());
    armed.code(place);
    std::vector<Position> hits;
    const Subscription watch(plain.machine.observers(), Observers::bit(EventKind::Breakpoint),
                             [&](const Event& event) {
                                 hits.push_back({event.moment, event.cpu, event.rip});
                             });
    plain.machine.run({instructions, kNever});
    return hits;
}

void finish(Session& session, const Command& command) {
    session.command(command);
    while (session.running()) session.advance(300'000);
}

}  // namespace

TEST_CASE("the window, gdb and the command line come to the same places", "[guest]") {
    Session window(configuration());
    Gdb gdb;
    const auto same = [&] {
        CHECK(position_of(window.machine()) == position_of(gdb.machine));
        CHECK(window.machine().state_hash() == gdb.machine.state_hash());
    };
    const auto at = [](const std::string& text) {
        Plain cli;
        ShowMoment moment(text, cli.info.get(), {});
        Navigation navigation(*cli.time, *cli.os);
        CHECK(moment.reach(navigation, std::nullopt, 1'000'000'000, [] { return true; }).empty());
        return position_of(cli.machine);
    };

    // A breakpoint.
    const u64 entry = resolve_place("vfs_write", gdb.info.get());
    window.command(command::AddBreakpoint{"vfs_write"});
    finish(window, Go{Motion::Run});
    gdb.execution.insert('0', entry, 1);
    gdb.execution.begin_run();
    CHECK(gdb.finish().reason == GdbStop::Reason::Breakpoint);
    same();
    CHECK(at("vfs_write") == position_of(gdb.machine));
    CHECK(at("code vfs_write") == position_of(gdb.machine));
    const Position hit = position_of(gdb.machine);

    // Steps on, and as many back.
    for (unsigned i = 0; i < 30; ++i) {
        finish(window, Go{Motion::Step});
        gdb.execution.begin_step(0);
        gdb.finish();
    }
    same();
    for (unsigned i = 0; i < 30; ++i) {
        finish(window, Go{Motion::Step, true});
        gdb.execution.begin_step_back(0);
        gdb.finish();
    }
    same();
    CHECK(position_of(gdb.machine) == hit);

    // Out of the function, over its call and back.
    window.command(command::RemoveBreakpoint{1});
    gdb.execution.clear();
    for (const auto& [motion, back, word] : {std::tuple{Motion::Out, false, "out"},
                                             {Motion::Over, true, "back-over"},
                                             {Motion::Over, false, "over"},
                                             {Motion::Over, true, "back-over"},
                                             {Motion::Step, false, "goto +1"},
                                             {Motion::Out, true, "back-out"}}) {
        INFO(word);
        finish(window, Go{motion, back});
        gdb.monitor(word);
        same();
    }

    // To what happens, on and back.
    for (const char* query : {"page-fault", "return name=openat", "crossing", "switch"}) {
        INFO(query);
        finish(window, command::Find{query});
        gdb.monitor(std::string("next ") + query);
        same();
        const Position there = position_of(gdb.machine);
        finish(window, command::Find{query});
        gdb.monitor(std::string("next ") + query);
        finish(window, command::Find{query, true});
        gdb.monitor(std::string("previous ") + query);
        same();
        CHECK(position_of(gdb.machine) == there);
    }

    // Back from one breakpoint's hit to the one before, all that there were, and to where history begins.
    std::vector<Position> hits = hits_before(entry, gdb.machine.moment().instructions);
    REQUIRE(hits.size() > 1);
    CHECK(hits.front() == hit);
    gdb.execution.insert('0', entry, 1);
    window.command(command::AddBreakpoint{"vfs_write"});
    for (; !hits.empty(); hits.pop_back()) {
        finish(window, Go{Motion::Run, true});
        gdb.execution.begin_run_back();
        CHECK(gdb.finish().reason == GdbStop::Reason::Breakpoint);
        same();
        CHECK(position_of(gdb.machine) == hits.back());
    }
    finish(window, Go{Motion::Run, true});
    gdb.execution.begin_run_back();
    CHECK(gdb.finish().reason == GdbStop::Reason::HistoryBegin);
    same();
    CHECK(gdb.machine.moment() == gdb.time->start());
    window.command(command::RemoveBreakpoint{2});
    finish(window, command::Find{"page-fault"});
    CHECK(at("page-fault") == position_of(window.machine()));
}

TEST_CASE("a search of the window's that is stopped leaves the machine where it was", "[guest]") {
    Session window(configuration());
    finish(window, command::SeekInstructions{9'000'000});
    const Position origin = position_of(window.machine());
    const u64 hash = window.machine().state_hash();
    unsigned told = 0;
    window.on_progress([&](const std::string& status) {
        CHECK(status.starts_with("Looking back: "));
        if (++told == 5) window.interrupt();
    });
    finish(window, command::Find{"code 0x77777", true});
    CHECK(window.status() == "Stopped looking");
    CHECK(told == 5);
    CHECK(position_of(window.machine()) == origin);
    CHECK(window.machine().state_hash() == hash);
    window.on_progress(nullptr);
    finish(window, command::Find{"code 0x77777", true});
    CHECK(window.status() == "There is none before");
    CHECK(position_of(window.machine()) == origin);
    finish(window, command::Find{"write"});
    CHECK(window.status() == "write: which address?");
}
