#include "cli/show.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <optional>

#include "cli/inspection.h"
#include "cli/number_options.h"
#include "cli/own_files.h"
#include "cli/show_moment.h"
#include "emulator/guestos/kernel_slide.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/inspect/models/framebuffer.h"
#include "emulator/inspect/models/progress_text.h"
#include "emulator/inspect/models/ring.h"
#include "emulator/inspect/models/windows.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/navigation.h"
#include "ui/png_file.h"

namespace orrery {

namespace {

constexpr u64 kDefaultBudget = 20'000'000'000;  // instructions: a guest that never waits is shown there

// Whoever looks through a run at a terminal is told how far that is.
class ShownProgress {
  public:
    explicit ShownProgress(Navigation& navigation) {
        if (isatty(STDERR_FILENO) == 0) return;
        navigation.watch([this](const Progress& progress) {
            const Clock::time_point now = Clock::now();
            if (now < said_ + std::chrono::milliseconds(500)) return true;
            said_ = now;
            shown_ = true;
            fmt::print(stderr, "\r\x1b[Korrery: {} (Ctrl-C ends it)", progress_text(progress));
            return true;
        });
    }
    ~ShownProgress() { clear(); }
    ShownProgress(const ShownProgress&) = delete;
    ShownProgress& operator=(const ShownProgress&) = delete;
    void clear() {
        if (std::exchange(shown_, false)) fmt::print(stderr, "\r\x1b[K");
    }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point said_ = Clock::now();
    bool shown_ = false;
};

// What goes back in time with the machine.
void go_along(TimeMachine& time, SyscallTracer* tracer, EventLog* events, LastCrossing& crossing) {
    if (tracer != nullptr) {
        const auto start = tracer->state();
        time.carry(
            [tracer] { return std::static_pointer_cast<const void>(tracer->state()); },
            [tracer, start](const std::shared_ptr<const void>& state) {
                tracer->rewind(state ? *std::static_pointer_cast<const SyscallTracer::State>(state) : *start);
            });
    }
    time.on_restore([events, &crossing] {
        if (events != nullptr) events->moved();
        crossing.moved();
    });
}

}  // namespace

void ShowOptions::declare(CLI::App& app) {
    guest.declare(app);
    replay.declare(app);
    app.add_option("window", window, "The window")->required();
    app.add_option("arguments", arguments, "Its arguments");
    app.add_option(
        "--at", at,
        "The moment: an instruction count, syscall:NAME (its first call), a place in the kernel that is run "
        "to "
        "(symbol, FILE:LINE, address), a query (the first \"page-fault\", \"return name=openat result=-2\", "
        "\"write PLACE\" …), or \"last QUERY\" (looking back from the default); default: when the guest has "
        "come "
        "up and waits, or the end of a recording");
    add_number(app, "--vcpu", vcpu,
               "The virtual CPU that is meant, from 0 (default: the one whose turn it is)");
    app.add_option("--format", format, "text, json, or png (the window framebuffer)")
        ->check(CLI::IsMember({"text", "json", "png"}))
        ->capture_default_str();
    std::string windows = "Windows:\n";
    for (const ShowWindow& known : show_windows())
        windows += fmt::format("  {:<30} {}\n", known.name + " " + known.arguments, known.summary);
    app.footer(windows);
}

int run_show(const ShowOptions& options) {
    try {
        const ShowWindow& window = find_window(options.window);
        window.check(options.arguments);

        ConsoleTape tape;
        GuestOptions guest = options.guest;
        guest.display_shown = window.name == "framebuffer";
        if (options.format == "png" && !guest.display_shown)
            throw UsageError("show: --format png goes with the window framebuffer");
        if (options.format == "png" && isatty(STDOUT_FILENO) != 0)
            throw UsageError("show: --format png writes a picture: send it to a file with >");
        Subject subject(guest, options.replay, &tape);
        Machine& machine = subject.machine();
        if (options.vcpu && *options.vcpu >= machine.cpu_count())
            throw UsageError(fmt::format("show: --vcpu {}: the machine has {} (--smp)", *options.vcpu,
                                         machine.cpu_count()));
        const std::unique_ptr<DebugInfo> kernel = kernel_debug_info(subject.kernel());
        const std::unique_ptr<GuestOs> os = guest_os(kernel.get());
        ShowMoment moment(options.at, kernel.get(), subject.command());
        std::optional<SyscallTracer> tracer;
        if (window.name == "syscalls" || window.name == "tasks") tracer.emplace(machine, *os);

        LastCrossing crossing(machine);
        const bool past =
            window.name == "timeline" || window.name == "bookmarks" || window.name == "who-wrote";
        std::optional<EventLog> events;
        if (past) events.emplace(machine);
        TimeMachine time(machine, {&tape});
        subject.give_to(time);
        go_along(time, tracer ? &*tracer : nullptr, events ? &*events : nullptr, crossing);
        Navigation navigation(time, *os);
        ShownProgress progress(navigation);

        u64 budget = std::min(options.guest.max_instructions, kDefaultBudget);
        if (subject.end()) budget = subject.end()->instructions;
        std::string missed;
        navigation.look([&] {
            missed = moment.reach(navigation, subject.end(), budget, [&] { return !tape.text().empty(); });
        });
        progress.clear();
        KernelSlide(machine, kernel.get()).follow();
        if (!missed.empty()) fmt::print(stderr, "orrery: {}\n", missed);

        ModelContext context{machine};
        context.os = os.get();
        context.cpu = options.vcpu.value_or(machine.cpu().id);
        context.syscalls = tracer ? &tracer->log() : nullptr;
        const std::string console(tape.text());
        context.console = &console;
        context.time = past ? &time : nullptr;
        context.events = events ? &*events : nullptr;
        context.crossing = &crossing;
        context.past = past ? &time : nullptr;
        context.source_root = source_directory();
        if (options.format == "png") {
            const FramebufferModel model = framebuffer_model(context);
            if (!model.visible()) throw UsageError("show framebuffer: " + model.problem);
            write_png(std::cout, static_cast<int>(model.width), static_cast<int>(model.height),
                      rgb_bytes(model));
            return 0;
        }
        RenderedWindow rendered;
        navigation.look([&] { rendered = window.render(context, options.arguments); });
        progress.clear();
        fmt::print("{}", options.format == "json" ? rendered.json + "\n" : rendered.text);
        return 0;
    } catch (const ShowError& error) {
        throw UsageError(error.what());
    }
}

}  // namespace orrery
