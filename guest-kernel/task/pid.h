// Process ids and the task list.
//
// Guarantees: a pid that is still a process group's or session's id is not given again. pid 1 is the first
// user process.
#pragma once

#include "task/task.h"

constexpr pid_t kPidMax = 32768;

/// A free pid, or EAGAIN.
Result<pid_t> alloc_pid();
/// Enter and leave the task list and the pid hash. Under tasklist_lock.
void attach_task(task_struct* task);
void detach_task(task_struct* task);
/// Under tasklist_lock: no reference taken.
task_struct* find_task_locked(pid_t pid);
extern u32 nr_threads;
extern u64 total_forks;
extern pid_t last_pid;

inline task_struct* thread_of_node(ListNode* node) {
    return reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(node) - offsetof(task_struct, thread_node));
}
/// Calls visit(task_struct*) for each thread of the process. Under tasklist_lock or the signal lock.
template <class F>
void for_each_thread_of(SignalStruct* signal, F visit) {
    for (ListNode *n = signal->threads_head.next, *next = n->next; n != &signal->threads_head;
         n = next, next = n->next) {
        visit(thread_of_node(n));
    }
}
