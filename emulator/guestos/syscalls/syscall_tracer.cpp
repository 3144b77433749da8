// From the machine's events to records of system calls.
#include "emulator/guestos/syscalls/syscall_tracer.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/signal_frame.h"
#include "emulator/guestos/syscalls/syscall_values.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

constexpr u8 kIa32CallVector = 0x80;
constexpr u64 kIa32CallSize = 2;  // of INT 0x80

// The calls that the tracer itself must know, by the ABI's numbers.
struct Numbers {
    u64 exit, execve, exit_group, sigreturn, rt_sigreturn;
    u64 prctl;  // PR_SET_NAME among others
};
constexpr Numbers kNative{60, 59, 231, 15, 15, 157}, kIa32{1, 11, 252, 119, 173, 172};
const Numbers& numbers_of(CallAbi abi) {
    return abi == CallAbi::Ia32 ? kIa32 : kNative;
}

std::array<u64, 6> argument_registers(const Cpu& cpu, CallAbi abi) {
    if (abi == CallAbi::Native)
        return {cpu.gpr[kRdi], cpu.gpr[kRsi], cpu.gpr[kRdx], cpu.gpr[10], cpu.gpr[8], cpu.gpr[9]};
    std::array<u64, 6> arguments{cpu.gpr[kRbx], cpu.gpr[kRcx], cpu.gpr[kRdx],
                                 cpu.gpr[kRsi], cpu.gpr[kRdi], cpu.gpr[kRbp]};
    for (u64& argument : arguments) argument &= 0xffffffff;
    return arguments;
}

bool is_ia32_call(const Event& event) {
    const auto* enter = event.get<event::RingEnter>();
    return enter != nullptr && enter->by == event::RingEnter::By::Event && enter->vector == kIa32CallVector;
}

// Where a return to user mode goes. The event comes before the instruction has done anything: SYSRET's target
// is in RCX and the stack pointer is the user's already; IRET's are in its frame.
struct UserContext {
    u64 rip = 0;
    u64 rsp = 0;
};
UserContext return_target(const Cpu& cpu, const GuestMemory& memory, const Event& event) {
    if (!event.get<event::SystemReturn>()->by_iret) return {cpu.gpr[kRcx], cpu.gpr[kRsp]};
    return {memory.value<u64>(cpu.gpr[kRsp]).value_or(0), memory.value<u64>(cpu.gpr[kRsp] + 24).value_or(0)};
}

}  // namespace

SyscallTracer::SyscallTracer(Machine& machine, const GuestOs& os, size_t capacity)
    : machine_(machine), os_(os), log_(capacity), cpus_(machine.cpu_count()) {
    const u32 kinds = Observers::bit(EventKind::SystemCall) | Observers::bit(EventKind::SystemReturn) |
                      Observers::bit(EventKind::AddressSpace) | Observers::bit(EventKind::Exception) |
                      Observers::bit(EventKind::RingEnter) | Observers::bit(EventKind::Halt);
    subscription_ = machine_.observers().subscribe(kinds, [this](const Event& event) { on_event(event); });
}

SyscallTracer::~SyscallTracer() {
    machine_.observers().unsubscribe(subscription_);
}

void SyscallTracer::only_command(std::vector<std::string> argv) {
    command_ = std::move(argv);
    command_seen_ = false;
    for (auto& [key, task] : tasks_) task.traced = false;
}

// Of a task, whichever CPU it is on; nothing where it cannot be read.
std::optional<TaskInfo> SyscallTracer::info_of(u64 address) const {
    try {
        return os_.task(MachineMemory(machine_, 0), {}, address);
    } catch (const GuestReadError&) {
        return std::nullopt;
    }
}

