// The kernel's clocks.
//
// Guarantees: monotonic never goes back and starts near zero at boot; real = monotonic + an offset taken from
// the CMOS clock at boot and changed by clock_settime.
#pragma once

#include "abi/call_layout.h"
#include "core/result.h"
#include "core/types.h"

struct timespec64 {
    i64 tv_sec;
    i64 tv_nsec;
};
template <>
struct Ia32Layout<timespec64> : Ia32TimespecLayout<timespec64> {};

/// Nanoseconds since boot (CLOCK_MONOTONIC).
u64 ktime_get_ns();
/// Nanoseconds since 1970-01-01 UTC (CLOCK_REALTIME).
u64 ktime_get_real_ns();
/// Seconds since 1970, for time stamps of files.
inline i64 ktime_get_real_seconds() {
    return static_cast<i64>(ktime_get_real_ns() / kNsPerSec);
}
/// EINVAL: before the machine was started (timekeeping.c, do_settimeofday64).
Result<void> set_real_ns(u64 ns);

constexpr timespec64 ns_to_timespec(u64 ns) {
    return {static_cast<i64>(ns / kNsPerSec), static_cast<i64>(ns % kNsPerSec)};
}
/// Saturates; negative times count as 0.
constexpr u64 timespec_to_ns(const timespec64& t) {
    if (t.tv_sec < 0) return 0;
    if (t.tv_sec > 9'000'000'000) return 9'000'000'000 * kNsPerSec;
    return static_cast<u64>(t.tv_sec) * kNsPerSec + static_cast<u64>(t.tv_nsec);
}
constexpr bool timespec_valid(const timespec64& t) {
    return t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < static_cast<i64>(kNsPerSec);
}
