// The tracer of system calls under a time machine: at each moment its log is the same, whichever way one came
// there.
#include <map>
#include <memory>
#include <string>

#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/inspect/models/syscalls.h"
#include "emulator/inspect/models/timeline.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

TEST_CASE("the log of system calls goes back and forth with the machine", "[guest]") {
    MachineConfig config;
    config.ram_size = u64{64} << 20;
    Machine machine(config);
    BootImages images;
    images.kernel = GUEST_KERNEL;
    images.initrd = GUEST_INITRAMFS;
    images.command_line = "console=ttyS0";
    machine.load(images);
    const std::unique_ptr<DebugInfo> kernel = DebugInfo::open(GUEST_KERNEL);
    const std::unique_ptr<GuestOs> os = guest_os(kernel.get());
    SyscallTracer tracer(machine, *os);
    const auto start = tracer.state();
    EventLog events(machine);
    TimeMachine time(machine);
    time.carry(
        [&] { return std::static_pointer_cast<const void>(tracer.state()); },
        [&](const std::shared_ptr<const void>& state) {
            tracer.rewind(state ? *std::static_pointer_cast<const SyscallTracer::State>(state) : *start);
        });
    time.on_restore([&] { events.moved(); });
    ModelContext context{machine};
    context.syscalls = &tracer.log();
    context.time = &time;
    context.events = &events;
    const auto shown = [&] {
        const SyscallsModel model = syscalls_model(context);
        return to_text(model) + summary_text(model);
    };

    std::map<u64, std::string> live;
    for (u64 at = 5'000'000; at <= 8'600'000; at += 211'111) {
        time.seek_instructions(at);
        live[at] = shown();
    }
    REQUIRE(tracer.log().records().size() > 100);
    u64 crossings = 0;
    for (const TimelineBin& bin : timeline_model(context).bins) crossings += bin.crossings;
    CHECK(crossings > 100);

    for (const auto& [at, text] : std::map<u64, std::string, std::greater<>>(live.begin(), live.end())) {
        time.seek_instructions(at);
        INFO(at);
        CHECK(shown() == text);
    }
    for (const u64 at : {u64{6'266'666}, u64{8'377'776}, u64{5'211'111}, u64{8'166'665}}) {
        time.seek_instructions(at);
        INFO(at);
        if (live.contains(at)) CHECK(shown() == live[at]);
    }
    u64 again = 0;
    for (const TimelineBin& bin : timeline_model(context).bins) again += bin.crossings;
    CHECK(again == crossings);
}
