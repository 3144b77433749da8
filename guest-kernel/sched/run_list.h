// A first-come-first-served list of runnable tasks, for the classes that need no more.
//
// Guarantees: tasks are linked through task_struct::se.run_node; constant-time operations.
#pragma once

#include "task/task.h"

inline task_struct* task_of_run_node(ListNode* node) {
    return reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(node) - offsetof(task_struct, se) -
                                          offsetof(sched_entity, run_node));
}

struct RunQueue;
/// Does `task`, which is in `rq`, wait there and may it run on `cpu`?
bool may_move(const RunQueue& rq, const task_struct* task, unsigned cpu);

class RunList {
  public:
    task_struct* front() const { return head_.linked() ? task_of_run_node(head_.next) : nullptr; }
    void push_back(task_struct* task) { task->se.run_node.insert_before(&head_); }
    void push_front(task_struct* task) { task->se.run_node.insert_before(head_.next); }
    void remove(task_struct* task) { task->se.run_node.remove(); }
    void move_to_back(task_struct* task) {
        remove(task);
        push_back(task);
    }
    /// The first that waits in this list of `rq` and may move to `cpu`.
    task_struct* find_movable(const RunQueue& rq, unsigned cpu) const {
        for (ListNode* n = head_.next; n != &head_; n = n->next) {
            if (may_move(rq, task_of_run_node(n), cpu)) return task_of_run_node(n);
        }
        return nullptr;
    }
    bool has_one() const { return head_.linked() && head_.next == head_.prev; }

  private:
    ListNode head_;
};
