// A machine under the debugger's hand: commands go in, frames come out. It runs on one thread only (the
// caller's); guest_thread.h gives it one of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/guestos/kernel_slide.h"
#include "emulator/guestos/known_kernels.h"
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/guestos/types/debug_info.h"
#include "emulator/inspect/models/ring.h"
#include "emulator/machine/machine.h"
#include "emulator/points/breakpoints.h"
#include "emulator/points/watchpoints.h"
#include "emulator/time-travel/record/recorder.h"
#include "emulator/time-travel/record/replay_machine.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/navigation.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "ui/command.h"
#include "ui/console_feed.h"
#include "ui/frame.h"
#include "ui/goal.h"
#include "ui/speed_meter.h"

namespace orrery {

struct SessionConfig {
    MachineConfig machine;  // its serial_output is the session's own
    BootImages images;
    std::string kernel_path;                     // where symbols are read from
    std::string source_root;                     // where guest-kernel/ lies; empty: no sources are shown
    u64 history = TimeMachine::kDefaultHistory;  // bytes for going back
    // The guest runs one command, whose output comes to the console byte for byte: lines end with LF alone.
    bool plain_output = false;

    // Makes the recorder of the machine just booted; empty: nothing is recorded.
    std::function<std::unique_ptr<Recorder>(Machine&)> record;
    // What is played instead of booting `images`; null: nothing.
    std::shared_ptr<const Recording> replay;
    unsigned replay_run = 0;                     // of its runs
    u64 begin_at = 0;                            // instruction count to go to first
    std::vector<std::string> image_directories;  // where its images may lie
};

class Session {
  public:
    // Boots; throws UsageError-like std::exception kinds of Machine::load, RecordingError.
    explicit Session(const SessionConfig& config);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void command(const Command& command);

    bool running() const { return !std::holds_alternative<goal::None>(goal_); }
    bool ended() const { return machine_->ended().has_value(); }
    // The next advance() looks for a moment in the past, which may take seconds.
    bool searches() const;
    // Ends such a search soon, and the machine is where it was; from any thread.
    void interrupt() { interrupted_ = true; }
    // Told, now and then, in the midst of such a search, what the status is: the machine is anywhere then.
    void on_progress(std::function<void(const std::string& status)> hook) { progress_ = std::move(hook); }
    // The guest waits for input or time: nothing to execute before its next timer.
    bool idle() const { return idle_; }
    // How long, in virtual time, the last advance() took: what a caller that paces the guest waits for.
    std::chrono::nanoseconds advanced() const { return std::chrono::nanoseconds(advanced_); }

    // Runs on for up to `instructions` or 16 ms of virtual time, if it is running at all.
    void advance(u64 instructions);

    // Holds the models of the views that are on the screen.
    std::shared_ptr<const Frame> frame(const Selection& selection);

    // What the console printed since the last call, or what it shows if the machine went back.
    std::vector<ConsoleChunk> take_console() { return console_.take(time_->in_past()); }
    bool console_waits() const { return console_.waiting(); }
    // What was printed up to the present moment.
    const std::string& console() const { return console_.text(); }
    // Whether lines of the console end with LF alone.
    bool plain_output() const { return config_.plain_output; }
    const std::string& status() const { return status_; }
    Machine& machine() { return *machine_; }
    TimeMachine& time() { return *time_; }
    ModelContext context() const;
    // Closes the recording, if there is one.
    void finish(int status);

  private:
    void make_machine();
    void watch_time();
    void begin(Goal goal, std::string status);
    void set_out(Goal goal, bool back, std::string status);
    void stop(std::string why);
    std::string ended_text() const;

    // session_commands.cpp: what each command does.
    void perform(const command::Go& go);
    void perform(const command::Pause&);
    void perform(const command::RunTo& run);
    void perform(const command::Find& find);
    void perform(const command::ChooseCpu& choose);
    void perform(const command::RunToSyscall& run);
    void perform(const command::WatchSyscall&);
    void perform(const command::SeekInstructions& seek);
    void perform(const command::SeekTicks& seek);
    void perform(const command::Restart&);
    void perform(const command::AddBreakpoint& add);
    void perform(const command::RemoveBreakpoint& remove);
    void perform(const command::AddBookmark& add);
    void perform(const command::RenameBookmark& rename);
    void perform(const command::RemoveBookmark& remove);
    void perform(const command::GoToBookmark& go);
    void perform(const command::EnterRun& enter);
    void perform(const command::Type& type);
    void perform(const command::Keyboard& keyboard);
    void perform(const command::PokeMemory& poke);
    void perform(const command::SetRegister& set);
    void perform(const command::Hash&);
    void seek(Moment moment, const std::string& what);
    void change_bookmark(size_t index, std::optional<std::string> note);

    // session_run.cpp: on to the goal, or back.
    Journey journey() const;
    going::Match to_syscall(const goal::Syscall& wanted) const;
    Arrival run_slice(const RunLimits& limits);
    void search();
    void finish(const Arrival& arrival);
    std::string text_of(const Arrival& arrival) const;
    void type_into_shell();
    void follow_kernel() const;
    bool awaits_kernel() const;
    Arrival run_to_kernel(const RunLimits& limits);

    SessionConfig config_;
    std::unique_ptr<DebugInfo> kernel_;
    std::unique_ptr<GuestOs> os_;
    ConsoleFeed console_;
    std::unique_ptr<ReplayMachine> replayed_;  // makes the machine of a recording
    std::unique_ptr<Machine> booted_;          // or this one
    Machine* machine_ = nullptr;
    std::unique_ptr<KernelSlide> slide_;
    std::unique_ptr<SyscallTracer> tracer_;
    std::shared_ptr<const SyscallTracer::State> tracer_start_;
    std::unique_ptr<EventLog> events_;
    std::unique_ptr<LastCrossing> crossing_;
    std::unique_ptr<TimeMachine> time_;
    std::unique_ptr<Recorder> recorder_;
    std::unique_ptr<Navigation> navigation_;
    mutable BreakpointSet breakpoints_;  // those given by name move with the kernel
    WatchpointSet watchpoints_;
    std::optional<unsigned> cpu_;                     // as chosen
    std::shared_ptr<const std::vector<u32>> pixels_;  // of the last frame's display

    Goal goal_;
    bool under_way_ = false;  // to the goal
    std::function<void(const std::string&)> progress_;
    std::string status_;
    std::string breakpoint_error_;
    std::atomic<bool> interrupted_ = false;
    bool idle_ = false;
    u64 advanced_ = 0;
    struct KnownHash {
        std::string text;
        Moment moment;
    };
    std::optional<KnownHash> hash_;
    u64 frames_ = 0;
    SpeedMeter speed_;
};

}  // namespace orrery
