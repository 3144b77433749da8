// Whose page tables an address belongs to.
#include "emulator/inspect/models/place.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/inspect/models/windows.h"

namespace orrery {

Place parse_place(const ModelContext& context, const std::string& text, std::optional<int> pid) {
    Place place;
    place.address = parse_address(context, text);
    if (!pid || is_register_address(text)) return place;
    const MachineMemory memory(context.machine, context.cpu);
    std::string problem;
    const std::vector<TaskInfo> tasks = context.os->tasks(memory, guest_cpus(context.machine), &problem);
    const auto task =
        std::find_if(tasks.begin(), tasks.end(), [&](const TaskInfo& info) { return info.pid == *pid; });
    if (task == tasks.end())
        throw ShowError(problem.empty() ? fmt::format("no task has pid {}", *pid) : problem);
    if (task->cr3 == 0) return place;
    place.cr3 = task->cr3;
    place.task = fmt::format("{} (pid {})", task->comm, task->pid);
    return place;
}

}  // namespace orrery
