// current(): the task that runs on this CPU.
//
// Guarantees: one load from per-CPU data through GS; never null after the boot CPU's first instructions. The
// unit tests' build on the host declares its own.
#pragma once

struct task_struct;

#if __STDC_HOSTED__
task_struct* current();
#else
#include "arch/x86_64/percpu.h"
inline task_struct* current() {
    return this_cpu_current();
}
#endif
