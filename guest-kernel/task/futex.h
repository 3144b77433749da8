// Futexes (futex(2)): sleeping on a word of user memory.
//
// Guarantees: see futex.cpp.
#pragma once

#include "core/types.h"

/// Wake up to `count` sleepers on the current process's word at `address` (shared or private). Errors are
/// ignored.
void futex_wake_address(u64 address, u32 count);
/// Walk the current task's robust list at exit and mark its locks as abandoned.
void exit_robust_list();
