// The guest's threads.
#include "emulator/inspect/models/tasks.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/guestos/syscalls/syscall_log.h"
#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

// The newest call of a task that has not returned, as strace shows it.
std::string unfinished(const SyscallLog& log, int pid) {
    const SyscallRange records = log.records();
    for (auto at = records.rbegin(); at != records.rend(); ++at) {
        const SyscallRecord& record = *at;
        if (record.pid != pid || record.kind != SyscallRecord::Kind::Call) continue;
        return log.finished(record) ? "" : call_beginning(record.entry);
    }
    return "";
}

std::string seconds_text(u64 ns) {
    return fmt::format("{:.3f}", static_cast<double>(ns) / 1e9);
}

}  // namespace

TasksModel tasks_model(const ModelContext& context, const TasksParameters&) {
    TasksModel model;
    const MachineMemory memory(context.machine, context.cpu);
    for (const TaskInfo& info : context.os->tasks(memory, guest_cpus(context.machine), &model.problem)) {
        TaskRow row;
        row.pid = info.pid;
        row.tgid = info.tgid;
        row.ppid = info.ppid;
        row.comm = info.comm;
        row.state = info.state;
        row.state_text = info.state_text;
        row.running_on = info.running_on;
        row.utime_ns = info.utime_ns;
        row.stime_ns = info.stime_ns;
        row.cr3 = info.cr3;
        row.task = info.address;
        if (context.syscalls != nullptr) row.system_call = unfinished(*context.syscalls, info.pid);
        model.rows.push_back(std::move(row));
    }
    return model;
}

std::string to_text(const TasksModel& model) {
    std::vector<std::vector<std::string>> rows;
    for (const TaskRow& row : model.rows)
        rows.push_back({fmt::format("{}", row.pid), fmt::format("{}", row.ppid), std::string(1, row.state),
                        row.comm, seconds_text(row.utime_ns), seconds_text(row.stime_ns),
                        row.cr3 != 0 ? hex(row.cr3) : "-",
                        row.system_call.empty() ? row.state_text
                                                : fmt::format("{} in {}", row.state_text, row.system_call)});
    std::string text = model.rows.empty()
                           ? ""
                           : table_text({"PID", "PPID", "S", "name", "user s", "kernel s", "CR3", "state"},
                                        rows, {true, true, false, false, true, true, true});
    if (!model.problem.empty()) text += fmt::format("{}\n", model.problem);
    return text;
}

Json to_json(const TasksModel& model) {
    Json json;
    json["tasks"] = Json::array();
    for (const TaskRow& row : model.rows)
        json["tasks"].push_back({{"pid", row.pid},
                                 {"tgid", row.tgid},
                                 {"ppid", row.ppid},
                                 {"comm", row.comm},
                                 {"state", std::string(1, row.state)},
                                 {"state_text", row.state_text},
                                 {"running_on", row.running_on},
                                 {"utime_ns", row.utime_ns},
                                 {"stime_ns", row.stime_ns},
                                 {"cr3", hex64(row.cr3)},
                                 {"address", hex64(row.task)},
                                 {"system_call", row.system_call}});
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
