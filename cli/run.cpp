#include "cli/run.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "cli/end_signals.h"
#include "cli/stats.h"
#include "cli/terminal.h"
#include "devices/pc_board.h"
#include "emulator/machine/snapshot_file.h"

namespace orrery {

namespace {

// How many instructions go by between two looks at the keyboard: a few milliseconds of host time.
constexpr u64 kSlice = 2'000'000;

// No timer runs, and no CPU would take an interrupt.
bool nothing_can_wake(Machine& machine) {
    if (machine.events().next_deadline() != kNever) return false;
    for (unsigned i = 0; i < machine.cpu_count(); ++i) {
        const Cpu& cpu = machine.cpu(i);
        if (!cpu.waits() || (cpu.activity != Activity::WaitForSipi && (cpu.eflags & rflags::kIf) != 0))
            return false;
    }
    return true;
}

// Runs a guest with stdin as its keyboard. Virtual time does not outrun the host's while the guest is idle,
// so that a sleep takes as long as it says; that changes when inputs arrive, and nothing else.
StopReason run_interactive(Machine& machine, u64 max_instructions, RawTerminal& terminal,
                           const StdoutSink& output) {
    using Clock = std::chrono::steady_clock;
    PipePacer pacer;
    bool idle = false;
    for (;;) {
        if (terminal.raw() || (terminal.active() && pacer.wants_input(idle, output.bytes() > 0))) {
            const std::vector<u8> typed = terminal.read(0);
            if (!typed.empty()) machine.input(kSerialConsole, typed);
        }
        if (terminal.quit_requested() || !output.good() || EndSignals::caught()) return StopReason::Requested;
        RunLimits limits;
        limits.instructions = std::min(max_instructions, machine.moment().instructions + kSlice);
        limits.ticks = machine.moment().ticks + 10'000'000;
        const Clock::time_point before = Clock::now();
        const u64 ticks_before = machine.moment().ticks;
        const StopReason reason = machine.run(limits);
        idle = reason == StopReason::Idle;
        if (reason == StopReason::Budget && machine.spent() < max_instructions) continue;
        if (!idle) return reason;
        if (max_instructions != RunLimits{}.instructions && nothing_can_wake(machine))
            return StopReason::Budget;
        // Idle up to the limit: sleep for what virtual time is ahead, or until a key. A pipe's bytes are
        // there already.
        const auto ahead =
            std::chrono::nanoseconds(machine.moment().ticks - ticks_before) - (Clock::now() - before);
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(ahead);
        if (wait.count() <= 0) continue;
        if (terminal.raw()) {
            const std::vector<u8> woke = terminal.read(static_cast<int>(wait.count()));
            if (!woke.empty()) machine.input(kSerialConsole, woke);
        } else {
            std::this_thread::sleep_for(wait);
        }
    }
}

const char* vector_name(u8 vector) {
    static constexpr const char* kNames[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD",
                                             "#NM", "#DF", "",    "#TS", "#NP", "#SS", "#GP",
                                             "#PF", "",    "#MF", "#AC", "#MC", "#XM"};
    return vector < std::size(kNames) ? kNames[vector] : "interrupt";
}

std::string shutdown_text(const Cpu& cpu) {
    const ShutdownReason& why = cpu.shutdown;
    std::string text = fmt::format("triple fault at {:#x} (CPL {}):", why.rip, why.cpl);
    for (unsigned i = 0; i < why.fault_count; ++i) {
        text += fmt::format("{} {}", i == 0 ? "" : ", then", vector_name(why.faults[i].vector));
        text += fmt::format(" (error code {:#x}", why.faults[i].error_code);
        if (why.faults[i].vector == static_cast<u8>(Vector::PF))
            text += fmt::format(", address {:#x}", why.faults[i].address);
        text += ")";
    }
    return text;
}

}  // namespace

int exit_status(Machine& machine, StopReason reason, bool has_command) {
    switch (reason) {
        case StopReason::PowerOff:
            return 0;
        case StopReason::Reset:
            if (!has_command) return 0;
            fmt::print(stderr, "orrery: the guest was reset before its command had ended (a panic?)\n");
            return kExitGuestDied;
        case StopReason::DebugExit: {
            const u32 value = machine.exit_code() >> 1;
            if (has_command && value <= 0xff) return static_cast<int>(value);
            return static_cast<int>(machine.exit_code() & 0xff);
        }
        case StopReason::Shutdown:
            fmt::print(stderr, "orrery: {}\n", shutdown_text(machine.cpu()));
            return kExitGuestDied;
        case StopReason::Budget:
            fmt::print(stderr, "orrery: stopped after {} instructions (--max-insns)\n",
                       machine.moment().instructions);
            return kExitBudget;
        case StopReason::Idle:
            fmt::print(stderr, "orrery: the guest halted with interrupts off, and nothing can wake it\n");
            return 0;
        case StopReason::Requested:
            return 0;
    }
    return kExitOwnFault;
}

int run_headless(const RunOptions& options) {
    StdoutSink output;
    MachineConfig config = options.guest.machine_config();
    ConsoleTape tape(&output);
    config.serial_output = &output;
    if (options.gdb.wanted()) config.serial_output = &tape;
    const BootImages images = options.guest.boot_images();
    if (!options.save_snapshot.empty()) check_output("--save-snapshot", options.save_snapshot);
    std::unique_ptr<StatsFile> stats;
    if (!options.stats.empty()) stats = std::make_unique<StatsFile>(options.stats);

    const auto start = std::chrono::steady_clock::now();
    Machine machine(config);
    machine.load(images);
    if (!options.load_snapshot.empty()) load_snapshot_file(machine, options.load_snapshot);
    if (stats) stats->watch(machine);
    std::unique_ptr<GdbRun> gdb;
    if (options.gdb.wanted())
        gdb =
            std::make_unique<GdbRun>(options.gdb, machine, tape, images.kernel, !options.guest.has_command());
    if (stats && gdb)
        gdb->time().on_restore([&machine, &stats] { stats->rewind(machine.moment().instructions); });
    const std::unique_ptr<Recorder> recorder =
        options.record.start(machine, images, options.guest, options.load_snapshot);
    if (recorder && gdb) recorder->follow(gdb->time());

    EndSignals signals;
    std::optional<StopAtEnd> watch;
    if (!gdb) watch.emplace(machine, &output);
    StopReason reason;
    for (;;) {
        if (gdb) {
            reason = gdb->run(options.guest.max_instructions, !options.guest.has_command(), output);
        } else if (options.guest.has_command()) {
            RunLimits limits;
            limits.instructions = options.guest.max_instructions;
            reason = machine.run(limits);
        } else {
            RawTerminal terminal;
            reason = run_interactive(machine, options.guest.max_instructions, terminal, output);
        }
        // A reset boots again, as on any PC; with a command there is nothing left to do.
        if (reason != StopReason::Reset || options.guest.has_command()) break;
        machine.input(kRestartInput, {});
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    for (const auto& disk : machine.board().disks())
        if (const std::string& error = disk->disk().image().error(); !error.empty())
            fmt::print(stderr, "orrery: {}; the guest was told of an I/O error\n", error);
    if (stats) stats->write(machine, seconds.count());
    if (!options.save_snapshot.empty()) save_snapshot_file(machine, options.save_snapshot);
    const bool cut = EndSignals::caught() || !output.good();
    const int status = cut ? kExitOwnFault : exit_status(machine, reason, options.guest.has_command());
    if (recorder) recorder->finish(reason, status, gdb ? gdb->time().end() : machine.moment());
    if (gdb) gdb->exited(status);
    signals.finish(&output);
    return status;
}

}  // namespace orrery
