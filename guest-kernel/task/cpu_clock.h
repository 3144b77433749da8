// Processor time as a clock (clock_getcpuclockid(3)): of a process or of one thread, and waiting for it.
//
// Guarantees: a wait ends at the first tick at which the clock has come to its time, never before. Its function runs in
// interrupt context, as a Timer's does.
#pragma once

#include "abi/system.h"
#include "core/list.h"
#include "core/result.h"

struct CpuClock {
    pid_t pid = 0;  ///< of the process or thread
    bool thread = false;
};

struct CpuWait {
    ListNode node;
    CpuClock clock;
    u64 expires = 0;  ///< ns of the clock
    void (*function)(CpuWait*) = nullptr;
    void* data = nullptr;
};

/// Is it CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, or one with a pid in it?
bool is_cpu_clock(i32 clock);
/// Whose time `clock` tells, for the calling task. EINVAL when there is no such process.
Result<CpuClock> cpu_clock_of(i32 clock);
/// The time used, in ns. EINVAL when the process or thread is gone.
Result<u64> cpu_clock_now(const CpuClock& clock);

/// Arm (or re-arm) `wait` for `expires` of its clock.
void cpu_wait_start(CpuWait* wait, u64 expires);
/// True if it was armed.
bool cpu_wait_stop(CpuWait* wait);
/// The same, and waits until its function runs on no other CPU: then it may go. For that no lock may be held that the
/// function takes.
bool cpu_wait_cancel(CpuWait* wait);
/// From the tick: ends the waits whose time has come, and those whose clock is gone.
void check_cpu_waits();
