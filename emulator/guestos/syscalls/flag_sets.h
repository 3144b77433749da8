// Words whose bits or values have names, as strace shows them: O_RDONLY|O_CLOEXEC, PROT_READ, MAP_PRIVATE …
#pragma once

#include <string>

#include "emulator/isa/types.h"

namespace orrery {

// Bits by name, joined by "|", in strace's order; unknown bits as one number at the end
// ("O_RDONLY|0x40000000"). For a set that is not known: hexadecimal.
std::string flags_text(const std::string& set, u64 value);
// A value by name; unknown ones as a number.
std::string enumeration_text(const std::string& set, u64 value);
// Whether this name is known as a set of flags or an enumeration.
bool is_flag_set(const std::string& set);
bool is_enumeration(const std::string& set);

std::string signal_text(u64 number);    // "SIGINT"; unknown ones as a number
std::string signal_set_text(u64 mask);  // "[INT CHLD]", "~[KILL STOP]"
std::string errno_text(int error);      // "ENOENT (No such file or directory)"
std::string errno_name(int error);      // "ENOENT"
std::string file_mode_text(u64 mode);   // "S_IFREG|0644"

}  // namespace orrery
