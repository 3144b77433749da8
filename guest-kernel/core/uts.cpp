// The kernel's names: Linux's release number, since the C library asks for it, with our own suffix.
#include "core/uts.h"

KUtsname init_uts = {"Linux", "orrery", "6.1.0-orrery", "#1 Orrery", "x86_64", "(none)"};
