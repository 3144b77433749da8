// Texts about the machine, for the table of /proc's fixed files (proc_system.cpp).
#pragma once

#include "fs/proc/proc.h"

Result<void> show_cpuinfo(KString& out);     ///< proc_cpuinfo.cpp
Result<void> show_interrupts(KString& out);  ///< proc_interrupts.cpp, like the next
Result<void> show_softirqs(KString& out);
/// The line "intr …" of /proc/stat.
Result<void> show_stat_intr(KString& out);
/// proc_pages.cpp: a word for each page of RAM (Linux, Documentation/admin-guide/mm/pagemap.rst).
Result<RefPtr<File>> open_kpagecount(Inode& inode);
Result<RefPtr<File>> open_kpageflags(Inode& inode);
/// proc_misc.cpp.
Result<void> show_schedstat(KString& out);
Result<void> show_consoles(KString& out);
Result<void> show_execdomains(KString& out);
Result<void> show_modules(KString& out);
extern const ProcEntry kProcTtyEntries[];
Result<void> show_iomem(KString& out);  ///< proc_resources.cpp, like the next
Result<void> show_ioports(KString& out);
