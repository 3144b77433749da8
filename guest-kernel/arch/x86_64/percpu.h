// Per-CPU data, reached through GS as in Linux.
//
// Guarantees: GS base points at this CPU's `CpuData` whenever kernel C++ code runs (entry code swaps it in).
// The offsets used by assembly are asserted in percpu.cpp.
#pragma once

#include "core/types.h"

struct task_struct;
struct RunQueue;
struct TaskStateSegment;

struct CpuData {
    CpuData* self;              // 0x00
    task_struct* current_task;  // 0x08: named as in Linux
    u64 top_of_stack;           // 0x10: kernel stack for system calls
    u64 user_rsp_scratch;       // 0x18
    u32 cpu_number;             // 0x20
    u32 preempt_count;          // 0x24: spin locks held + explicit
    u32 hardirq_depth;          // 0x28
    u32 lock_rank;              // 0x2c: highest spin-lock rank held
    RunQueue* run_queue;        // 0x30
    TaskStateSegment* tss;      // 0x38
    u64 irq_count;
    u32 apic_id;
};

inline task_struct* this_cpu_current() {
    task_struct* task;
    asm("movq %%gs:8, %0" : "=r"(task));
    return task;
}
inline CpuData& this_cpu() {
    CpuData* cpu;
    asm("movq %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}
