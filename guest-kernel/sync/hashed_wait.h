// Wait queues for things too many or too short-lived to have one each: pages, buffers, bios.
//
// Guarantees: an address always has the same queue, which never goes away: whoever wakes may do so after the
// thing itself is gone. Others share it, so sleepers look at their condition again.
#pragma once

#include "sync/wait_queue.h"

WaitQueue& hashed_wait_queue(const void* thing);
