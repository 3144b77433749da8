// --gdb, -S and --history: a run that gdb can attach to, and how far back it can go.
#pragma once

#include <memory>
#include <string>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/inspect/gdb/server.h"

namespace CLI {
class App;
}

namespace orrery {

class StdoutSink;

struct GdbOptions {
    std::string where;  // empty: no gdb
    bool stopped = false;
    std::string history = "1G";

    void declare(CLI::App& app);
    bool wanted() const { return !where.empty(); }
    // Bytes. Throws UsageError.
    u64 history_bytes() const;
};

// A machine that runs with a gdb server beside it, and with time to go back in.
class GdbRun {
  public:
    // `machine` is loaded and prints to `tape`. `kernel`: the file of its kernel. Says on stderr where gdb is
    // to attach. Throws UsageError, GdbServerError.
    GdbRun(const GdbOptions& options, Machine& machine, ConsoleTape& tape, const std::string& kernel,
           bool restarts);

    // Runs until the machine's end, `max_instructions`, or until gdb or the person at the keyboard ends it.
    // `console`: stdin is the guest's keyboard. `output`: what the tape hands on to; a run ends where that is
    // closed.
    StopReason run(u64 max_instructions, bool console, const StdoutSink& output);

    // The process is about to end with this exit status.
    void exited(int status) { server_->exited(status); }
    TimeMachine& time() { return *time_; }

  private:
    ModelContext context();

    Machine& machine_;
    ConsoleTape& tape_;
    std::string kernel_path_, console_;
    // Once somebody has asked for it.
    std::unique_ptr<DebugInfo> kernel_;
    std::unique_ptr<GuestOs> os_;
    std::unique_ptr<TimeMachine> time_;
    std::unique_ptr<GdbServer> server_;
};

// The loop of such a run, for any machine and server. Without `console` stdin is left alone.
StopReason run_with_gdb(GdbServer& server, TimeMachine& time, u64 max_instructions, bool console,
                        const StdoutSink& output);

}  // namespace orrery
