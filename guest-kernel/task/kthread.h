// Threads of the kernel's own. kthreadd (PID 2) makes them all, so that they have nothing of whoever asks.
#pragma once

#include "core/result.h"
#include "core/types.h"

/// Makes kthreadd; once, after init has its number.
void start_kthreadd();
/// A new thread that runs `function`, which never returns. Sleeps until it is made. ENOMEM, EAGAIN.
Result<void> kthread_run(void (*function)(void*), void* argument, const char* name);
