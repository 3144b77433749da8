// membarrier(2): memory barriers on all processors that run a thread of the caller.
//
// Guarantees: with one processor every command that only orders memory is done when the call returns:
// entering the kernel is a barrier for the caller, and a context switch is one for everybody else. Commands
// of which Linux's MEMBARRIER_CMD_QUERY would not tell here are EINVAL.
#include "syscall/syscalls.h"

namespace {

constexpr int kQuery = 0;
constexpr int kGlobal = 1 << 0;

}  // namespace

SysResult sys_membarrier(int command, u32 flags, int /*cpu*/) {
    if (flags != 0) return Errno::EINVAL;
    switch (command) {
        case kQuery:
            return kGlobal;
        case kGlobal:
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            return 0;
        default:
            return Errno::EINVAL;
    }
}
