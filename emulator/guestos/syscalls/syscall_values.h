// Values in the form in which strace shows them.
#pragma once

#include <string>
#include <string_view>

#include "emulator/guestos/types/guest_memory.h"
#include "emulator/isa/types.h"

namespace orrery {

inline constexpr size_t kStringLimit = 32;  // bytes of a buffer that are shown, as strace -s 32

// In quotes, with C escapes; "..." after it if `cut`.
std::string quoted(std::string_view bytes, bool cut = false);
// As above with every byte as \x (random bytes).
std::string quoted_hex(std::string_view bytes, bool cut = false);
// "NULL" or "0x7ffe…".
std::string pointer_text(u64 address);
// "0644"; "000" for 0.
std::string octal_mode_text(u64 mode);

// The string, buffer or array of strings at `address`. False: it cannot be read (yet), and `text` is
// unchanged.
bool string_text(const GuestMemory& memory, u64 address, size_t limit, std::string& text);
bool buffer_text(const GuestMemory& memory, u64 address, u64 size, bool as_hex, std::string& text);
bool strings_text(const GuestMemory& memory, u64 address, std::string& text);
// "0x7ffe… /* 3 vars */".
bool environment_text(const GuestMemory& memory, u64 address, std::string& text);

// A wait status: "{WIFEXITED(s) && WEXITSTATUS(s) == 0}".
std::string wait_status_text(u32 status);

}  // namespace orrery
