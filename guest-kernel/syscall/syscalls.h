// Declarations of the system call handlers that are not about files; fs_syscalls.h has the others.
//
// Guarantees: each takes its arguments with the ABI's widths (the dispatcher narrows the registers) and returns
// the value for RAX or an Errno.
#pragma once

#include "core/result.h"
#include "core/types.h"
#include "mm/user_ptr.h"

struct pt_regs;
/// The saved user registers of the running system call.
pt_regs* current_pt_regs();
