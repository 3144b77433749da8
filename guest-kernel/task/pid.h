// Process ids and the task list.
//
// Guarantees: a pid that is still a process group's or session's id is not given again. pid 1 is the first
// user process.
#pragma once

#include "sync/guarded.h"
#include "task/task.h"

constexpr pid_t kPidMax = 32768;

/// Every thread of the system. Its lock also guards what links tasks to each other ("Family" in task_struct), their
/// groups and sessions.
class TaskTable {
  public:
    /// A free pid, or EAGAIN.
    Result<pid_t> alloc_pid();
    /// Is `pid` free? EEXIST, EINVAL out of range.
    Result<void> check_free(pid_t pid) const;
    void attach(task_struct* task);
    void detach(task_struct* task);
    /// No reference is taken.
    task_struct* find(pid_t pid) const;

    List<task_struct, &task_struct::tasks> list;  // oldest first; the debugger knows it by name
    u32 nr_threads = 0;
    u64 total_forks = 0;
    pid_t last_pid = 0;

  private:
    bool id_in_use(pid_t pid) const;
    using Bucket = List<task_struct, &task_struct::pid_link>;
    static constexpr size_t kBuckets = 256;
    static size_t bucket_of(pid_t pid) { return static_cast<size_t>(pid) % kBuckets; }
    Bucket hash_[kBuckets];
};
extern Guarded<TaskTable, LockRank::kTasks> task_table;

inline task_struct* thread_of_node(ListNode* node) {
    return reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(node) - offsetof(task_struct, thread_node));
}
/// Calls visit(task_struct*) for each thread of the process. With the task table or the signal lock held.
template <class F>
void for_each_thread_of(SignalStruct* signal, F visit) {
    for (ListNode *n = signal->threads_head.next, *next = n->next; n != &signal->threads_head;
         n = next, next = n->next) {
        visit(thread_of_node(n));
    }
}
