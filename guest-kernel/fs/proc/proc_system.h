// Texts about the machine, for the table of /proc's fixed files (proc_system.cpp).
#pragma once

#include "fs/proc/proc.h"

Result<void> show_cpuinfo(KString& out);     ///< proc_cpuinfo.cpp
Result<void> show_interrupts(KString& out);  ///< proc_interrupts.cpp, like the next
Result<void> show_softirqs(KString& out);
/// The line "intr …" of /proc/stat.
Result<void> show_stat_intr(KString& out);
Result<void> show_iomem(KString& out);  ///< proc_resources.cpp, like the next
Result<void> show_ioports(KString& out);
