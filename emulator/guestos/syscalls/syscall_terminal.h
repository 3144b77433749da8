// Terminal structures and signal information, as strace shows them.
#pragma once

#include <string>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/isa/types.h"

namespace orrery {

bool termios_text(const GuestMemory& memory, u64 address, std::string& text);
bool winsize_text(const GuestMemory& memory, u64 address, std::string& text);
bool siginfo_text(const GuestMemory& memory, u64 address, std::string& text);

}  // namespace orrery
