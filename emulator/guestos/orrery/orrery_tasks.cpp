// The tasks of our kernel.
#include <fmt/format.h>

#include "emulator/guestos/orrery/orrery_os.h"

namespace orrery {

// Longest first where one value is part of another (TASK_KILLABLE).
OrreryOs::OrreryOs(const DebugInfo& kernel)
    : GuestOs(&kernel),
      paths_(kernel.types),
      states_{{{&paths_.zombie, 'Z', "zombie"},
               {&paths_.dead, 'X', "dead"},
               {&paths_.stopped, 'T', "stopped"},
               {&paths_.traced, 't', "traced"},
               {&paths_.uninterruptible, 'D', "waiting, uninterruptible"},
               {&paths_.interruptible, 'S', "sleeping"}}} {}

bool OrreryOs::tells_who_runs() const {
    return paths_.cpu_self.problem().empty() && paths_.cpu_current.problem().empty() &&
           paths_.task_pid.problem().empty();
}

u64 OrreryOs::current(const GuestMemory& memory, const GuestCpu& cpu) const {
    for (const u64 base : {cpu.gs_base, cpu.kernel_gs_base}) {
        // No user GS base can pass for a CPU's data: they are the kernel's, and point to themselves.
        if (base >> 47 != 0x1ffff) continue;
        try {
            if (paths_.cpu_self.value(memory, base) == base) return paths_.cpu_current.value(memory, base);
        } catch (const GuestReadError&) {
        }
    }
    return 0;
}

void OrreryOs::describe_state(const GuestMemory& memory, TaskInfo& info) const {
    const u64 exit_state = paths_.task_exit_state.value(memory, info.address);
    const u64 bits = paths_.task_state.value(memory, info.address) | exit_state;
    info.exited = exit_state != 0;
    info.state = 'R';
    info.state_text = "ready";
    for (const State& state : states_) {
        if ((bits & state.bit->value()) == 0) continue;
        info.state = state.letter;
        info.state_text = state.text;
        return;
    }
}

TaskInfo OrreryOs::task(const GuestMemory& memory, std::span<const GuestCpu> cpus, u64 task) const {
    TaskInfo info;
    info.address = task;
    info.pid = pid_of(memory, task);
    info.tgid = static_cast<int>(paths_.task_tgid.signed_value(memory, task));
    info.comm = paths_.task_comm.text(memory, task);
    if (const u64 parent = paths_.task_parent.value(memory, task); parent != 0)
        info.ppid = static_cast<int>(paths_.task_tgid.signed_value(memory, parent));
    info.utime_ns = paths_.task_user_time.value(memory, task);
    info.stime_ns = paths_.task_system_time.value(memory, task);
    info.exit_code = static_cast<int>(paths_.task_exit_code.signed_value(memory, task));
    describe_state(memory, info);
    for (unsigned cpu = 0; cpu < cpus.size(); ++cpu) {
        if (current(memory, cpus[cpu]) != task) continue;
        info.running_on = static_cast<int>(cpu);
        if (info.state == 'R') info.state_text = fmt::format("running on CPU {}", cpu);
    }
    info.space = paths_.task_space.value(memory, task);
    info.kernel_thread = info.space == 0 && !info.exited;
    if (info.space != 0)
        info.cr3 = memory.physical(paths_.space_tables.value(memory, info.space)).value_or(0) & ~u64{0xfff};
    return info;
}

int OrreryOs::pid_of(const GuestMemory& memory, u64 task) const {
    return static_cast<int>(paths_.task_pid.signed_value(memory, task));
}

std::vector<TaskInfo> OrreryOs::tasks(const GuestMemory& memory, std::span<const GuestCpu> cpus,
                                      std::string* problem) const {
    std::vector<TaskInfo> found;
    try {
        const u64 first = paths_.first_task.address(memory);
        const u64 head = paths_.task_list.address(memory);
        if (!memory.value<u8>(first))
            throw GuestReadError("the kernel is not there yet: its memory is not mapped at this moment");
        bool has_first = false;
        // Before the kernel has made it, the head is all zero.
        const bool whole = paths_.list_next.value(memory, head) == 0 ||
                           for_each_listed(memory, head, paths_.task_link, [&](u64 address) {
                               has_first |= address == first;
                               found.push_back(task(memory, cpus, address));
                           });
        if (!has_first) found.insert(found.begin(), task(memory, cpus, first));
        if (!whole) throw GuestReadError("the task list is damaged");
    } catch (const GuestReadError& error) {
        if (problem != nullptr) *problem = error.what();
    }
    return found;
}

}  // namespace orrery
