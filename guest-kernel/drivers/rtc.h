// The CMOS real-time clock (Motorola MC146818A).
//
// Guarantees: a consistent reading, BCD or binary, 12- or 24-hour.
#pragma once

#include "core/result.h"
#include "core/types.h"

/// A date and time of the Gregorian calendar, in UTC.
struct CivilTime {
    i32 year;
    u32 month, day;  // from 1
    u32 hour, minute, second;
};
CivilTime civil_from_seconds(u64 seconds);
/// EINVAL for what is no date or time between 1970 and 2099.
Result<u64> seconds_from_civil(const CivilTime& t);
/// Sets the clock. EINVAL beyond 2099.
Result<void> rtc_write_seconds(u64 seconds);
/// /dev/rtc0 and /sys/class/rtc.
void init_rtc_device();

/// Seconds since 1970-01-01 00:00 UTC.
u64 rtc_read_seconds();
