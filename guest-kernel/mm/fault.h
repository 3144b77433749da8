// Page faults: demand paging, copy-on-write, stack growth.
//
// Guarantees: a fault that cannot be served becomes SIGSEGV, SIGBUS or the exception-table fixup; running out
// of memory calls the OOM killer.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct mm_struct;
struct pt_regs;
struct vm_area_struct;

void do_user_addr_fault(pt_regs* regs, u64 error_code, u64 address);
/// Make `address` of `vma` accessible. Under mmap_lock. ENOMEM; ENXIO, EIO: SIGBUS.
Result<void> handle_mm_fault(vm_area_struct* vma, u64 address, bool write);
/// Extend a stack area down to `address`. ENOMEM beyond RLIMIT_STACK or into the guard gap.
Result<void> expand_stack(vm_area_struct* vma, u64 address);
/// Kill the process that uses the most memory. False if there is none left to kill.
bool out_of_memory();
