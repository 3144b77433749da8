// The dispatchers' types and counters.
//
// Guarantees: sys_call_table (arch/x86_64/syscall.cpp) holds null for calls that are not in table.def, and
// ia32_sys_call_table (arch/x86_64/ia32_syscall.cpp) for those not in table_ia32.def. Of calls that are not there each is
// named once in the log.
#pragma once

#include "core/types.h"

struct pt_regs;
using SyscallEntry = long (*)(const pt_regs*);
constexpr u64 kSyscallMax = 456, kIa32SyscallMax = 456;
extern u64 unknown_syscall_count;

/// Counts a call that is not there and names it in the log as "unknown KINDsystem call"; ENOSYS.
long unknown_syscall(u64 number, const char* kind, bool named_before);

/// Which calls that are not there have been named.
template <u64 Max>
class UnknownCalls {
  public:
    long answer(u64 number, const char* kind) {
        const u64 slot = number < Max ? number : Max;
        const u64 bit = 1ull << slot % 64;
        return unknown_syscall(number, kind,
                               __atomic_fetch_or(&named_[slot / 64], bit, __ATOMIC_RELAXED) & bit);
    }

  private:
    u64 named_[Max / 64 + 1] = {};
};
