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
template <>
struct Ia32Layout<KSysinfo> {
    struct Small {
        i32 uptime;
        u32 loads[3];
        u32 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
        u16 procs, pad;
        u32 totalhigh, freehigh, mem_unit;
        u8 rest[8];
    };
    static_assert(sizeof(Small) == 64);
    static Result<void> narrow(const KSysinfo& s, Small& out) {
        // The unit grows up to a page, so that the sizes fit.
        unsigned shift = 0;
        u32 unit = s.mem_unit;
        if ((s.totalram | s.totalswap) >> 32) {
            for (; unit < 4096; unit <<= 1) shift++;
        }
        out.uptime = static_cast<i32>(s.uptime);
        for (unsigned i = 0; i < 3; i++) out.loads[i] = static_cast<u32>(s.loads[i]);
        out.totalram = static_cast<u32>(s.totalram >> shift);
        out.freeram = static_cast<u32>(s.freeram >> shift);
        out.sharedram = static_cast<u32>(s.sharedram >> shift);
        out.bufferram = static_cast<u32>(s.bufferram >> shift);
        out.totalswap = static_cast<u32>(s.totalswap >> shift);
        out.freeswap = static_cast<u32>(s.freeswap >> shift);
        out.procs = s.procs;
        out.totalhigh = static_cast<u32>(s.totalhigh >> shift);
        out.freehigh = static_cast<u32>(s.freehigh >> shift);
        out.mem_unit = unit;
        return {};
    }
};
struct KTms {
    i64 utime, stime, cutime, cstime;
};
template <>
struct Ia32Layout<KTms> {
    struct Small {
        i32 utime, stime, cutime, cstime;
    };
    static Result<void> narrow(const KTms& t, Small& out) {
        out = {static_cast<i32>(t.utime), static_cast<i32>(t.stime), static_cast<i32>(t.cutime),
               static_cast<i32>(t.cstime)};
        return {};
    }
};
struct KItimerval {
    KTimeval interval, value;
};
template <>
struct Ia32Layout<KItimerval> : Ia32IntervalLayout<KItimerval, KTimeval> {};
struct KItimerspec {
    timespec64 interval, value;
};
template <>
struct Ia32Layout<KItimerspec> : Ia32ItimerspecLayout<KItimerspec, timespec64> {};
struct KRlimit {
    u64 cur, max;
};
template <>
struct Ia32Layout<KRlimit> {
    struct Small {
        u32 cur, max;
    };
    static u64 wide(u32 limit) { return limit == 0xffffffff ? ~0ull : limit; }
    static u32 cut(u64 limit) { return limit > 0xffffffff ? 0xffffffff : static_cast<u32>(limit); }
    static Result<KRlimit> widen(const Small& s) { return KRlimit{wide(s.cur), wide(s.max)}; }
    static Result<void> narrow(const KRlimit& r, Small& out) {
        out = {cut(r.cur), cut(r.max)};
        return {};
    }
};
struct KCapHeader {
    u32 version;
    i32 pid;
};
struct KCapData {
    u32 effective, permitted, inheritable;
};
static_assert(sizeof(KUtsname) == 390);
