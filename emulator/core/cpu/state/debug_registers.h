// Debug registers: breakpoints on execution, data and ports, and the debug exceptions they make (SDM vol. 3B,
// chapter 17; vol. 2, MOV to and from debug registers).
//
// Breakpoints cost nothing while none is armed: pages that hold a data breakpoint stay out of the fast
// tables, so that their accesses take the slow path; code on a page with an execution breakpoint runs one
// instruction at a time, and such pages stay out of the fast table for code.
//
// Where the manual leaves it open: a breakpoint that is not enabled leaves DR6 alone; bits 0-3 of DR6 tell of
// the last debug exception, the others gather. The accesses of event delivery and of descriptor tables match
// data breakpoints too. A trap whose instruction ends in a fault is forgotten.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Status bits of DR6.
namespace dr6 {
inline constexpr u64 kBreakpoints = 0xf, kBd = 1u << 13, kBs = 1u << 14, kBt = 1u << 15;
}

// `number` 0-7; 4 and 5 are 6 and 7 unless CR4.DE (#UD). Checks privilege. Raises #DB where DR7.GD is set.
u64 read_debug_register(Cpu* c, const Op* op, unsigned number);
void write_debug_register(Cpu* c, const Op* op, unsigned number, u64 value);

// Works out which breakpoints are armed. To be called when DR7, DR0-DR3 or CR4.DE have changed.
void update_breakpoints(Cpu* c);

// `linear`: any address of the page.
bool page_has_data_breakpoint(const Cpu* c, u64 linear);
bool page_has_code_breakpoint(const Cpu* c, u64 linear);

// Tells of an access that was made: where a breakpoint matches, a trap follows `op` (null: comes at the next
// boundary).
void note_data_access(Cpu* c, const Op* op, u64 linear, unsigned size, bool write);
void note_port_access(Cpu* c, u16 port, unsigned size);

// At an instruction boundary: delivers the #DB of an execution breakpoint at RIP, unless EFLAGS.RF or the
// shadow of MOV SS forbids. True if it did.
bool deliver_code_breakpoint(Cpu* c);

// After an instruction: delivers the traps on it. Those of MOV SS wait for the instruction after it.
void deliver_debug_trap(Cpu* c);

}  // namespace orrery
