#include "ui/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guest/syscall_table.h"
#include "emulator/models/windows.h"

namespace orrery {

namespace {

constexpr const char* kSerial = "uart16550.0";
constexpr Ticks kSliceTicks = 16'000'000;
// What "Watch a system call" types, and what the call it waits for writes.
constexpr const char* kWatchedCommand = "echo hi\n";
constexpr const char* kWatchedData = "hi\\n";

}  // namespace

bool find_syscall(const std::string& name, u64& number) {
    for (number = 0; number < 512; ++number)
        if (syscall_name(number) == name) return true;
    return false;
}

Session::Session(const SessionConfig& config) : config_(config) {
    try {
        kernel_ = DebugInfo::open(config.kernel_path);
    } catch (const std::exception&) {
        kernel_.reset();  // a kernel without symbols is debugged by addresses
    }
    config_.machine.serial_output = this;
    make_machine();
}

Session::~Session() = default;

void Session::make_machine() {
    debugger_.reset();
    tracer_.reset();
    machine_ = std::make_unique<Machine>(config_.machine);
    machine_->load(config_.images);
    tracer_ = std::make_unique<SyscallTracer>(*machine_, kernel_.get());
    debugger_ = std::make_unique<Debugger>(*machine_);
    status_ = "Ready to boot: press Run (F5)";
}

void Session::write(std::span<const u8> data) {
    console_.append(reinterpret_cast<const char*>(data.data()), data.size());
}

std::string Session::take_console() {
    std::string fresh = console_.substr(console_taken_);
    console_taken_ = console_.size();
    return fresh;
}

ModelContext Session::context() const {
    ModelContext context{*machine_};
    context.cpu = machine_->cpu().id;
    context.kernel = kernel_.get();
    context.syscalls = &tracer_->log();
    context.console = &console_;
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
                breakpoint_error_.clear();
                begin(Activity::RunTo, "Running to " + command.text);
            } catch (const BreakpointError& error) {
                breakpoint_error_ = error.what();
            }
            break;
        case Verb::UntilSyscall: {
            u64 number = 0;
            if (!command.text.empty() && !find_syscall(command.text, number)) {
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
            machine_->input(kSerial, {kWatchedCommand,
                                      kWatchedCommand + std::char_traits<char>::length(kWatchedCommand)});
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
            if (!ended()) machine_->input(kSerial, {command.text.begin(), command.text.end()});
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
            stop("");
            console_.clear();
            console_taken_ = 0;
            make_machine();
            break;
    }
}

StopCause Session::run_until_syscall(const RunLimits& limits) {
    u64 wanted = 0;
    const bool any = wanted_syscall_.empty();
    if (!any && !find_syscall(wanted_syscall_, wanted)) return StopCause::Done;
    bool found = false;
    const u32 id =
        machine_->observers().subscribe(Observers::bit(EventKind::SystemCall), [&](const Event& event) {
            if (!any && machine_->cpu(event.cpu).gpr[kRax] != wanted) return;
            if (!wanted_data_.empty()) {
                // The tracer has seen the event before us, and decoded it.
                const auto& records = tracer_->log().records();
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

StopCause Session::run_slice(const RunLimits& limits) {
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
        default:
            return debugger_->run(limits);
    }
}

void Session::advance(u64 instructions) {
    if (!running()) return;
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

std::shared_ptr<const Frame> Session::frame(const Selection& selection) {
    auto frame = std::make_shared<Frame>();
    const ModelContext context = this->context();
    frame->number = ++frames_;
    frame->state = ended() ? RunState::Ended : running() ? RunState::Running : RunState::Paused;
    frame->status = status_;
    frame->moment = machine_->moment();
    frame->million_instructions_per_second = mips_;
    frame->seed = config_.machine.seed;
    if (hash_moment_ == frame->moment) frame->state_hash = hash_;
    frame->registers = registers_model(context, {selection.floating_point});

    DisassemblyParameters code;
    try {
        if (!selection.code_address.empty()) code.address = parse_address(context, selection.code_address);
    } catch (const ShowError& error) {
        frame->code_error = error.what();
    }
    frame->disassembly = disassembly_model(context, code);

    try {
        PageWalkParameters walk;
        walk.address = parse_address(context, selection.walk_address);
        frame->page_walk = page_walk_model(context, walk);
    } catch (const ShowError& error) {
        frame->walk_error = error.what();
    }
    try {
        MemoryParameters memory;
        memory.address = parse_address(context, selection.memory_address);
        frame->memory = memory_model(context, memory);
    } catch (const ShowError& error) {
        frame->memory_error = error.what();
    }
    AddressSpaceParameters space;
    space.pid = selection.pid;
    frame->address_space = address_space_model(context, space);
    frame->devices = devices_model(context);
    frame->framebuffer = framebuffer_model(context);
    if (frame->framebuffer.visible() && pixels_ && *pixels_ == *frame->framebuffer.pixels)
        frame->framebuffer.pixels = pixels_;
    pixels_ = frame->framebuffer.pixels;
    frame->tlb = tlb_model(context, {});
    frame->tasks = tasks_model(context);
    SyscallsParameters calls;
    calls.filter = selection.syscall_filter;
    frame->syscalls = syscalls_model(context, calls);
    frame->breakpoints = debugger_->breakpoints().all();
    frame->breakpoint_error = breakpoint_error_;
    return frame;
}

}  // namespace orrery
