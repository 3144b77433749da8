#include "cli/strace.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "cli/end_signals.h"
#include "cli/inspection.h"
#include "cli/run.h"
#include "cli/terminal.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/strace_writer.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/machine/output_file.h"

namespace orrery {

void StraceOptions::declare(CLI::App& app) {
    guest.declare(app);
    replay.declare(app);
    app.add_flag("-c", summary, "Count calls, errors and virtual time, and print a table at the end");
    app.add_option("-o", output, "Write the trace to this file instead of stderr");
}

int run_strace(const StraceOptions& options) {
    if (!options.guest.has_command() && options.replay.path.empty())
        throw UsageError("strace: a command after -- is needed, as in: orrery strace -- ls /");
    StdoutSink console;
    Subject subject(options.guest, options.replay, &console);

    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(nullptr, &std::fclose);
    if (!options.output.empty()) {
        file.reset(std::fopen(options.output.c_str(), "w"));
        if (!file) throw UsageError(fmt::format("strace: {}: {}", options.output, std::strerror(errno)));
    }
    std::FILE* const out = file ? file.get() : stderr;

    const std::unique_ptr<DebugInfo> kernel = kernel_debug_info(subject.kernel());
    const std::unique_ptr<GuestOs> os = guest_os(kernel.get());
    SyscallTracer tracer(subject.machine(), *os);
    // A recording of somebody who typed: the calls of all programs.
    const std::vector<std::string>& command = subject.command();
    if (!command.empty()) tracer.only_command(command);
    StraceWriter writer([out](const std::string& line) { std::fputs(line.c_str(), out); });
    if (!options.summary) tracer.listen(&writer);

    RunLimits limits;
    limits.instructions = options.guest.max_instructions;
    EndSignals signals;
    std::optional<StopAtEnd> watch;
    watch.emplace(subject.machine(), &console);
    const StopReason reason = subject.run(limits);
    watch.reset();
    tracer.finish();
    writer.finish();
    if (options.summary) std::fputs(strace_summary(tracer.log().totals()).c_str(), out);
    const bool written = std::fflush(out) == 0 && std::ferror(out) == 0;
    const int error = errno;
    signals.finish(&console);
    if (!written)
        throw OutputError(fmt::format("{}: cannot be written: {}", file ? options.output : "standard error",
                                      std::strerror(error)));
    if (tracer.log().records().empty() && !command.empty() && !os->tells_who_runs())
        fmt::print(stderr, "orrery: the command was not seen: {}\n", os->problem());
    else if (tracer.log().records().empty() && !command.empty())
        fmt::print(stderr, "orrery: the command was never executed (is {} in the guest's PATH?)\n",
                   command[0]);
    return subject.status(reason);
}

}  // namespace orrery
