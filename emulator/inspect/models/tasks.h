// The window "Tasks": every thread of the guest.
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct TaskRow {
    int pid = 0;
    int tgid = 0;
    int ppid = 0;
    std::string comm;
    char state = '?';        // Linux's letter: R S D T t Z X
    std::string state_text;  // "running", "runnable", "sleeping", …
    int running_on = -1;     // CPU it runs on now
    u64 utime_ns = 0;
    u64 stime_ns = 0;
    u64 cr3 = 0;              // 0: no address space of its own
    u64 task = 0;             // TaskInfo::address
    std::string system_call;  // unfinished call, as strace prints it; empty if none or not traced
};

struct TasksModel {
    std::vector<TaskRow> rows;
    std::string problem;  // why the list is empty or cut short
};

struct TasksParameters {};

TasksModel tasks_model(const ModelContext& context, const TasksParameters& parameters = {});
std::string to_text(const TasksModel& model);
Json to_json(const TasksModel& model);

}  // namespace orrery
