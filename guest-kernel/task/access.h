// May one process look into another? What Linux calls ptrace_may_access with the real credentials.
#pragma once

struct task_struct;

/// By the calling task's real ids: all of the other's, or CAP_SYS_PTRACE.
bool may_attach(const task_struct* task);
