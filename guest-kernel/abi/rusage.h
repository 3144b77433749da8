// struct rusage of getrusage(2) and wait4(2), and filling it.
//
// Guarantees: the ABI's layout; times from the scheduler's exact sums.
#pragma once

#include "abi/call_layout.h"
#include "core/types.h"

struct task_struct;

struct KTimeval {
    i64 sec, usec;
};
template <>
struct Ia32Layout<KTimeval> : Ia32PairLayout<KTimeval> {};
struct KRusage {
    KTimeval utime, stime;
    i64 maxrss;  // KiB
    i64 ixrss, idrss, isrss;
    i64 minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals;
    i64 nvcsw, nivcsw;
};
static_assert(sizeof(KRusage) == 144);
template <>
struct Ia32Layout<KRusage> {
    struct Small {
        Ia32Pair utime, stime;
        i32 counts[14];
    };
    static Result<void> narrow(const KRusage& r, Small& out) {
        TRY(Ia32Layout<KTimeval>::narrow(r.utime, out.utime));
        TRY(Ia32Layout<KTimeval>::narrow(r.stime, out.stime));
        const i64* count = &r.maxrss;
        for (i32& c : out.counts) c = static_cast<i32>(*count++);
        return {};
    }
    using Large = Small;
};

constexpr int kRusageSelf = 0, kRusageChildren = -1, kRusageBoth = -2, kRusageThread = 1;
void fill_rusage(task_struct* task, int who, KRusage* usage);
/// The same for "self", with the task table locked.
void fill_rusage_locked(task_struct* task, KRusage* usage);
inline KTimeval ns_to_timeval(u64 ns) {
    return {static_cast<i64>(ns / 1'000'000'000), static_cast<i64>(ns % 1'000'000'000 / 1000)};
}
