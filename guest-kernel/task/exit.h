// The end of tasks and processes, and waiting for it.
//
// Guarantees: see exit.cpp.
#pragma once

#include "task/task.h"

/// End the current thread. `code` in wait status form.
[[noreturn]] void do_exit(i32 code);
/// End the whole process of the current thread.
[[noreturn]] void do_group_exit(i32 code);
/// Waits for every child of the current process, until there are none.
void reap_all_children();
/// Remove a zombie for good. Under no lock.
void release_task(task_struct* task);
