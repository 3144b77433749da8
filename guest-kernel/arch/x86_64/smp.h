// Several CPUs: starting them, and what one tells another (Intel SDM vol. 3, 8.4 and 10.6).
//
// Guarantees: after start_other_cpus() the CPUs below online_cpus run, each in its own idle task. `maxcpus=N` and
// `nosmp` on the command line leave some asleep; one that does not answer is named in the log and left alone.
#pragma once

#include "core/types.h"

/// By the CPU that boots, with interrupts on and the scheduler ready.
void start_other_cpus();

/// Let `cpu` look at its run queue, or leave HLT.
void send_reschedule(unsigned cpu);

/// Runs function(argument) on each CPU of `cpus` (a bit each; this one's is left out), in an interrupt, and waits until
/// all have. Interrupts must be on here: the other may be waiting for us. For that reason not under a spin lock that
/// anybody takes with interrupts off.
void call_on(u64 cpus, void (*function)(void*), void* argument);
inline u64 cpu_bit(unsigned cpu) {
    return 1ull << cpu;
}
/// The CPUs that run.
u64 online_mask();

/// The machine is about to end (panic, power off, restart): every other CPU halts for good, wherever it is.
void stop_other_cpus();
/// In an NMI: halts if another CPU has said so.
void smp_stop_if_asked();
