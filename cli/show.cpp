#include "cli/show.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "cli/inspection.h"
#include "cli/number_options.h"
#include "cli/own_files.h"
#include "emulator/guestos/kernel_slide.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/inspect/models/framebuffer.h"
#include "emulator/inspect/models/ring.h"
#include "emulator/inspect/models/windows.h"
#include "emulator/points/debugger.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "ui/png_file.h"

namespace orrery {

namespace {

constexpr u64 kDefaultBudget = 20'000'000'000;  // instructions: a guest that never waits is shown there
constexpr Ticks kShowSlice = 20'000'000;        // 20 ms of virtual time
constexpr u64 kQuiet = 1'000'000;               // instructions of a slice in which a guest only ticks
constexpr unsigned kQuietSlices = 3;

// Until the guest has printed something and does nothing but wait, or has ended.
void run_until_idle(Machine& machine, const KeepingSink& console, u64 budget) {
    unsigned quiet = 0;
    while (quiet < kQuietSlices && machine.spent() < budget) {
        const u64 before = machine.moment().instructions;
        RunLimits limits;
        limits.instructions = budget;
        limits.ticks = machine.moment().ticks + kShowSlice;
        const StopReason reason = machine.run(limits);
        if (reason != StopReason::Budget && reason != StopReason::Idle) return;
        const bool waits = machine.moment().instructions - before < kQuiet && !console.text().empty();
        quiet = waits ? quiet + 1 : 0;
    }
}

// Stops the machine at the entry of a call.
class StopAtCall : public SyscallListener {
  public:
    StopAtCall(Machine& machine, u64 number) : machine_(machine), number_(number) {}
    void entered(const SyscallRecord& record) override {
        if (record.call.number == number_) machine_.request_stop();
    }
    void finished(const SyscallRecord&) override {}
    void noted(const SyscallRecord&) override {}

  private:
    Machine& machine_;
    u64 number_;
};

// To the first time a program (the command or its children, if there is one) makes this call: just after its
// SYSCALL instruction.
void run_to_syscall(Machine& machine, u64 number, const GuestOs& os, const std::vector<std::string>& command,
                    const RunLimits& limits) {
    if (!command.empty()) {
        SyscallTracer tracer(machine, os);
        StopAtCall stop(machine, number);
        tracer.only_command(command);
        tracer.listen(&stop);
        machine.run(limits);
        return;
    }
    const u32 id =
        machine.observers().subscribe(Observers::bit(EventKind::SystemCall), [&](const Event& event) {
            if (machine.cpu(event.cpu).gpr[kRax] == number) machine.request_stop();
        });
    machine.run(limits);
    machine.observers().unsubscribe(id);
}

class Moments {
  public:
    // Throws UsageError.
    Moments(const std::string& text, DebugInfo* kernel, const GuestOs& os, std::vector<std::string> command)
        : text_(text), kernel_(kernel), os_(os), command_(std::move(command)) {
        // What begins with 0x is an address.
        if (text.find_first_not_of("0123456789") == text.npos) {
            const std::optional<u64> count = parse_number(text, kLargestCount);
            if (!count && !text.empty())
                throw UsageError(
                    fmt::format("show: --at {}: not a count of instructions (0 to {})", text, kLargestCount));
            count_ = count.value_or(0);
            return;
        }
        if (text.rfind("syscall:", 0) == 0) {
            call_ = syscall_number(text.substr(8));
            if (!call_) throw UsageError(fmt::format("show: --at {}: no system call is called so", text));
            return;
        }
        try {
            place_ = resolve_place(text, kernel);
        } catch (const BreakpointError& error) {
            throw UsageError(fmt::format(
                "show: --at {}: an instruction count, syscall:NAME, or a place in the kernel ({})", text,
                error.what()));
        }
    }

    void reach(Machine& machine, const KeepingSink& console, u64 budget) {
        RunLimits limits;
        limits.instructions = budget;
        if (text_.empty()) return run_until_idle(machine, console, budget);
        if (call_) return run_to_syscall(machine, *call_, os_, command_, limits);
        if (place_) {
            // A name says where it lies only once the kernel has chosen its place.
            const bool named = text_[0] < '0' || text_[0] > '9';
            if (named && KernelSlide(machine, kernel_).reach(limits) == StopReason::Budget)
                place_ = resolve_place(text_, kernel_);
            Debugger(machine).run_to(*place_, limits);
            return;
        }
        limits.instructions = std::min(count_, budget);
        while (!machine.ended() && machine.moment().instructions < limits.instructions)
            if (machine.run(limits) != StopReason::Requested) break;
    }

