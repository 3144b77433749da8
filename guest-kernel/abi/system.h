// Small structures of the system call ABI: utsname, sysinfo, tms, itimerval, capabilities, rlimit.
//
// Guarantees: the ABI's layouts (asserted).
#pragma once

#include "abi/rusage.h"
#include "core/types.h"
#include "time/clock.h"

struct KUtsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
struct KSysinfo {
    i64 uptime;
    u64 loads[3];
    u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad;
    u32 pad2;
    u64 totalhigh, freehigh;
    u32 mem_unit;
    u32 pad3;
};
static_assert(sizeof(KSysinfo) == 112);
struct KTms {
    i64 utime, stime, cutime, cstime;
};
struct KItimerval {
    KTimeval interval, value;
};
struct KItimerspec {
    timespec64 interval, value;
};
struct KRlimit {
    u64 cur, max;
};
struct KCapHeader {
    u32 version;
    i32 pid;
};
struct KCapData {
    u32 effective, permitted, inheritable;
};
static_assert(sizeof(KUtsname) == 390);
