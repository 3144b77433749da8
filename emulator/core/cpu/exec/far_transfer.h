// Far JMP, CALL, RET and IRET in real, virtual-8086, protected and IA-32e mode, with call gates and their
// stack switches (SDM vol. 3A, 5.8; vol. 2, JMP, CALL, RET, IRET). Targets that are task gates or task-state
// segments switch tasks (task_switch.h), as does IRET with NT; in IA-32e mode they raise #GP.
//
// Each checks everything, makes its stack accesses, and only then changes state: CS, RIP, SS:RSP,
// CPL, flags; it ends with update_mode(). `size` is the operand size in bytes.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// `return_rip`: of the next instruction.
void far_jump(Cpu* c, const Op* op, u16 selector, u64 offset, unsigned size, u64 return_rip);
void far_call(Cpu* c, const Op* op, u16 selector, u64 offset, unsigned size, u64 return_rip);
// `release`: bytes of parameters to drop from the stack (of both stacks, where there are two).
void far_return(Cpu* c, const Op* op, unsigned size, u16 release);
void interrupt_return(Cpu* c, const Op* op, unsigned size, u64 return_rip);

// SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM vol. 2; vol. 3A, 5.8.7), whose segments have fixed contents.
void enter_syscall(Cpu* c, const Op* op, u64 return_rip);
void leave_syscall(Cpu* c, const Op* op, unsigned size);
void enter_sysenter(Cpu* c, const Op* op);
void leave_sysexit(Cpu* c, const Op* op, unsigned size);

}  // namespace orrery
