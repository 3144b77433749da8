// A signal's delivery, seen from outside: at the return to user mode the stack pointer is at a frame that the
// ABI lays down (struct rt_sigframe of Linux on x86-64), and the handler's arguments point into it.
#pragma once

#include <optional>
#include <string>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/isa/types.h"

namespace orrery {

struct SignalFrame {
    u64 number = 0;
    std::string info;  // siginfo as strace shows it
    u64 rip = 0;       // where the program goes on after the handler
    u64 rax = 0;       // with this: the interrupted call's result, if there was one
};

// The frame if the registers (RDI, RSI, RDX, RSP at the return to user mode) and memory say that a handler
// begins.
std::optional<SignalFrame> find_signal_frame(const GuestMemory& memory, u64 rdi, u64 rsi, u64 rdx, u64 rsp);

}  // namespace orrery