// The task that the CPU runs now; made on first sight. nullptr while it cannot be told (early in the boot).
SyscallTracer::Task* SyscallTracer::current_task(unsigned cpu) {
    int pid = 0;
    u64 key = 0, address = 0;
    if (os_.tells_who_runs()) {
        const MachineMemory memory(machine_, cpu);
        address = os_.current(memory, guest_cpu(machine_, cpu));
        if (address == 0) return nullptr;
        try {
            pid = os_.pid_of(memory, address);
            key = static_cast<u64>(pid);
        } catch (const GuestReadError&) {
            return nullptr;
        }
    } else {
        key = machine_.cpu(cpu).cr3 & pte::kAddress;
    }
    auto [at, added] = tasks_.try_emplace(key);
    Task& task = at->second;
    if (added || task.address != address || task.gone) {
        task = Task{};
        task.key = key;
        task.pid = task.tgid = pid;
        task.address = address;
        begin_task(task);
    }
    return &task;
}

// A task seen for the first time: is it one of those to be traced?
void SyscallTracer::begin_task(Task& task) {
    task.traced = command_.empty();
    const std::optional<TaskInfo> info = info_of(task.address);
    if (!info) return;
    task.tgid = info->tgid;
    task.comm = info->comm;
    if (!command_seen_) return;
    for (const int relative : {info->ppid, info->tgid}) {
        const auto found = tasks_.find(static_cast<u64>(relative));
        if (relative != task.pid && found != tasks_.end() && found->second.traced) task.traced = true;
    }
}

void SyscallTracer::refresh(Task& task) {
    if (const std::optional<TaskInfo> info = info_of(task.address)) task.comm = info->comm;
}

// What passed on this CPU since its last event belongs to the task that ran, and to its call.
void SyscallTracer::charge(const Event& event) {
    CpuState& state = cpus_[event.cpu];
    const u64 walks = machine_.cpu(event.cpu).tlb.counters.l2_misses;
    const auto running = state.running ? tasks_.find(*state.running) : tasks_.end();
    if (running != tasks_.end() && running->second.in_call && running->second.open) {
        SyscallRecord& record = *running->second.open;
        record.cpu_ticks += event.moment.ticks - state.ticks;
        record.page_walks += walks - state.walks;
        if (page_fault(event) != nullptr) ++record.page_faults;
    }
    state.ticks = event.moment.ticks;
    state.walks = walks;
}

void SyscallTracer::on_event(const Event& event) {
    // Of the ways into the kernel only INT 0x80 has no event of its own.
    if (event.kind() == EventKind::RingEnter && !is_ia32_call(event)) return;
    charge(event);
    CpuState& state = cpus_[event.cpu];
    if (event.kind() == EventKind::Halt) {
        state.running.reset();
        return;
    }
    if (event.kind() == EventKind::Exception) {
        const auto running = state.running ? tasks_.find(*state.running) : tasks_.end();
        if (running == tasks_.end() || event.cpl != 3) return;
        running->second.fault_address.reset();
        if (const auto* fault = page_fault(event)) running->second.fault_address = fault->address;
        return;
    }
    Task* task = current_task(event.cpu);
    const std::optional<u64> key = task != nullptr ? std::optional(task->key) : std::nullopt;
    if (key != state.running) {
        for (auto& [other_key, other] : tasks_)
            if (other_key == state.running || other.exiting) check_exit(other, event.moment);
        state.running = key;
    }
    if (task == nullptr) return;
    if (event.kind() == EventKind::SystemCall) on_call(event, *task, CallAbi::Native);
    if (event.kind() == EventKind::RingEnter) on_call(event, *task, CallAbi::Ia32);
    if (event.kind() == EventKind::SystemReturn) on_return(event, *task);
}

bool SyscallTracer::starts_command(const DecodedCall& call, const GuestMemory& memory) const {
    if (call.abi != CallAbi::Native || call.number != kNative.execve) return false;
    std::vector<std::string> argv;
    for (unsigned i = 0; i <= command_.size(); ++i) {
        const std::optional<u64> pointer = memory.value<u64>(call.arguments[1] + 8 * i);
        if (!pointer) return false;
        if (*pointer == 0) break;
        const GuestMemory::CString text = memory.string(*pointer, size_t{1} << 17);
        if (!text.complete) return false;
        argv.push_back(text.text);
    }
    return argv == command_;
}

