#include "emulator/time-travel/timeline/writer.h"

#include <fmt/format.h>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/isa/disassembler.h"
#include "emulator/points/armed_points.h"

namespace orrery {
namespace {

// So many stretches back a task's last system call is looked for: one that waits longer is not named.
constexpr unsigned kCallStretches = 3;

// So many writes of a stretch are looked at closely as they happen; if there are more, the last one is gone
// back to.
constexpr unsigned kLookedAt = 2000;

// Which system calls tasks enter and leave, as they do.
class Calls {
  public:
    Calls(Machine& machine, const GuestOs& os)
        : watch_(machine.observers(),
                 Observers::bit(EventKind::SystemCall) | Observers::bit(EventKind::SystemReturn),
                 [this, &machine, &os](const Event& event) {
                     Change change{event.moment, task_key(os, machine, event.cpu), std::nullopt};
                     if (const auto* call = event.get<event::SystemCall>()) change.call = call->number;
                     changes_.push_back(change);
                 }) {}
    void reset() { changes_.clear(); }
    // The call that a task was in at a moment, if any. False: it has neither entered nor left one before.
    bool find(u64 task, Moment at, std::optional<u64>& call) const {
        for (size_t i = changes_.size(); i-- > 0;) {
            if (changes_[i].task != task || changes_[i].moment > at) continue;
            call = changes_[i].call;
            return true;
        }
        return false;
    }

  private:
    struct Change {
        Moment moment;
        u64 task;
        std::optional<u64> call;
    };
    std::vector<Change> changes_;
    Subscription watch_;
};

std::string disassembled(Machine& machine, const Event& access) {
    const Cpu& cpu = machine.cpu(access.cpu);
    const CpuMode mode = cpu.code64()         ? CpuMode::Bits64
                         : cpu.seg[kCs].big() ? CpuMode::Bits32
                                              : CpuMode::Bits16;
    u8 bytes[15];
    const u64 base = cpu.code64() ? 0 : cpu.seg[kCs].base;
    const size_t got = machine.peek(cpu.id, access.rip + base, bytes, sizeof bytes);
    if (got == 0) return "";
    const DisassembledInsn insn = Disassembler(mode).one({bytes, got}, access.rip);
    return insn.length == 0 ? "" : insn.text();
}

Writer::Kind kind_of(const Event& access) {
    switch (access.get<event::DataAccess>()->by) {
        case event::DataAccess::By::Walk:
            return Writer::Kind::PageWalk;
        case event::DataAccess::By::Device:
            return Writer::Kind::Device;
        default:
            return Writer::Kind::Instruction;
    }
}

// Fills in who it is, while the machine is at the access.
void describe(Machine& machine, const GuestOs& os, Writer& writer) {
    const Event& access = writer.access;
    writer.kind = kind_of(access);
    writer.instruction = writer.kind == Writer::Kind::Device ? "" : disassembled(machine, access);
    writer.symbol = os.kernel() != nullptr ? os.kernel()->symbols.describe(access.rip) : "";
    writer.pid.reset();
    writer.comm.clear();
    writer.system_call.reset();
    // A program itself is in none, nor is anybody before the kernel has a way in for calls.
    writer.in_call_known = access.cpl == 3 || machine.cpu(access.cpu).msr.lstar == 0;
    const std::optional<TaskInfo> task = running_task(os, machine, access.cpu);
    if (!task) return;
    writer.pid = task->pid;
    writer.comm = task->comm;
    writer.in_call_known = writer.in_call_known || task->kernel_thread;
}

// The call that a task was in at the access, by its last entry or return before. The machine is then anywhere.
void find_call(TimeMachine& time, const GuestOs& os, u64 task, Writer& writer) {
    time.seek(writer.access.moment);
    Query query;
    query.what = Query::What::SystemEdge;
    Search search(time, os, query);
    search.only([&](const Event& event) { return task_key(os, time.machine(), event.cpu) == task; });
    unsigned stretches = 0;
    const std::optional<Event> edge = search.find_last([&](size_t) { return ++stretches <= kCallStretches; });
    if (!edge) return;
    writer.in_call_known = true;
    if (const auto* call = edge->get<event::SystemCall>()) writer.system_call = call->number;
}

}  // namespace

Writer who_wrote(TimeMachine& time, const GuestOs& os, u64 physical) {
    Machine& machine = time.machine();
    if (machine.bus().ram_at(physical) == nullptr)
        throw QueryError(fmt::format("there is no memory at physical address {:#x}", physical));
    const Position now = position_of(machine);
    Query query;
    query.what = Query::What::MemoryAccess;
    query.data = {{physical, 1, true, false, true}};
    Search search(time, os, query);
    Writer writer;
    writer.physical = physical;
    u64 task = 0;
    unsigned matches = 0;
    {
        Calls calls(machine, os);
        const auto look_at = [&](const Event& access) {
            writer.access = access;
            describe(machine, os, writer);
            task = task_key(os, machine, access.cpu);
            if (!writer.in_call_known)
                writer.in_call_known = calls.find(task, access.moment, writer.system_call);
        };
        search.on_match([&](const Event& access) {
            if (++matches <= kLookedAt) look_at(access);
        });
        const std::optional<Event> found = search.find_last([&](size_t interval) {
            calls.reset();
            return time.wrote(interval, physical);
        });
        if (found && matches > kLookedAt) {
            search.land(*found);
            look_at(*found);
        }
    }
    if (!writer.in_call_known && writer.kind != Writer::Kind::Before) find_call(time, os, task, writer);
    arrive(time, now);
    return writer;
}

Writer who_wrote_linear(TimeMachine& time, const GuestOs& os, unsigned cpu, u64 linear) {
    const WalkResult found = time.machine().translate(cpu, linear);
    if (!found.ok) throw QueryError(fmt::format("{:#x} is not mapped", linear));
    return who_wrote(time, os, found.physical);
}

}  // namespace orrery
