// The CMOS real-time clock (Motorola MC146818A).
//
// Guarantees: a consistent reading, BCD or binary, 12- or 24-hour.
#pragma once

#include "core/types.h"

/// Seconds since 1970-01-01 00:00 UTC.
u64 rtc_read_seconds();