void SyscallTracer::on_call(const Event& event, Task& task, CallAbi abi) {
    const Cpu& cpu = machine_.cpu(event.cpu);
    task.in_call = true;
    task.fault_address.reset();
    task.call_rip = event.rip;
    task.open.reset();
    const MachineMemory memory(machine_, event.cpu);
    const std::array<u64, 6> arguments = argument_registers(cpu, abi);
    const Numbers& numbers = numbers_of(abi);
    const u64 number = cpu.gpr[kRax] & 0xffffffff;
    task.renames = number == numbers.prctl;
    if (!task.traced && (command_seen_ || number != numbers.execve)) return;

    SyscallRecord record;
    record.task = task.key;
    record.pid = task.pid;
    record.tgid = task.tgid;
    record.comm = task.comm;
    record.begin = event.moment;
    record.entry = decode_entry(memory, number, arguments, abi);
    record.call = record.entry;
    if (!task.traced) {
        if (starts_command(record.call, memory)) task.open = std::move(record);
        return;
    }
    task.open = std::move(record);
    log_call(*task.open);
    if (number == numbers.exit || number == numbers.exit_group) {
        task.exiting = true;
        task.exit_status = static_cast<int>(arguments[0] & 0xff);
        finish_call(task, event.moment, 0, "?");
    }
}

void SyscallTracer::log_call(SyscallRecord& record) {
    record.id = log_.add(record).id;
    if (listener_ != nullptr) listener_->entered(record);
}

void SyscallTracer::finish_call(Task& task, Moment moment, i64 result, const std::string& text) {
    task.in_call = false;
    if (!task.open) return;
    SyscallRecord* record = &*task.open;
    record->end = moment;
    record->finished = true;
    for (size_t i = 0; i < record->call.texts.size(); ++i)
        if (!record->call.texts[i]) record->call.texts[i] = pointer_text(record->call.arguments[i]);
    record->result = result;
    record->result_text = text;
    record->failed = is_error(result);
    log_.count(*record);
    log_.finish(*record);
    if (listener_ != nullptr) listener_->finished(*record);
    task.open.reset();
}

void SyscallTracer::on_return(const Event& event, Task& task) {
    if (std::exchange(task.renames, false)) refresh(task);
    const Cpu& cpu = machine_.cpu(event.cpu);
    const MachineMemory memory(machine_, event.cpu);
    const i64 rax = static_cast<i64>(cpu.gpr[kRax]);
    const UserContext user = return_target(cpu, memory, event);
    const std::optional<SignalFrame> signal =
        find_signal_frame(memory, cpu.gpr[kRdi], cpu.gpr[kRsi], cpu.gpr[kRdx], user.rsp);
    if (task.in_call && task.open && task.open->id == 0 && rax == 0) {
        // The command has begun: this execve is its first line.
        task.traced = command_seen_ = true;
        log_call(*task.open);
    }
    if (task.in_call && task.open && task.open->id != 0) {
        DecodedCall& call = task.open->call;
        const u64 number = call.number;
        const Numbers& numbers = numbers_of(call.abi);
        // Where a handler begins now, the interrupted call's outcome is in the frame below it.
        const i64 result = signal ? static_cast<i64>(signal->rax) : rax;
        const u64 back_to = signal ? signal->rip : user.rip;
        const bool restarts = back_to == task.call_rip && number != numbers.execve &&
                              number != numbers.rt_sigreturn && number != numbers.sigreturn;
        if (restarts) {
            decode_return(memory, call, -EINTR);
            finish_call(task, event.moment, -512, "? ERESTARTSYS (To be restarted if SA_RESTART is set)");
        } else if (call.abi == CallAbi::Ia32 && number != numbers.execve && number != numbers.sigreturn &&
                   number != numbers.rt_sigreturn && back_to != task.call_rip + kIa32CallSize) {
            finish_call(task, event.moment, 0, "? (a handler begins)");  // whose frame is not looked into
        } else {
            decode_return(memory, call, result);
            finish_call(task, event.moment, result, result_text(memory, call, result));
        }
        if (number == numbers.execve && !is_error(result)) refresh(task);
    }
    task.in_call = false;
    task.open.reset();
    if (signal && task.traced)
        note(task, event.moment, fmt::format("--- {} {} ---", signal_text(signal->number), signal->info));
}

