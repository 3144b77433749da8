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
#include "emulator/guestos/syscalls/syscall_tracer.h"
#include "emulator/guestos/types/debug_info.h"
#include "emulator/machine/machine.h"
#include "emulator/points/debugger.h"
#include "emulator/time-travel/record/recorder.h"
#include "emulator/time-travel/record/replay_machine.h"
#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "ui/frame.h"

namespace orrery {

struct SessionConfig {
    MachineConfig machine;  // its serial_output is the session's own
    BootImages images;
    std::string kernel_path;                     // where symbols are read from
    std::string source_root;                     // where guest-kernel/ lies; empty: no sources are shown
    u64 history = TimeMachine::kDefaultHistory;  // bytes for going back

    // Makes the recorder of the machine just booted; empty: nothing is recorded.
    std::function<std::unique_ptr<Recorder>(Machine&)> record;
    // What is played instead of booting `images`; null: nothing.
    std::shared_ptr<const Recording> replay;
    unsigned replay_run = 0;                     // of its runs
    u64 begin_at = 0;                            // instruction count to go to first
    std::vector<std::string> image_directories;  // where its images may lie
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
    StepBack,  // the rest goes to other moments
    StepOverBack,
    StepOutBack,       // to the call of the present function
    RunBack,           // to the last hit of a breakpoint or watchpoint, else to the start
    PreviousCrossing,  // to the last change between ring 3 and ring 0
    SeekInstructions,  // number: instruction count; beyond the end it runs there
    SeekTicks,         // number: cycle
    AddBookmark,       // at the present moment. text: a note
    RenameBookmark,    // number: index; text: the note
    RemoveBookmark,    // number: index
    GoToBookmark,      // number: index
    EnterRun,          // number: of the run
    PokeMemory,        // number: linear address; text: bytes in hexadecimal
    SetRegister,       // text: a register's name; number: value
};

struct Command {
    Verb verb;
    std::string text;
    u64 number = 0;
};

// A piece of what the console printed.
struct ConsoleChunk {
    std::string text;
    bool from_start = false;  // the screen is to be empty before it: the machine went back
    bool known = false;       // printed before: a terminal's answers to it have been given
};

class Session {
  public:
    // Boots; throws UsageError-like std::exception kinds of Machine::load, RecordingError.
    explicit Session(const SessionConfig& config);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void command(const Command& command);

    bool running() const { return activity_ != Activity::None; }
    bool ended() const { return machine_->ended().has_value(); }
    // The next advance() looks for a moment in the past, which may take seconds.
    bool searches() const { return activity_ >= Activity::StepOverBack; }
    // Ends such a search soon; from any thread.
    void interrupt() { interrupted_ = true; }
    // The guest waits for input or time: nothing to execute before its next timer.
    bool idle() const { return idle_; }
    // How long, in virtual time, the last advance() took: what a caller that paces the guest waits for.
    std::chrono::nanoseconds advanced() const { return std::chrono::nanoseconds(advanced_); }

    // Runs on for up to `instructions` or 16 ms of virtual time, if it is running at all.
    void advance(u64 instructions);

    std::shared_ptr<const Frame> frame(const Selection& selection);

    // What the console printed since the last call, or what it shows if the machine went back.
    std::vector<ConsoleChunk> take_console();
    // What was printed up to the present moment.
    const std::string& console() const;
    const std::string& status() const { return status_; }
    Machine& machine() { return *machine_; }
    TimeMachine& time() { return *time_; }
    ModelContext context() const;
    // Closes the recording, if there is one.
    void finish(int status);

  private:
    // From StepOverBack on they look at the past.
    enum class Activity : u8 {
        None,
        Run,
        StepOver,
        StepOut,
        NextCrossing,
        RunTo,
        RunToCount,
        UntilSyscall,
        StepOverBack,
        StepOutBack,
        RunBack,
        PreviousCrossing,
    };

    void make_machine();
    void watch_time();
    void begin(Activity activity, std::string status);
    void stop(std::string why);
    std::string ended_text() const;
    void run_command(const Command& command);
    bool time_command(const Command& command);
    void finish_slice(StopCause cause);
    StopCause run_slice(const RunLimits& limits);
    StopCause run_until_syscall(const RunLimits& limits);
    void follow_kernel() const;
    bool awaits_kernel() const;
    StopCause run_to_kernel(const RunLimits& limits);
    void measure(u64 instructions);

    // session_time.cpp
    using Next = std::function<StopCause(const RunLimits&)>;
    using Wanted = std::function<bool(StopCause)>;
    void search();
    std::optional<Moment> last_stop(const Next& next, const Wanted& wanted);
    std::optional<Moment> last_breakpoint();
    std::optional<Moment> call_before();
    std::optional<Moment> caller(u64 window);
    void step_back();
    void seek(Moment moment, const std::string& what);
    void seek_instructions(u64 count);
    void go_to_bookmark(size_t index);
    void change_bookmark(size_t index, std::optional<std::string> note);
    void enter_run(unsigned run);
    void poke(u64 address, const std::string& hex_bytes);
    void set_register(const std::string& name, u64 value);

    // session_frame.cpp
    void fill_addressed(Frame& frame, const ModelContext& context, const Selection& selection);

    SessionConfig config_;
    std::unique_ptr<DebugInfo> kernel_;
    std::unique_ptr<ConsoleTape> tape_;
    std::unique_ptr<ReplayMachine> replayed_;  // makes the machine of a recording
    std::unique_ptr<Machine> booted_;          // or this one
    Machine* machine_ = nullptr;
    std::unique_ptr<KernelSlide> slide_;
    std::unique_ptr<SyscallTracer> tracer_;
    std::shared_ptr<const SyscallTracer::State> tracer_start_;
    std::unique_ptr<EventLog> events_;
    std::unique_ptr<TimeMachine> time_;
    std::unique_ptr<Recorder> recorder_;
    std::unique_ptr<Debugger> debugger_;
    std::shared_ptr<const std::vector<u32>> pixels_;  // of the last frame's display

    mutable std::string console_;         // the tape's text, brought up to date when asked for
    mutable bool console_stale_ = false;  // not only longer than it was
    size_t console_taken_ = 0;            // bytes of the tape that were handed out
    size_t console_answered_ = 0;         // bytes whose answers have been given
    bool console_from_start_ = false;

    Activity activity_ = Activity::None;
    std::string status_;
    std::string breakpoint_error_;
    std::string wanted_syscall_;
    std::string wanted_data_;  // WatchSyscall: the call's text must hold this
    u64 run_to_ = 0;           // an address, or an instruction count
    std::string run_to_text_;  // the address as it was asked for
    std::atomic<bool> interrupted_ = false;
    bool idle_ = false;
    u64 advanced_ = 0;
    std::string hash_;
    Moment hash_moment_;
    u64 frames_ = 0;
    double mips_ = 0;
    u64 measured_instructions_ = 0;
    std::chrono::steady_clock::duration measured_time_{};
};

}  // namespace orrery
