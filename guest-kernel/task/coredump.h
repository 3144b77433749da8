// Core dumps: the memory and registers of a process that a signal ended, as an ELF file (core(5)).
#pragma once

#include "abi/signal.h"
#include "core/result.h"

struct task_struct;

/// Is a core dump the default action of `sig`?
bool dumps_core(int sig);
/// Writes the core of the calling task's process, which is ending of `info`; the other threads are stopped on their
/// way out first. True if a whole one was written.
bool do_coredump(const KSigInfo& info);
/// A thread on its way out waits here while another dumps the process.
void coredump_task_exit();

/// /proc/sys/kernel/core_pattern and core_uses_pid.
Result<void> set_core_pattern(const char* text, size_t size);
class KString;
Result<void> show_core_pattern(KString& out);
extern u32 core_uses_pid;
