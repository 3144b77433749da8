// Delivery of exceptions and interrupts through the IDT (SDM vol. 3A, chapter 6), in real mode through the
// interrupt vector table (chapter 20.1.4).
//
// The deliver_* functions of the run loop are called at an instruction boundary, RIP being the one to return
// to. A delivery changes architectural state at its end only; a fault within it is raised with a null Op and
// unwinds to the run loop, which calls deliver_exception() again: the double- and triple-fault rules are kept
// there. All of them finish with update_mode(). Costs no cycles, but
// where no instruction was completed since the last delivery.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Delivers c->pending, as raise() left it. #PF: CR2 becomes pending.address; #DB: pending.address is or'ed to
// DR6 (bit 13, BD, marks a fault whose image of RF is set). On a triple fault c->activity is Shutdown, and
// c->shutdown tells why.
void deliver_exception(Cpu* c);

// A maskable interrupt that the APIC has acknowledged; IF and the shadow have been checked.
void deliver_interrupt(Cpu* c, u8 vector);

// Blocks further NMIs until the next IRET.
void deliver_nmi(Cpu* c);

// A start-up IPI: real mode at vector * 4 KiB (SDM vol. 3A, 8.4.4). Ends WaitForSipi.
void start_at_vector(Cpu* c, u8 vector);

// How a software interrupt checks the gate (SDM vol. 3A, 6.12.1.2): INT n, INT3 and INTO need DPL >= CPL;
// INT1 does not, and counts as an external event in error codes.
enum class SoftwareInterrupt : u8 { Int, Int1 };

// INT n, INT3, INTO, INT1 executed by `op`; `return_rip` is that of the next instruction. Sets RIP.
void deliver_software(Cpu* c, const Op* op, u8 vector, SoftwareInterrupt kind, u64 return_rip);

// Raises a #DB of fault class (DR7.GD); `dr6`: the status bits to be set.
[[noreturn]] void raise_debug(Cpu* c, const Op* op, u64 dr6);

// True for vectors that push an error code in protected mode (table 6-1).
bool has_error_code(u8 vector);

}  // namespace orrery
