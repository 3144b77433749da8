// What the present task's TSS is used for without a task switch (that is exec/task_switch.h): stacks for inner
// privilege levels, the interrupt stack table, and the I/O permission map (SDM vol. 3A, 7.2.1, 7.7; vol. 1,
// 18.5.2).
//
// `op` and `ext` as in segmentation.h.
#pragma once

#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

// RSP for privilege level `cpl`, or the interrupt stack `ist` (1-7) where that is not 0, from a 64-bit TSS.
u64 tss_stack64(Cpu* c, const Op* op, unsigned cpl, unsigned ist, u32 ext);

struct LegacyStack {
    u16 ss = 0;
    u32 esp = 0;
};
// SS:ESP for privilege level `cpl` from a 32- or 16-bit TSS.
LegacyStack tss_stack_legacy(Cpu* c, const Op* op, unsigned cpl, u32 ext);

// Raises #GP(0) unless the current privilege allows `size` (1, 2, 4) ports from `port`: IOPL, else the
// permission map.
void check_io_permission(Cpu* c, const Op* op, u16 port, unsigned size);

// LTR and LLDT with all their checks (SDM vol. 2).
void load_task_register(Cpu* c, const Op* op, u16 selector);
void load_local_table(Cpu* c, const Op* op, u16 selector);

}  // namespace orrery
