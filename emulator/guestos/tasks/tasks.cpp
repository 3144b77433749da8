// Tasks by their names in the debug information.
#include "emulator/guestos/tasks/tasks.h"

#include <fmt/format.h>

#include "emulator/machine/machine.h"

namespace orrery {
namespace {

struct StateName {
    const char* enumerator;
    char letter;
    const char* text;
};
// Longest first where one value is part of another (TASK_KILLABLE); Linux's letters, proc(5).
constexpr StateName kStates[] = {
    {"EXIT_ZOMBIE", 'Z', "zombie"},
    {"EXIT_DEAD", 'X', "dead"},
    {"TASK_STOPPED", 'T', "stopped"},
    {"TASK_TRACED", 't', "traced"},
    {"TASK_UNINTERRUPTIBLE", 'D', "waiting, uninterruptible"},
    {"TASK_INTERRUPTIBLE", 'S', "sleeping"},
};

u64 optional_value(const GuestObject& object, std::string_view member) {
    return object.has(member) ? object[member].value() : 0;
}

}  // namespace

const Type* GuestTasks::type(const char* name) const {
    const Type* found = info_.types.type(name);
    if (found == nullptr) throw GuestReadError(fmt::format("the kernel's debug information has no {}", name));
    return found;
}

u64 GuestTasks::current(unsigned cpu) const {
    const Type* data = info_.types.type("CpuData");
    if (data == nullptr || cpu >= cpus_.size()) return 0;
    for (const u64 base : {cpus_[cpu].gs_base, cpus_[cpu].kernel_gs_base}) {
        try {
            // Per-CPU data begin with a pointer to themselves: no user GS base can pass for them.
            const GuestObject object(memory_, data, base);
            if (base >> 47 == 0x1ffff && object["self"].value() == base)
                return object["current_task"].value();
        } catch (const GuestReadError&) {
        }
    }
    return 0;
}

void GuestTasks::describe_state(const GuestObject& task, TaskInfo& info) const {
    const u64 exit_state = optional_value(task, "exit_state");
    const u64 bits = (task.has("__state") ? task["__state"] : task["state"]).value() | exit_state;
    info.exited = exit_state != 0;
    info.state = 'R';
    info.state_text = "ready";
    const Type* states = info_.types.type("TaskState");
    if (states == nullptr) throw GuestReadError("the kernel's debug information has no TaskState");
    for (const StateName& state : kStates) {
        for (const Enumerator& enumerator : states->enumerators) {
            if (enumerator.name != state.enumerator) continue;
            if ((bits & static_cast<u64>(enumerator.value)) == 0) continue;
            info.state = state.letter;
            info.state_text = state.text;
            return;
        }
    }
}

TaskInfo GuestTasks::read(u64 address) const {
    const GuestObject task(memory_, type("task_struct"), address);
    TaskInfo info;
    info.address = address;
    info.pid = static_cast<int>(task["pid"].signed_value());
    info.tgid = static_cast<int>(task["tgid"].signed_value());
    info.comm = task["comm"].text();
    const GuestObject parent = task["real_parent"];
    if (!parent.null()) info.ppid = static_cast<int>(parent["tgid"].signed_value());
    info.utime_ns = task["utime"].value();
    info.stime_ns = task["stime"].value();
    if (task.has("exit_code")) info.exit_code = static_cast<int>(task["exit_code"].signed_value());
    describe_state(task, info);
    for (unsigned cpu = 0; cpu < cpus_.size(); ++cpu) {
        if (current(cpu) != address) continue;
        info.running_on = static_cast<int>(cpu);
        if (info.state == 'R') info.state_text = fmt::format("running on CPU {}", cpu);
    }
    info.mm = task["mm"].value();
    info.kernel_thread = info.mm == 0 && !info.exited;
    if (info.mm != 0) info.cr3 = memory_.physical(task["mm"]["pgd"].value()).value_or(0) & ~u64{0xfff};
    return info;
}

int GuestTasks::pid_of(u64 task) const {
    return static_cast<int>(GuestObject(memory_, type("task_struct"), task)["pid"].signed_value());
}

std::vector<TaskInfo> GuestTasks::all(std::string* problem) const {
    std::vector<TaskInfo> tasks;
    try {
        const Type* task_type = type("task_struct");
        const GlobalVariable* first = info_.types.global("init_task");
        const GlobalVariable* table = info_.types.global("task_table");
        if (first == nullptr) throw GuestReadError("the kernel's debug information has no init_task");
        if (!memory_.value<u8>(first->address))
            throw GuestReadError("the kernel is not there yet: its memory is not mapped at this moment");
        bool has_first = false;
        const auto visit = [&](const GuestObject& task) {
            has_first |= task.address() == first->address;
            tasks.push_back(read(task.address()));
        };
        // A list with a head of its own, or one that hangs on init_task, as Linux has it.
        const GuestObject head =
            table != nullptr ? GuestObject(memory_, table->type, table->address)["value_"]["list"]["head_"]
                             : GuestObject(memory_, task_type, first->address)["tasks"];
        // Before the kernel has made it, the head is all zero.
        const bool whole = head["next"].null() || for_each_listed(head, task_type, "tasks", visit);
        if (!has_first) tasks.insert(tasks.begin(), read(first->address));
        if (!whole) throw GuestReadError("the task list is damaged");
    } catch (const GuestReadError& error) {
        if (problem != nullptr) *problem = error.what();
    }
    return tasks;
}

std::vector<GuestCpu> guest_cpus(Machine& machine) {
    std::vector<GuestCpu> cpus;
    for (unsigned i = 0; i < machine.cpu_count(); ++i) {
        const Cpu& cpu = machine.cpu(i);
        cpus.push_back({cpu.seg[kGs].base, cpu.msr.kernel_gs_base});
    }
    return cpus;
}

}  // namespace orrery
