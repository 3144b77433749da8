// The structures of system calls' arguments, as strace shows them.
#pragma once

#include <string>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/isa/types.h"

namespace orrery {

// `count` structures called `word` (as in table.def) at `address`: one, or with `array` a list in brackets.
// False: not readable, or the structure is not known; `text` is unchanged.
bool structure_text(const GuestMemory& memory, const std::string& word, u64 address, u64 count, bool array,
                    std::string& text);
bool is_structure(const std::string& word);

// The elements of a poll array of which `revents` is set: "[{fd=0, revents=POLLIN}]".
std::string poll_events_text(const GuestMemory& memory, u64 address, u64 count);
// "[0 3]": the descriptors below `limit` in a select set.
bool fd_set_text(const GuestMemory& memory, u64 address, u64 limit, std::string& text);
// "0x5581… /* 14 entries */".
bool directory_entries_text(const GuestMemory& memory, u64 address, u64 bytes, std::string& text);

}  // namespace orrery
