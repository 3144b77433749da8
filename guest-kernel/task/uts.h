// What uname(2) says, and sethostname(2) changes; /proc/sys/kernel shows the same.
#pragma once

#include "abi/system.h"

extern KUtsname init_uts;
/// What the current task sees: its namespace's names, under its personality(2).
void read_uts(KUtsname& uts);
