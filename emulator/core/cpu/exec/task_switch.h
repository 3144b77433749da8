// Hardware task switching with 32- and 16-bit task-state segments (SDM vol. 3A, chapter 7): by JMP and CALL to a TSS or
// a task gate, by an interrupt or exception through a task gate, and back by IRET with NT. Protected and
// virtual-8086 mode only: IA-32e mode has no task switches.
//
// Up to the commit point a fault leaves the CPU as it was, in the old task (of memory, its TSS may have been written).
// Behind it the CPU is in the new task: selectors and registers are the new ones, and what a fault kept from being
// loaded is unusable. Such a fault has the new task's first instruction as its place.
//
// `op` and `ext` as in state/segmentation.h.
#pragma once

#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

enum class TaskEntry : u8 { Jump, Call, Event, Return };

struct TaskTarget {
    u16 selector = 0;
    Descriptor tss;
};

// Whether a system descriptor is one that JMP and CALL switch tasks by: a TSS of any kind, or a task gate.
bool names_task(const Descriptor& descriptor);

// The TSS that `selector` leads JMP or CALL to, itself or by a task gate; all checks made that come before the switch.
TaskTarget find_task(Cpu* c, const Op* op, u16 selector, const Descriptor& descriptor);
// The TSS of a task gate whose own checks have been made.
TaskTarget find_gate_task(Cpu* c, const Op* op, const Descriptor& gate, u32 ext);

// What the switch saves, and takes along.
struct TaskSwitch {
    TaskEntry entry = TaskEntry::Jump;
    u64 return_rip = 0;  // saved as the old task's EIP
    u32 flags = 0;       // and its EFLAGS
    u32 ext = 0;
    bool has_error = false;  // pushed on the new task's stack
    u32 error_code = 0;
    u8 vector = 0;  // of an event
};

// Makes the switch: everything is then the new task's, RIP too.
void switch_task(Cpu* c, const Op* op, const TaskTarget& target, const TaskSwitch& how);

// IRET with NT set: back to the task that the TSS's link names.
void return_from_task(Cpu* c, const Op* op, u64 return_rip);

}  // namespace orrery
