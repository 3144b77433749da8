// The segment registers that are a program's: DS, ES, FS, GS and the three descriptors of the GDT for thread-local
// storage (set_thread_area(2); Linux: arch/x86/kernel/tls.c, process_64.c).
//
// Guarantees: each task has its own registers and descriptors, whatever CPU it runs on; a selector is loaded only after a
// look at its descriptor, so that nothing a program makes of its descriptors faults in the kernel. In a task whose FS
// (GS) is a null selector the base is thread_struct::fsbase (gsbase), else the descriptor's.
#pragma once

#include "arch/x86_64/thread.h"
#include "core/result.h"

struct task_struct;

/// From one task to another, both of which may be kernel threads. On the new task's stack, interrupts off.
void switch_segments(task_struct* prev, task_struct* next);
/// What a new program starts with: `data` in DS and ES, null selectors and bases in FS and GS, no descriptors.
void reset_segments(u16 data);
/// The selectors as they are now, for a signal's frame and for a child.
void save_segments(thread_struct& thread);
/// The descriptors that the current program's selectors name have changed: load them again. Interrupts off.
void refresh_segments();
/// Loads what a handler left in a 32-bit frame; a selector that cannot be loaded becomes null.
void load_segments(u16 ds, u16 es, u16 fs, u16 gs);
/// clone(2) with CLONE_SETTLS in a 32-bit call: `user_desc` is the child's descriptor. EFAULT, EINVAL.
Result<void> set_child_tls(thread_struct& child, u64 user_desc);
