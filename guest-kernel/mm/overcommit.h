// How much memory programs may be promised (Linux's Documentation/mm/overcommit-accounting.rst).
//
// Guarantees: what private writable areas and shared anonymous memory could come to is counted while they are there.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct mm_struct;

/// vm.overcommit_memory: 0 refuses what is plainly too much, 1 nothing, 2 what goes beyond vm_commit_limit().
enum class Overcommit : u8 { kGuess, kAlways, kNever };
Overcommit overcommit_mode();
void set_overcommit_mode(Overcommit mode);
/// vm.overcommit_ratio: per cent of memory that the limit counts.
u64 overcommit_ratio();
void set_overcommit_ratio(u64 percent);

/// In pages: the limit, and what is promised.
u64 vm_commit_limit();
u64 vm_committed();
/// Promises `pages` to `mm`, which may be null. ENOMEM.
Result<void> vm_commit(const mm_struct* mm, u64 pages);
void vm_uncommit(u64 pages);
