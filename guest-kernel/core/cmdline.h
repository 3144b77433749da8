// The kernel's command line: `name`, `name=value`, separated by blanks, as Linux has it.
//
// Guarantees: saved once at boot, never changed; the last of several equal names wins.
#pragma once

#include "core/types.h"

extern char saved_command_line[2048];
void setup_command_line(const char* text);
/// True if `name` stands there, alone or with a value.
bool cmdline_has(const char* name);
/// The value of `name=...` into `value`; false if there is none.
bool cmdline_value(const char* name, char* value, size_t size);
/// A number, or `fallback`.
u64 cmdline_number(const char* name, u64 fallback);
