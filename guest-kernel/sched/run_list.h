// A first-come-first-served list of runnable tasks, for the classes that need no more.
//
// Guarantees: tasks are linked through task_struct::se.run_node; constant-time operations.
#pragma once

#include "task/task.h"

inline task_struct* task_of_run_node(ListNode* node) {
    return reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(node) - offsetof(task_struct, se) -
                                          offsetof(sched_entity, run_node));
}

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
    bool has_one() const { return head_.linked() && head_.next == head_.prev; }

  private:
    ListNode head_;
};
