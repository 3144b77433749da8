// Per-CPU data, reached through GS as in Linux.
//
// What entry code and every lock need is in CpuData; a part of the kernel that has more to keep for each CPU
// declares a PerCpu<T> of its own, so that this header names none of them.
//
// Guarantees: GS base points at this CPU's CpuData whenever kernel C++ code runs (entry code swaps it in).
// The offsets used by assembly are asserted in segments.cpp. A task stays on its CPU until it sleeps:
// references from this_cpu() and here() are good until then.
#pragma once

#include "core/types.h"

struct task_struct;
struct TaskStateSegment;
struct CpuTables;

constexpr unsigned kMaxCpus = 8;  // as many as the emulator has

struct CpuData {
    CpuData* self;              // 0x00
    task_struct* current_task;  // 0x08: named as in Linux
    u64 top_of_stack;           // 0x10: kernel stack for system calls
    u64 user_rsp_scratch;       // 0x18
    u32 cpu_number;             // 0x20
    u32 preempt_count;          // 0x24: spin locks held + explicit
    u32 hardirq_depth;          // 0x28
    u32 lock_rank;              // 0x2c: highest spin-lock rank held
    TaskStateSegment* tss;      // 0x30: of `tables`
    u32 apic_id;
    CpuTables* tables;
};

extern "C" CpuData cpu_data[kMaxCpus];  // [0]: the CPU that boots
extern unsigned online_cpus;            // those below this number run

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
inline u32 this_cpu_number() {
    u32 number;
    asm volatile("movl %%gs:0x20, %0" : "=r"(number));
    return number;
}

/// One T for each CPU, each in cache lines of its own.
template <class T>
class PerCpu {
  public:
    T& here() { return slots_[this_cpu_number()].value; }
    T& on(unsigned cpu) { return slots_[cpu].value; }
    const T& on(unsigned cpu) const { return slots_[cpu].value; }
    /// Calls visit(T&) for each CPU that runs.
    template <class F>
    void for_each_online(F visit) {
        for (unsigned cpu = 0; cpu < online_cpus; cpu++) visit(slots_[cpu].value);
    }

  private:
    struct alignas(64) Slot {
        T value;
    };
    Slot slots_[kMaxCpus];
};