void SyscallTracer::note(Task& task, Moment moment, const std::string& text) {
    SyscallRecord record;
    record.kind = SyscallRecord::Kind::Note;
    record.task = task.key;
    record.pid = task.pid;
    record.tgid = task.tgid;
    record.comm = task.comm;
    record.begin = record.end = moment;
    record.finished = true;
    record.note = text;
    const SyscallRecord& added = log_.add(std::move(record));
    if (listener_ != nullptr) listener_->noted(added);
}

// The signal that ends a task has no frame: its number is known from the task's status, the rest only where a
// page fault of the program's own brought it.
void SyscallTracer::note_fatal_signal(Task& task, Moment moment, int signal) {
    const std::string name = signal_text(static_cast<u64>(signal));
    const bool faulted = signal == SIGSEGV && task.fault_address && !task.in_call;
    const std::string address = faulted ? fmt::format("si_addr={}, ", pointer_text(*task.fault_address)) : "";
    note(task, moment, fmt::format("--- {} {{si_signo={}, {}...}} ---", name, name, address));
}

// Has this task, which does not run now, ended?
void SyscallTracer::check_exit(Task& task, Moment moment) {
    if (!task.traced || task.gone || !os_.tells_who_runs()) return;
    int status = -1;
    const std::optional<TaskInfo> info = info_of(task.address);
    if (info && info->pid == task.pid) {
        if (!info->exited) return;
        status = info->exit_code;
    }
    // The kernel's object is another's by now: the program's own word stands.
    if (status < 0 && task.exit_status >= 0) status = task.exit_status << 8;
    task.gone = true;
    // A call that the task has died in has no result.
    if (task.in_call && task.open && task.open->id != 0) finish_call(task, moment, 0, "?");
    if (status < 0) return;
    const int signal = status & 0x7f;
    if (signal != 0) note_fatal_signal(task, moment, signal);
    if (signal == 0)
        note(task, moment, fmt::format("+++ exited with {} +++", status >> 8 & 0xff));
    else
        note(task, moment,
             fmt::format("+++ killed by {}{} +++", signal_text(static_cast<u64>(signal)),
                         (status & 0x80) != 0 ? " (core dumped)" : ""));
}

// All of what the tracer carries from one event to the next; what is written once only is not in it.
struct SyscallTracer::State {
    std::map<u64, Task> tasks;
    std::vector<CpuState> cpus;
    bool command_seen = false;
    SyscallLog::Position log;
};

std::shared_ptr<const SyscallTracer::State> SyscallTracer::state() const {
    State state{{}, cpus_, command_seen_, {}};
    std::vector<u64> open;
    for (const auto& [key, task] : tasks_) {
        // Whether one that has gone was traced says whether its children are, if only some are.
        if (task.gone && command_.empty()) continue;
        state.tasks.emplace(key, task);
        if (task.in_call && task.open && task.open->id != 0) open.push_back(task.open->id);
    }
    state.log = log_.position(std::move(open));
    return std::make_shared<const State>(std::move(state));
}

void SyscallTracer::rewind(const State& state) {
    tasks_ = state.tasks;
    cpus_ = state.cpus;
    command_seen_ = state.command_seen;
    log_.rewind(state.log);
}

void SyscallTracer::finish() {
    for (auto& [key, task] : tasks_) check_exit(task, machine_.moment());
}

}  // namespace orrery
