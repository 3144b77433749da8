// PID namespaces (pid_namespaces(7)): what numbers processes, groups and sessions have inside them.
//
// Guarantees: the kernel itself means a task, a group or a session by its number in the first namespace; what has
// numbers in other namespaces too carries a PidNumbers, which does not change. A number is free again when the last
// reference to its PidNumbers is gone: a task, a group or a session that has it. Tasks of the first namespace have
// none, and asking for their numbers costs nothing.
#pragma once

#include "core/result.h"
#include "sync/wait_queue.h"
#include "task/namespace.h"
#include "task/pid_numbers.h"
#include "task/task.h"

struct PidNamespace : Namespace {
    PidNamespace(RefPtr<PidNamespace> outer, u64 number)
        : Namespace(number), parent(std::move(outer)), level(parent ? parent->level + 1 : 0) {}
    PidNamespace(u64 number, UserNamespace* owner_ns, UserCounts* payer, RefPtr<PidNamespace> outer)
        : Namespace(number, owner_ns, payer, CountedNs::kPid),
          parent(std::move(outer)),
          level(parent->level + 1) {}
    const RefPtr<PidNamespace> parent;
    const u32 level;
    task_struct* child_reaper = nullptr;  ///< its init; under the task table's lock
    bool dying = false;                   ///< init has ended: nobody enters; under the task table's lock
    int reboot_signal = 0;                ///< what init seems to die of after reboot(2)
    WaitQueue emptied;                    ///< woken when a number becomes free

    // Under the lock of numbers (pid_namespace.cpp).
    static constexpr u32 kBuckets = 64;
    List<PidNumber, &PidNumber::node> buckets[kBuckets];
    u32 used = 0;
    pid_t last = 0;
};
PidNamespace& init_pid_namespace();
constexpr u32 kMaxPidLevels = 32;  // MAX_PID_NS_LEVEL

/// Numbers for a new task in `ns`, which is not the first; `wanted[0]` for the innermost namespace, and so on outwards,
/// as many as `count`. EAGAIN, ENOMEM, EEXIST, EINVAL.
Result<RefPtr<PidNumbers>> alloc_pid_numbers(PidNamespace& ns, const pid_t* wanted, u32 count);

/// Where the task was born: constant.
inline PidNamespace& task_pid_ns(const task_struct* task) {
    return task->pid_ns ? *task->pid_ns : init_pid_namespace();
}
inline PidNamespace& current_pid_ns() {
    return task_pid_ns(current());
}
/// May whoever is in `inner` be seen in `outer`?
bool is_pid_ns_within(const PidNamespace& inner, const PidNamespace& outer);

// Numbers in a namespace, 0 if what has them is not seen there.
pid_t task_nr(const task_struct* task, const PidNamespace& ns);
pid_t process_nr(const task_struct* task, const PidNamespace& ns);
pid_t group_nr(const task_struct* task, const PidNamespace& ns);
pid_t session_nr(const task_struct* task, const PidNamespace& ns);
pid_t parent_nr(const task_struct* task, const PidNamespace& ns);
/// The same with the table locked already, or for the current task.
pid_t task_nr_locked(const task_struct* task, const PidNamespace& ns);
pid_t process_nr_locked(const task_struct* task, const PidNamespace& ns);
/// The number in `ns` of what has the number `global` now: a task, a group or a session.
pid_t nr_of_global(pid_t global, const PidNamespace& ns);
/// The other way round; 0 when nothing has that number.
pid_t global_of_nr(pid_t nr, const PidNamespace& ns);
TaskRef find_task_in(const PidNamespace& ns, pid_t nr);
/// As next_process, by the numbers of `ns`.
TaskRef next_process_in(const PidNamespace& ns, pid_t from);
TaskRef next_thread_in(const PidNamespace& ns, task_struct* leader, pid_t from);

/// The init of `ns`, the current task, ends: nobody survives it. Sleeps until all are gone.
void zap_pid_namespace(PidNamespace& ns);
/// reboot(2) inside a namespace: its init is killed. EINVAL.
Result<void> reboot_pid_namespace(PidNamespace& ns, u32 command);