    // Whether a given place is where the machine stands; else a line for the user.
    std::string missed(Machine& machine) const {
        const u64 now = machine.moment().instructions;
        if (!text_.empty() && !call_ && !place_ && now < count_)
            return fmt::format("the guest came only to instruction {}", now);
        if (place_ && machine.cpu().rip() != *place_)
            return fmt::format("{} was not reached by instruction {}", text_, now);
        if (machine.ended() && call_)
            return fmt::format("no program made the call by instruction {}, where the guest ended", now);
        if (machine.ended() && text_.empty() && command_.empty())
            return fmt::format("the guest ended at instruction {}", now);
        return "";
    }

  private:
    std::string text_;
    DebugInfo* kernel_;
    const GuestOs& os_;
    std::vector<std::string> command_;
    u64 count_ = 0;
    std::optional<u64> call_;
    std::optional<u64> place_;
};

}  // namespace

void ShowOptions::declare(CLI::App& app) {
    guest.declare(app);
    replay.declare(app);
    app.add_option("window", window, "The window")->required();
    app.add_option("arguments", arguments, "Its arguments");
    app.add_option(
        "--at", at,
        "The moment: an instruction count, syscall:NAME (its first call), or a place in the kernel that is "
        "run to (symbol, FILE:LINE, address); default: when the guest has come up and waits, or the end of a "
        "recording");
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

        KeepingSink console;
        GuestOptions guest = options.guest;
        guest.display_shown = window.name == "framebuffer";
        if (options.format == "png" && !guest.display_shown)
            throw UsageError("show: --format png goes with the window framebuffer");
        if (options.format == "png" && isatty(STDOUT_FILENO) != 0)
            throw UsageError("show: --format png writes a picture: send it to a file with >");
        Subject subject(guest, options.replay, &console);
        Machine& machine = subject.machine();
        if (options.vcpu && *options.vcpu >= machine.cpu_count())
            throw UsageError(fmt::format("show: --vcpu {}: the machine has {} (--smp)", *options.vcpu,
                                         machine.cpu_count()));
        const std::unique_ptr<DebugInfo> kernel = kernel_debug_info(subject.kernel());
        const std::unique_ptr<GuestOs> os = guest_os(kernel.get());
        Moments moment(options.at, kernel.get(), *os, subject.command());
        std::optional<SyscallTracer> tracer;
        if (window.name == "syscalls" || window.name == "tasks") tracer.emplace(machine, *os);

        const LastCrossing crossing(machine);
        std::optional<EventLog> events;
        std::optional<TimeMachine> time;
        if (window.name == "timeline" || window.name == "bookmarks" || window.name == "who-wrote") {
            events.emplace(machine);
            time.emplace(machine);
            subject.give_to(*time);
        }

        u64 budget = std::min(options.guest.max_instructions, kDefaultBudget);
        if (subject.end()) budget = subject.end()->instructions;
        if (options.at.empty() && subject.end())
            run_to_moment(machine, *subject.end());
        else
            moment.reach(machine, console, budget);
        KernelSlide(machine, kernel.get()).follow();
        const std::string missed = moment.missed(machine);
        if (!missed.empty()) fmt::print(stderr, "orrery: {}\n", missed);

        ModelContext context{machine};
        context.os = os.get();
        context.cpu = options.vcpu.value_or(machine.cpu().id);
        context.syscalls = tracer ? &tracer->log() : nullptr;
        context.console = &console.text();
        context.time = time ? &*time : nullptr;
        context.events = events ? &*events : nullptr;
        context.crossing = &crossing;
        context.past = time ? &*time : nullptr;
        context.source_root = source_directory();
        if (options.format == "png") {
            const FramebufferModel model = framebuffer_model(context);
            if (!model.visible()) throw UsageError("show framebuffer: " + model.problem);
            write_png(std::cout, static_cast<int>(model.width), static_cast<int>(model.height),
                      rgb_bytes(model));
            return 0;
        }
        const RenderedWindow rendered = window.render(context, options.arguments);
        fmt::print("{}", options.format == "json" ? rendered.json + "\n" : rendered.text);
        return 0;
    } catch (const ShowError& error) {
        throw UsageError(error.what());
    }
}

}  // namespace orrery
