// Limits of the memory calls, and bringing memory in for those that lock or populate it.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct mm_struct;

/// RLIMIT_AS, and RLIMIT_DATA for private writable memory, with `pages` more of an area of these flags. ENOMEM.
Result<void> check_vm_limit(const mm_struct* mm, u64 vm_flags, u64 pages);
/// Does locking `pages` in all stay within RLIMIT_MEMLOCK, or need not?
bool within_lock_limit(u64 pages);
/// The page of `address`, brought in. EFAULT, ENOMEM. Under mmap_lock.
Result<void> touch_page(mm_struct* mm, u64 address, bool write);
/// Brings [start, end) in as mlock(2) does: what is private and writable is made the program's own. ENOMEM where there
/// is no area; EFAULT where one allows no access or has no page to give. Takes mmap_lock.
Result<void> populate(mm_struct* mm, u64 start, u64 end);
/// Set and clear flags of the areas of [start, end), which is page aligned. ENOMEM where there is none. Under MmapGuard.
Result<void> change_vm_flags(mm_struct* mm, u64 start, u64 end, u64 set, u64 clear);
/// mlock(2) and its kin: EPERM without CAP_IPC_LOCK and with a limit of 0.
bool may_lock();
