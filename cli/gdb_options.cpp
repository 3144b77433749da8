#include "cli/gdb_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <deque>
#include <optional>

#include "cli/end_signals.h"
#include "cli/guest_options.h"
#include "cli/inspection.h"
#include "cli/own_files.h"
#include "cli/terminal.h"
#include "devices/pc_board.h"
#include "emulator/guestos/kernel_slide.h"
#include "emulator/guestos/known_kernels.h"

namespace orrery {

namespace {

constexpr u64 kGdbSlice = 2'000'000;         // instructions between two looks at gdb and the keyboard
constexpr Ticks kConsoleSlice = 10'000'000;  // and virtual time, where somebody waits for an echo
constexpr int kStandstill = 50;  // milliseconds between looks at the keyboard while gdb holds the machine
constexpr size_t kFifo = 16;     // a serial port's
constexpr size_t kMostTyped = 4096;

// What is typed while the machine stands still, and after.
class Keyboard {
  public:
    explicit Keyboard(bool console) {
        if (console) terminal_.emplace();
    }
    bool raw() const { return terminal_ && terminal_->raw(); }
    bool quit_requested() const { return terminal_ && terminal_->quit_requested(); }

    void look() {
        if (!raw() || typed_.size() >= kMostTyped) return;
        for (const u8 byte : terminal_->read(0)) typed_.push_back(byte);
    }
    // What the guest is to get now. A pipe's bytes wait until time stands at the run's end: in the past they
    // would begin another run.
    std::vector<u8> next(bool in_past, bool idle, bool printed) {
        std::vector<u8> bytes;
        if (raw()) {
            for (; !typed_.empty() && bytes.size() < kFifo; typed_.pop_front())
                bytes.push_back(typed_.front());
        } else if (terminal_ && terminal_->active() && !in_past && pacer_.wants_input(idle, printed)) {
            bytes = terminal_->read(0);
        }
        return bytes;
    }

  private:
    std::optional<RawTerminal> terminal_;
    PipePacer pacer_;
    std::deque<u8> typed_;
};

}  // namespace

void GdbOptions::declare(CLI::App& app) {
    app.add_option(
        "--gdb", where,
        "Let gdb attach: a port of this host (0: a free one), or the path of a Unix socket with a /");
    app.add_flag("-S", stopped, "With --gdb: do not run before a debugger says so");
    app.add_option("--history", history, "With --gdb: memory for going back in time")->capture_default_str();
}

u64 GdbOptions::history_bytes() const {
    return parse_history(history);
}

GdbRun::GdbRun(const GdbOptions& options, Machine& machine, ConsoleTape& tape, const std::string& kernel,
               bool restarts)
    : machine_(machine), tape_(tape), kernel_path_(kernel) {
    time_ = std::make_unique<TimeMachine>(machine, std::vector<ConsoleTape*>{&tape}, options.history_bytes());
    server_ = std::make_unique<GdbServer>(GdbSubject{*time_, [this] { return context(); }, restarts},
                                          options.where, options.stopped);
    fmt::print(stderr, "orrery: gdb can attach: target remote {}\n", server_->address());
}

ModelContext GdbRun::context() {
    if (!os_) {
        kernel_ = kernel_debug_info(kernel_path_);
        os_ = guest_os(kernel_.get());
    }
    KernelSlide(machine_, kernel_.get()).follow();
    console_ = tape_.text();
    ModelContext context{machine_};
    context.os = os_.get();
    context.console = &console_;
    context.time = context.past = time_.get();
    context.source_root = source_directory();
    return context;
}

StopReason GdbRun::run(u64 max_instructions, bool console, const StdoutSink& output) {
    return run_with_gdb(*server_, *time_, max_instructions, console, output);
}

StopReason run_with_gdb(GdbServer& server, TimeMachine& time, u64 max_instructions, bool console,
                        const StdoutSink& output) {
    using Clock = std::chrono::steady_clock;
    Machine& machine = time.machine();
    Keyboard keyboard(console);
    bool idle = false;
    for (;;) {
        server.serve(server.running() ? 0 : kStandstill);
        keyboard.look();
        if (server.killed() || keyboard.quit_requested() || !output.good() || EndSignals::caught())
            return StopReason::Requested;
        if (!server.running()) continue;
        std::vector<u8> typed = keyboard.next(time.in_past(), idle, output.bytes() > 0);
        if (!typed.empty()) machine.input(kSerialConsole, std::move(typed));

        const Moment from = machine.moment();
        const Clock::time_point before = Clock::now();
        bool over = false;
        const StopReason reason =
            server.run({from.instructions + kGdbSlice, console ? from.ticks + kConsoleSlice : kNever},
                       max_instructions, over);
        if (over) return reason;
        idle = reason == StopReason::Idle;
        // Virtual time does not outrun the host's while a guest with a console is idle, but for the past.
        if (!idle || time.in_past()) continue;
        const auto ahead =
            std::chrono::nanoseconds(machine.moment().ticks - from.ticks) - (Clock::now() - before);
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(ahead);
        // Without a console nothing but gdb can end an idleness that no timer does.
        if (server.running() && (wait.count() > 0 || !console))
            server.serve(console ? static_cast<int>(wait.count()) : kStandstill,
                         keyboard.raw() ? STDIN_FILENO : -1);
    }
}

}  // namespace orrery
