// What uname(2) says, and sethostname(2) changes; /proc/sys/kernel shows the same.
#pragma once

#include "abi/system.h"

extern KUtsname init_uts;
