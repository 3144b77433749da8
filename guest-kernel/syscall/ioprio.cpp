// ioprio_set(2) and ioprio_get(2): a task's class and level for its disk requests, which are kept and shown.
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"

namespace {

enum Which : int { kProcess = 1, kGroup = 2, kUser = 3 };
constexpr int kClassShift = 13, kLevels = 8, kBestEffort = 2;

/// Calls visit(task) for whom `which` and `who` mean. ESRCH, EINVAL.
template <class F>
Result<void> for_targets(int which, int who, F visit) {
    if (which < kProcess || which > kUser) return Errno::EINVAL;
    const task_struct* self = current();
    const pid_t id = which != kUser && who ? global_pid(who) : 0;
    if (which != kUser && who && !id) return Errno::ESRCH;
    bool found = false;
    const auto table = task_table.lock();
    for (task_struct& task : table->list) {
        const bool match =
            which == kProcess ? task.pid == (who ? id : self->pid)
            : which == kGroup
                ? task.signal->pgrp == (who ? id : self->signal->pgrp)
                : task.cred.uid == (who ? self->cred.kernel_uid(static_cast<uid_t>(who)) : self->cred.uid);
        if (!match) continue;
        found = true;
        visit(task);
    }
    return found ? Result<void>() : Result<void>(Errno::ESRCH);
}

Result<void> check(int priority) {
    const Credentials& cred = current()->cred;
    const int level = priority & ((1 << kClassShift) - 1);
    switch (priority >> kClassShift) {
        case 0:
            return level ? Result<void>(Errno::EINVAL) : Result<void>();
        case 1:
            if (!cred.has(kCapSysAdmin) && !cred.has(kCapSysNice)) return Errno::EPERM;
            [[fallthrough]];
        case kBestEffort:
            return level >= kLevels ? Result<void>(Errno::EINVAL) : Result<void>();
        case 3:
            return {};
        default:
            return Errno::EINVAL;
    }
}

/// The better of two: a lower class, then a lower level; none counts as the middle of best effort.
int best_of(int a, int b) {
    const auto ranked = [](int p) { return p >> kClassShift ? p : kBestEffort << kClassShift | 4; };
    return min(ranked(a), ranked(b));
}

}  // namespace

SysResult sys_ioprio_set(int which, int who, int priority) {
    TRY(check(priority));
    Errno error = Errno::OK;
    TRY(for_targets(which, who, [&](task_struct& task) {
        const Credentials& mine = current()->cred;
        if (task.cred.uid != mine.euid && task.cred.uid != mine.uid && !mine.has(kCapSysNice))
            error = Errno::EPERM;
        else
            task.io_priority = static_cast<u16>(priority);
    }));
    if (error != Errno::OK) return error;
    return 0;
}

SysResult sys_ioprio_get(int which, int who) {
    int best = -1;
    TRY(for_targets(which, who, [&](task_struct& task) {
        best = best < 0 ? task.io_priority : best_of(best, task.io_priority);
    }));
    return long{which == kProcess ? best : best_of(best, best)};
}
