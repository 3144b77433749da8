// The dispatcher's types and counters.
//
// Guarantees: sys_call_table (arch/x86_64/syscall.cpp) holds null for calls that are not in table.def.
#pragma once

#include "core/types.h"

struct pt_regs;
using SyscallEntry = long (*)(const pt_regs*);
constexpr u64 kSyscallMax = 456;
extern u64 unknown_syscall_count;
