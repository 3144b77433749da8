// The system's name (uname(2)).
//
// Guarantees: host and domain name may change (sethostname); the rest is fixed.
#pragma once

#include "abi/system.h"

extern KUtsname system_utsname;
