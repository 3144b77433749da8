// The session: commands forwards, and what the machine prints on the way.
#include "ui/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "devices/pc_board.h"
#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/inspect/models/windows.h"

namespace orrery {

namespace {

constexpr Ticks kSliceTicks = 16'000'000;
constexpr size_t kTracedCalls = 20'000;
constexpr size_t kScreenBytes = size_t{1} << 20;  // as much of the console makes its screen anew
// What "Watch a system call" types, and what the call it waits for writes.
constexpr const char* kWatchedCommand = "echo hi\n";
constexpr const char* kWatchedData = "hi\\n";

}  // namespace

Session::Session(const SessionConfig& config) : config_(config) {
    make_machine();
    try {
        kernel_ =
            DebugInfo::of_kernel(config_.kernel_path.empty() ? replayed_->kernel() : config_.kernel_path);
    } catch (const std::exception&) {
        kernel_.reset();  // a kernel without symbols is debugged by addresses
    }
    watch_time();
    status_ =
        config_.replay ? "At the start of the recording: press Run (F5)" : "Ready to boot: press Run (F5)";
}

Session::~Session() {
    finish(0);
}

void Session::make_machine() {
    tape_ = std::make_unique<ConsoleTape>();
    if (config_.replay) {
        replayed_ = std::make_unique<ReplayMachine>(*config_.replay, config_.image_directories, tape_.get());
        machine_ = &replayed_->machine();
        config_.machine = machine_->config();
    } else {
        config_.machine.serial_output = tape_.get();
        booted_ = std::make_unique<Machine>(config_.machine);
        booted_->load(config_.images);
        machine_ = booted_.get();
    }
}

// What looks at the machine, and goes back with it.
void Session::watch_time() {
    slide_ = std::make_unique<KernelSlide>(*machine_, kernel_.get());
    tracer_ = std::make_unique<SyscallTracer>(*machine_, kernel_.get(), kTracedCalls);
    tracer_start_ = tracer_->state();
    events_ = std::make_unique<EventLog>(*machine_);
    time_ = std::make_unique<TimeMachine>(*machine_, std::vector<ConsoleTape*>{tape_.get()}, config_.history);
    time_->carry([this] { return std::static_pointer_cast<const void>(tracer_->state()); },
                 [this](const std::shared_ptr<const void>& state) {
                     tracer_->rewind(state ? *std::static_pointer_cast<const SyscallTracer::State>(state)
                                           : *tracer_start_);
                 });
    time_->on_restore([this] {
        events_->moved();
        console_stale_ = true;
    });
    time_->on_branch([this] {
        const TimelineRun& run = time_->runs()[time_->run()];
        events_->branch(run.fork);
        tracer_->branched();
        if (console_taken_ > tape_->position()) console_from_start_ = true;
        console_answered_ = tape_->position();
        console_stale_ = true;
        if (recorder_) recorder_->fork(run.parent, run.fork, run.inherited);
    });
    if (config_.replay) {
        time_->preload(config_.replay->inputs_of(config_.replay_run),
                       end_of(*config_.replay, config_.replay_run));
        time_->bookmarks() = bookmarks_of(*config_.replay, config_.replay_run);
    }
    if (config_.record) recorder_ = config_.record(*machine_);
    debugger_ = std::make_unique<Debugger>(*machine_);
}

void Session::finish(int status) {
    if (!recorder_) return;
    recorder_->finish(machine_->ended().value_or(StopReason::Requested), status, time_->end());
    recorder_.reset();
}

const std::string& Session::console() const {
    const std::string_view text = tape_->text();
    if (console_stale_ || console_.size() > text.size()) console_.clear();
    console_stale_ = false;
    console_.append(text.substr(console_.size()));
    return console_;
}

std::vector<ConsoleChunk> Session::take_console() {
    const std::string_view text = tape_->text();
    std::vector<ConsoleChunk> chunks;
    const bool from_start = console_from_start_ || text.size() < console_taken_;
    if (from_start) console_taken_ = text.size() > kScreenBytes ? text.size() - kScreenBytes : 0;
    console_from_start_ = false;
    // In the past a terminal's answers enter by themselves.
    if (time_->in_past()) console_answered_ = std::max(console_answered_, text.size());
    const size_t known = std::min(std::max(console_answered_, console_taken_), text.size());
    if (from_start || known > console_taken_)
        chunks.push_back(
            {std::string(text.substr(console_taken_, known - console_taken_)), from_start, true});
    if (text.size() > known) chunks.push_back({std::string(text.substr(known)), false, false});
    console_taken_ = text.size();
    console_answered_ = std::max(console_answered_, text.size());
    return chunks;
}

ModelContext Session::context() const {
    follow_kernel();
    ModelContext context{*machine_};
    context.cpu = machine_->cpu().id;
    context.kernel = kernel_.get();
    context.syscalls = &tracer_->log();
    context.console = &console();
    context.time = time_.get();
    context.events = events_.get();
    context.source_root = config_.source_root;
    return context;
}

void Session::begin(Activity activity, std::string status) {
    if (ended()) {
        status_ = ended_text() + " Restart to run again.";
        return;
    }
    activity_ = activity;
    status_ = std::move(status);
    idle_ = false;
    interrupted_ = false;
}

void Session::stop(std::string why) {
    activity_ = Activity::None;
    wanted_data_.clear();
    status_ = std::move(why);
    idle_ = false;
}

std::string Session::ended_text() const {
    switch (machine_->ended().value_or(StopReason::PowerOff)) {
        case StopReason::PowerOff:
            return "The guest powered off.";
        case StopReason::Reset:
            return "The guest asked for a reset.";
        case StopReason::DebugExit:
            return fmt::format("The guest left with status {}.", machine_->exit_code());
        case StopReason::Shutdown:
            return fmt::format("Triple fault at {}.", hex(machine_->cpu().shutdown.rip));
        default:
            return "The machine has ended.";
    }
}

void Session::command(const Command& command) {
    try {
        follow_kernel();
        if (!time_command(command)) run_command(command);
    } catch (const std::exception& error) {
        stop(error.what());
    }
}

void Session::run_command(const Command& command) {
    switch (command.verb) {
        case Verb::Run:
            begin(Activity::Run, "Running");
            break;
        case Verb::Pause:
            if (running()) stop("Paused");
            break;
        case Verb::Step:
            begin(Activity::None, "Stepped one instruction");
            if (!ended()) debugger_->step();
            if (ended()) status_ = ended_text();
            break;
        case Verb::StepOver:
            begin(Activity::StepOver, "Stepping over");
            break;
        case Verb::StepOut:
            begin(Activity::StepOut, "Running to the end of the function");
            break;
        case Verb::NextCrossing:
            begin(Activity::NextCrossing, "Running to the next ring crossing");
            break;
        case Verb::RunTo:
            try {
                run_to_ = resolve_place(command.text, kernel_.get());
                run_to_text_ = command.text;
                breakpoint_error_.clear();
                begin(Activity::RunTo, "Running to " + command.text);
            } catch (const BreakpointError& error) {
                breakpoint_error_ = error.what();
            }
            break;
        case Verb::UntilSyscall: {
            if (!command.text.empty() && !syscall_number(command.text)) {
                status_ = "No system call is called " + command.text;
                break;
            }
            wanted_syscall_ = command.text;
            wanted_data_.clear();
            begin(Activity::UntilSyscall,
                  "Running to the next " + (command.text.empty() ? "system call" : command.text + "()"));
            break;
        }
        case Verb::WatchSyscall:
            if (ended()) break;
            machine_->input(
                kSerialConsole,
                {kWatchedCommand, kWatchedCommand + std::char_traits<char>::length(kWatchedCommand)});
            wanted_syscall_ = "write";
            begin(Activity::UntilSyscall, "Typed \"echo hi\"; running to the shell's write()");
            wanted_data_ = kWatchedData;
            break;
        case Verb::AddBreakpoint:
            try {
                debugger_->breakpoints().add(command.text, kernel_.get());
                breakpoint_error_.clear();
            } catch (const BreakpointError& error) {
                breakpoint_error_ = error.what();
            }
            break;
        case Verb::RemoveBreakpoint:
            debugger_->breakpoints().remove(static_cast<unsigned>(command.number));
            break;
        case Verb::Type:
            if (!ended()) machine_->input(kSerialConsole, {command.text.begin(), command.text.end()});
            idle_ = false;
            break;
        case Verb::Keyboard:
            if (!ended() && !command.text.empty())
                machine_->input("i8042", {command.text.begin(), command.text.end()});
            idle_ = false;
            break;
        case Verb::Hash:
            hash_ = fmt::format("{:016x}", machine_->state_hash());
            hash_moment_ = machine_->moment();
            break;
        case Verb::Restart:
            machine_->input(kRestartInput, {});
            stop("Restarted: press Run (F5)");
            break;
        default:
            break;
    }
}

StopCause Session::run_until_syscall(const RunLimits& limits) {
    const bool any = wanted_syscall_.empty();
    const std::optional<u64> wanted = syscall_number(wanted_syscall_);
    if (!any && !wanted) return StopCause::Done;
    bool found = false;
    const u32 id =
        machine_->observers().subscribe(Observers::bit(EventKind::SystemCall), [&](const Event& event) {
            if (!any && machine_->cpu(event.cpu).gpr[kRax] != wanted) return;
            if (!wanted_data_.empty()) {
                // The tracer has seen the event before us, and decoded it.
                const auto records = tracer_->log().records();
                if (records.empty()) return;
                const auto& texts = records.back().call.texts;
                const bool holds_it = std::any_of(texts.begin(), texts.end(), [this](const auto& text) {
                    return text && text->find(wanted_data_) != std::string::npos;
                });
                if (!holds_it) return;
            }
            found = true;
            machine_->request_stop();
        });
    const StopCause cause = debugger_->run(limits);
    machine_->observers().unsubscribe(id);
    return found ? StopCause::Done : cause;
}

// The symbols, and what was given by name, go where the kernel lies at this moment.
void Session::follow_kernel() const {
    if (slide_->follow()) debugger_->breakpoints().resolve_again(kernel_.get());
}

// Until a kernel that places itself at random has done so, nothing can be met that was given by name.
bool Session::awaits_kernel() const {
    const auto is_name = [](const std::string& text) {
        return text.empty() || text[0] < '0' || text[0] > '9';
    };
    if (slide_->known() || (activity_ != Activity::Run && activity_ != Activity::RunTo)) return false;
    if (activity_ == Activity::RunTo && !is_name(run_to_text_)) return false;
    const auto& all = debugger_->breakpoints().all();
    return std::all_of(all.begin(), all.end(), [&](const Breakpoint& each) { return is_name(each.text); });
}

StopCause Session::run_to_kernel(const RunLimits& limits) {
    const StopReason reason = slide_->reach(limits);
    debugger_->breakpoints().resolve_again(kernel_.get());
    if (activity_ == Activity::RunTo) run_to_ = resolve_place(run_to_text_, kernel_.get());
    if (reason == StopReason::Idle) return StopCause::Idle;
    if (reason == StopReason::Requested) return StopCause::Requested;
    return reason == StopReason::Budget ? StopCause::Limit : StopCause::Ended;
}

StopCause Session::run_slice(const RunLimits& limits) {
    follow_kernel();
    if (awaits_kernel()) return run_to_kernel(limits);
    switch (activity_) {
        case Activity::StepOver:
            return debugger_->step_over(limits);
        case Activity::StepOut:
            return debugger_->step_out(limits);
        case Activity::NextCrossing:
            return debugger_->next_ring_crossing(limits);
        case Activity::RunTo:
            return debugger_->run_to(run_to_, limits);
        case Activity::UntilSyscall:
            return run_until_syscall(limits);
        case Activity::RunToCount: {
            RunLimits sooner = limits;
            sooner.instructions = std::min(sooner.instructions, run_to_);
            const StopCause cause = debugger_->run(sooner);
            return cause == StopCause::Limit && machine_->moment().instructions >= run_to_ ? StopCause::Done
                                                                                           : cause;
        }
        default:
            return debugger_->run(limits);
    }
}

void Session::advance(u64 instructions) {
    if (!running()) return;
    if (searches()) {
        search();
        return;
    }
    const Moment before = machine_->moment();
    RunLimits limits;
    limits.instructions = before.instructions + instructions;
    limits.ticks = before.ticks + kSliceTicks;
    const auto began = std::chrono::steady_clock::now();
    const StopCause cause = run_slice(limits);
    measured_time_ += std::chrono::steady_clock::now() - began;
    measure(machine_->moment().instructions - before.instructions);
    advanced_ = machine_->moment().ticks - before.ticks;
    idle_ = cause == StopCause::Idle;
    finish_slice(cause);
}

void Session::finish_slice(StopCause cause) {
    switch (cause) {
        case StopCause::Done:
            stop(activity_ == Activity::UntilSyscall ? "At a system call, just inside the kernel"
                 : activity_ == Activity::NextCrossing
                     ? fmt::format("Crossed into ring {}", static_cast<unsigned>(machine_->cpu().cpl))
                     : "Stopped");
            break;
        case StopCause::Breakpoint: {
            std::string text = "Breakpoint";
            for (const Breakpoint& breakpoint : debugger_->breakpoints().all())
                if (breakpoint.id == debugger_->stopped_at()) text += " " + breakpoint.text;
            stop(activity_ == Activity::RunTo && debugger_->stopped_at() == 0 ? "Reached" : text);
            break;
        }
        case StopCause::Watchpoint:
            stop("Watchpoint");
            break;
        case StopCause::Ended:
            stop(ended_text());
            break;
        case StopCause::Requested:
            stop("Stopped");
            break;
        case StopCause::Limit:
        case StopCause::Idle:
            break;
    }
}

void Session::measure(u64 instructions) {
    measured_instructions_ += instructions;
    const double seconds = std::chrono::duration<double>(measured_time_).count();
    if (seconds < 0.5) return;
    mips_ = static_cast<double>(measured_instructions_) / seconds / 1e6;
    measured_instructions_ = 0;
    measured_time_ = {};
}

}  // namespace orrery
