// The session: its machine, and all that looks at it and goes back with it.
#include "ui/session.h"

#include <fmt/format.h>

#include "emulator/inspect/models/context.h"
#include "emulator/inspect/models/progress_text.h"
#include "emulator/time-travel/record/recorded_machine.h"

namespace orrery {

namespace {

constexpr size_t kTracedCalls = 20'000;

}  // namespace

Session::Session(const SessionConfig& config) : config_(config) {
    make_machine();
    try {
        kernel_ =
            DebugInfo::of_kernel(config_.kernel_path.empty() ? replayed_->kernel() : config_.kernel_path);
    } catch (const std::exception&) {
        kernel_.reset();  // a kernel without symbols is debugged by addresses
    }
    os_ = guest_os(kernel_.get());
    watch_time();
    status_ =
        config_.replay ? "At the start of the recording: press Run (F5)" : "Ready to boot: press Run (F5)";
    if (config_.begin_at != 0) command(command::SeekInstructions{config_.begin_at});
}

Session::~Session() {
    finish(0);
}

void Session::make_machine() {
    if (config_.replay) {
        replayed_ =
            std::make_unique<ReplayMachine>(*config_.replay, config_.image_directories, &console_.tape());
        machine_ = &replayed_->machine();
        config_.machine = machine_->config();
        config_.plain_output = !recorded_machine(*config_.replay).command.empty();
    } else {
        config_.machine.serial_output = &console_.tape();
        booted_ = std::make_unique<Machine>(config_.machine);
        booted_->load(config_.images);
        machine_ = booted_.get();
    }
}

// What looks at the machine, and goes back with it.
void Session::watch_time() {
    slide_ = std::make_unique<KernelSlide>(*machine_, kernel_.get());
    tracer_ = std::make_unique<SyscallTracer>(*machine_, *os_, kTracedCalls);
    tracer_start_ = tracer_->state();
    events_ = std::make_unique<EventLog>(*machine_);
    crossing_ = std::make_unique<LastCrossing>(*machine_);
    time_ = std::make_unique<TimeMachine>(*machine_, std::vector<ConsoleTape*>{&console_.tape()},
                                          config_.history);
    time_->carry([this] { return std::static_pointer_cast<const void>(tracer_->state()); },
                 [this](const std::shared_ptr<const void>& state) {
                     tracer_->rewind(state ? *std::static_pointer_cast<const SyscallTracer::State>(state)
                                           : *tracer_start_);
                 });
    time_->on_restore([this] {
        events_->moved();
        crossing_->moved();
        console_.moved();
    });
    time_->on_branch([this] {
        const TimelineRun& run = time_->runs()[time_->run()];
        events_->branch(run.fork);
        tracer_->branched();
        console_.branched();
        if (recorder_) recorder_->fork(run.parent, run.fork, run.inherited);
    });
    if (config_.replay) {
        time_->preload(config_.replay->inputs_of(config_.replay_run),
                       end_of(*config_.replay, config_.replay_run));
        time_->bookmarks() = bookmarks_of(*config_.replay, config_.replay_run);
    }
    if (config_.record) recorder_ = config_.record(*machine_);
    navigation_ = std::make_unique<Navigation>(*time_, *os_);
    navigation_->watch([this](const Progress& progress) {
        status_ = "Looking back: " + progress_text(progress);
        if (progress_) progress_(status_);
        return !interrupted_;
    });
}

void Session::finish(int status) {
    if (!recorder_) return;
    recorder_->finish(machine_->ended().value_or(StopReason::Requested), status, time_->end());
    recorder_.reset();
}

ModelContext Session::context() const {
    follow_kernel();
    ModelContext context{*machine_};
    context.os = os_.get();
    context.cpu = cpu_.value_or(machine_->cpu().id);
    context.syscalls = &tracer_->log();
    context.console = &console();
    context.time = time_.get();
    context.events = events_.get();
    context.crossing = crossing_.get();
    context.source_root = config_.source_root;
    return context;
}

void Session::begin(Goal goal, std::string status) {
    if (ended()) {
        status_ = ended_text() + " Restart to run again.";
        return;
    }
    goal_ = std::move(goal);
    under_way_ = false;
    status_ = std::move(status);
    idle_ = false;
    interrupted_ = false;
}

// Back also of a machine that has ended.
void Session::set_out(Goal goal, bool back, std::string status) {
    if (!back) return begin(std::move(goal), std::move(status));
    goal_ = std::move(goal);
    under_way_ = interrupted_ = false;
    status_ = "Looking back";
}

void Session::stop(std::string why) {
    goal_ = goal::None{};
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
        std::visit([this](const auto& what) { perform(what); }, command);
    } catch (const std::exception& error) {
        stop(error.what());
    }
}

}  // namespace orrery
