// Our kernel, booted: whatever watches it, the machine's state at a moment is the same; and stops are where
// they should be.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/inspect/models/windows.h"
#include "emulator/points/armed_points.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/navigation.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "tests/unit/catch.h"

using namespace orrery;
using Why = Arrival::Why;

namespace {

constexpr u64 kMoment = 9'000'000;  // the init script runs programs

class CountingSink : public OutputSink {
  public:
    void write(std::span<const u8> data) override { bytes += data.size(); }
    u64 bytes = 0;
};

struct Guest {
    Guest() {
        MachineConfig config;
        config.ram_size = u64{64} << 20;
        config.serial_output = &console;
        config.display.present = true;  // or its window has nothing to show
        machine = std::make_unique<Machine>(config);
        BootImages images;
        images.kernel = GUEST_KERNEL;
        images.initrd = GUEST_INITRAMFS;
        images.command_line = "console=ttyS0";
        machine->load(images);
    }
    CountingSink console;
    std::unique_ptr<Machine> machine;
};

const DebugInfo& kernel_info() {
    static const std::unique_ptr<DebugInfo> info = DebugInfo::open(GUEST_KERNEL);
    return *info;
}
const GuestOs& os() {
    static const std::unique_ptr<GuestOs> os = guest_os(&kernel_info());
    return *os;
}

RunLimits to_moment(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

u64 plain_hash() {
    static const u64 hash = [] {
        Guest guest;
        guest.machine->run(to_moment(kMoment));
        return guest.machine->state_hash();
    }();
    return hash;
}

}  // namespace

TEST_CASE("tracing system calls changes nothing", "[guest]") {
    Guest guest;
    SyscallTracer tracer(*guest.machine, os());
    guest.machine->run(to_moment(kMoment));
    CHECK(tracer.log().records().size() > 50);
    CHECK(guest.machine->state_hash() == plain_hash());
}

TEST_CASE("looking at every window changes nothing", "[guest]") {
    Guest guest;
    SyscallTracer tracer(*guest.machine, os());
    EventLog events(*guest.machine);
    TimeMachine time(*guest.machine);
    time.add_bookmark("here");
    const std::string console = "x";
    ModelContext context{*guest.machine};
    context.time = context.past = &time;
    context.events = &events;
    context.os = &os();
    context.syscalls = &tracer.log();
    context.console = &console;
    for (u64 at = kMoment / 3; at <= kMoment; at += kMoment / 3) {
        guest.machine->run(to_moment(at));
        for (const ShowWindow& window : show_windows()) {
            INFO(window.name);
            std::vector<std::string> arguments;
            if (window.name == "page-walk" || window.name == "memory" || window.name == "who-wrote")
                arguments = {"rsp"};
            if (window.name == "address-space") arguments = {"1", "pages"};
            try {
                const RenderedWindow rendered = window.render(context, arguments);
                if (at == kMoment) CHECK_FALSE(rendered.text.empty());
            } catch (const ShowError&) {
                CHECK(at < kMoment);  // early on there is no init yet
            }
        }
    }
    CHECK(guest.machine->state_hash() == plain_hash());
}

TEST_CASE("breakpoints, steps and ring crossings change nothing", "[guest]") {
    Guest guest;
    Machine& machine = *guest.machine;
    TimeMachine time(machine);
    Navigation navigation(time);
    machine.run(to_moment(8'000'000));
    for (int i = 0; i < 20; ++i) {
        REQUIRE(navigation.go({going::Match{}}, to_moment(kMoment)).why == Why::Done);
        navigation.go({going::Step{}});
    }
    navigation.stop_at({{7, resolve_place("do_syscall_64", &kernel_info())}});
    const Arrival arrival = navigation.go({going::Run{}}, to_moment(kMoment));
    REQUIRE(arrival.why == Why::Point);
    CHECK(arrival.point->id == 7);
    CHECK(kernel_info().symbols.describe(machine.cpu().rip()) == "do_syscall_64");
    for (int i = 0; i < 300; ++i) navigation.go({going::Step{}});
    navigation.stop_at({});
    machine.run(to_moment(kMoment));
    CHECK(machine.moment().instructions == kMoment);
    CHECK(machine.state_hash() == plain_hash());
}

TEST_CASE("watched places change nothing", "[guest]") {
    Guest guest;
    Machine& machine = *guest.machine;
    u64 hits = 0, accesses = 0;
    const Subscription watch(machine.observers(),
                             Observers::bit(EventKind::Breakpoint) | Observers::bit(EventKind::DataAccess),
                             [&](const Event& event) {
                                 ++(event.kind() == EventKind::Breakpoint ? hits : accesses);
                                 if (hits % 64 == 63) machine.request_stop();
                             });
    const auto at = [](const char* symbol) { return kernel_info().symbols.find(symbol)->address; };
    const auto run_to = [&](u64 instructions) {
        while (machine.run(to_moment(instructions)) == StopReason::Requested) {
        }
    };
    run_to(4'000'000);
    {
        ArmedPoints armed(machine.observers());
        armed.code(at("do_syscall_64"));
        armed.code(at("exc_page_fault"));
        armed.code(at("asm_exc_page_fault"));
        armed.data({at("init_task"), 4096, false, true, true});
        armed.data(
            {0, u64{16} << 20, true, false, true});  // all that is written there: tables, stacks, devices
        armed.data({machine.cpu().gpr[kRsp] & ~u64{0xfff}, 8192, false, true, true});
        run_to(8'500'000);
    }
    run_to(kMoment);
    CHECK(hits > 300);
    CHECK(accesses > 10'000);
    CHECK(machine.state_hash() == plain_hash());
}

TEST_CASE("stepping over and out works on the kernel's own code", "[guest]") {
    Guest guest;
    Machine& machine = *guest.machine;
    TimeMachine time(machine);
    Navigation navigation(time);
    machine.run(to_moment(7'000'000));
    const u64 place = resolve_place("do_syscall_64", &kernel_info());
    REQUIRE(navigation.go({going::Place{place}}, to_moment(kMoment)).why == Why::Done);
    const Position entry = position_of(machine);
    const u64 stack = machine.cpu().gpr[kRsp];
    u64 caller = 0;
    machine.peek(0, stack, &caller, sizeof caller);
    // Over everything in it, which never leaves the function but by its return.
    std::vector<Position> forwards = {entry};
    while (machine.cpu().rip() != caller && forwards.size() < 2000) {
        REQUIRE(navigation.go({going::Over{}}, to_moment(2 * kMoment)).why == Why::Done);
        const Symbol* here = kernel_info().symbols.at(machine.cpu().rip());
        REQUIRE(here != nullptr);
        if (machine.cpu().rip() != caller) CHECK(machine.cpu().gpr[kRsp] <= stack);
        forwards.push_back(position_of(machine));
    }
    CHECK(machine.cpu().rip() == caller);
    CHECK(machine.cpu().gpr[kRsp] == stack + 8);
    // Back over its whole call, to right before that.
    REQUIRE(navigation.go({going::Over{}, true}).why == Why::Done);
    CHECK(machine.cpu().gpr[kRsp] == stack + 8);
    REQUIRE(navigation.go({going::Step{}}).why == Why::Done);
    CHECK((position_of(machine) == entry));
    // Back into its return, and from there over all that it did the same way, or a shorter one: an interrupt's
    // handler is gone through forwards, and over backwards.
    arrive(time, forwards.back());
    REQUIRE(navigation.go({going::Step{}, true}).why == Why::Done);
    auto later = forwards.end() - 1;
    while (position_of(machine) != entry) {
        const auto here = std::find(forwards.begin(), later, position_of(machine));
        REQUIRE((here != later));
        later = here;
        REQUIRE(navigation.go({going::Over{}, true}).why == Why::Done);
    }

    REQUIRE(navigation.go({going::Place{place}}, to_moment(2 * kMoment)).why == Why::Done);
    machine.peek(0, machine.cpu().gpr[kRsp], &caller, sizeof caller);
    for (int i = 0; i < 5; ++i) navigation.go({going::Step{}});
    REQUIRE(navigation.go({going::Out{}}, to_moment(2 * kMoment)).why == Why::Done);
    CHECK(machine.cpu().rip() == caller);
}
