// A machine under the debugger's hand: commands go in, frames come out. It runs on one thread only (the
// caller's); guest_thread.h gives it one of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/debug/debugger.h"
#include "emulator/guest/debug_info.h"
#include "emulator/guest/syscall_tracer.h"
#include "emulator/machine/machine.h"
#include "ui/frame.h"

namespace orrery {

struct SessionConfig {
    MachineConfig machine;  // its serial_output is the session's own
    BootImages images;
    std::string kernel_path;  // where symbols are read from
    std::string source_root;  // where guest-kernel/ lies; empty: no sources are shown
};

enum class Verb : u8 {
    Run,
    Pause,
    Step,
    StepOver,
    StepOut,
    NextCrossing,      // to the next change between ring 3 and ring 0
    RunTo,             // text: a place
    UntilSyscall,      // text: a system call's name, or empty for any
    WatchSyscall,      // types a command into the shell and stops at its write()
    AddBreakpoint,     // text: a place
    RemoveBreakpoint,  // number: id
    Type,              // text: bytes for the console
    Keyboard,          // text: what the keyboard and the mouse send (guest_keys.h)
    Hash,              // work out the state hash
    Restart,
};

struct Command {
    Verb verb;
    std::string text;
    u64 number = 0;
};

class Session : private OutputSink {
  public:
    // Boots; throws UsageError-like std::exception kinds of Machine::load.
    explicit Session(const SessionConfig& config);
    ~Session() override;

    void command(const Command& command);

    bool running() const { return activity_ != Activity::None; }
    bool ended() const { return machine_->ended().has_value(); }
    // The guest waits for input or time: nothing to execute before its next timer.
    bool idle() const { return idle_; }
    // How long, in virtual time, the last advance() took: what a caller that paces the guest waits for.
    std::chrono::nanoseconds advanced() const { return std::chrono::nanoseconds(advanced_); }

    // Runs on for up to `instructions` or 16 ms of virtual time, if it is running at all.
    void advance(u64 instructions);

    std::shared_ptr<const Frame> frame(const Selection& selection);

    // What the console printed since the last call.
    std::string take_console();
    const std::string& console() const { return console_; }
    const std::string& status() const { return status_; }
    Machine& machine() { return *machine_; }
    ModelContext context() const;

  private:
    enum class Activity : u8 { None, Run, StepOver, StepOut, NextCrossing, RunTo, UntilSyscall };

    void write(std::span<const u8> data) override;
    void make_machine();
    void begin(Activity activity, std::string status);
    void stop(std::string why);
    std::string ended_text() const;
    StopCause run_slice(const RunLimits& limits);
    StopCause run_until_syscall(const RunLimits& limits);
    void measure(u64 instructions);

    SessionConfig config_;
    std::unique_ptr<DebugInfo> kernel_;
    std::unique_ptr<Machine> machine_;
    std::unique_ptr<SyscallTracer> tracer_;
    std::unique_ptr<Debugger> debugger_;
    std::shared_ptr<const std::vector<u32>> pixels_;  // of the last frame's display
    std::string console_;
    size_t console_taken_ = 0;

    Activity activity_ = Activity::None;
    std::string status_;
    std::string breakpoint_error_;
    std::string wanted_syscall_;
    std::string wanted_data_;  // WatchSyscall: the call's text must hold this
    u64 run_to_ = 0;
    bool idle_ = false;
    u64 advanced_ = 0;
    std::string hash_;
    Moment hash_moment_;
    u64 frames_ = 0;
    double mips_ = 0;
    u64 measured_instructions_ = 0;
    std::chrono::steady_clock::duration measured_time_{};
};

// The number of the system call `name` in the guest's table; nullopt-like: false if there is none.
bool find_syscall(const std::string& name, u64& number);

}  // namespace orrery
