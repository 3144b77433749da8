// How many signals each user has queued, for RLIMIT_SIGPENDING (getrlimit(2)).
#pragma once

#include "core/types.h"

/// One more of `uid`, if they stay within `limit`. False also without memory. From interrupts too.
bool charge_queued_signal(uid_t uid, u64 limit);
void uncharge_queued_signal(uid_t uid);
