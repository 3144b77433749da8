// membarrier(2): memory barriers on all processors that run a thread of the caller.
//
// Guarantees: an interrupt is a barrier for whoever it interrupts, and its return serializes; a context switch is one
// for everybody else. So when the call returns, each thread concerned has passed one. A process says beforehand which
// of the private commands it will give (EPERM else), as on Linux; it costs nothing here.
#include "arch/x86_64/smp.h"
#include "mm/mm_struct.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

enum Command : int {
    kQuery = 0,
    kGlobal = 1 << 0,
    kGlobalExpedited = 1 << 1,
    kRegisterGlobalExpedited = 1 << 2,
    kPrivateExpedited = 1 << 3,
    kRegisterPrivateExpedited = 1 << 4,
    kPrivateExpeditedSyncCore = 1 << 5,
    kRegisterPrivateExpeditedSyncCore = 1 << 6,
    kPrivateExpeditedRseq = 1 << 7,
    kRegisterPrivateExpeditedRseq = 1 << 8,
};
constexpr int kAll = (kRegisterPrivateExpeditedRseq << 1) - 1;
constexpr u32 kFlagCpu = 1;

void barrier(void*) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/// Whoever is in a restartable sequence of `mm` here begins it anew.
void restart_sequence(void* mm) {
    if (current()->mm == mm && current()->rseq) current()->work.set(kWorkRseq);
}

/// On the CPUs that run in the caller's address space, of those in `cpus`.
void private_barrier(mm_struct* mm, u64 cpus, void (*function)(void*)) {
    barrier(nullptr);
    call_on(cpus & __atomic_load_n(&mm->tlb.loaded_on, __ATOMIC_SEQ_CST), function, mm);
    barrier(nullptr);
}

}  // namespace

SysResult sys_membarrier(int command, u32 flags, int cpu) {
    if (flags & ~(command == kPrivateExpeditedRseq ? kFlagCpu : 0)) return Errno::EINVAL;
    mm_struct* mm = current()->mm;
    switch (command) {
        case kQuery:
            return kAll;
        case kGlobal:
        case kGlobalExpedited:
            barrier(nullptr);
            call_on(online_mask(), barrier, nullptr);
            return 0;
        case kRegisterGlobalExpedited:
        case kRegisterPrivateExpedited:
        case kRegisterPrivateExpeditedSyncCore:
        case kRegisterPrivateExpeditedRseq:
            __atomic_or_fetch(&mm->membarrier_registered, static_cast<u32>(command), __ATOMIC_SEQ_CST);
            return 0;
        case kPrivateExpedited:
        case kPrivateExpeditedSyncCore:
        case kPrivateExpeditedRseq: {
            const u32 registration = static_cast<u32>(command) << 1;
            if (!(__atomic_load_n(&mm->membarrier_registered, __ATOMIC_SEQ_CST) & registration))
                return Errno::EPERM;
            const u64 cpus = !(flags & kFlagCpu)    ? ~0ull
                             : cpu >= 0 && cpu < 64 ? cpu_bit(static_cast<unsigned>(cpu))
                                                    : 0;
            private_barrier(mm, cpus, command == kPrivateExpeditedRseq ? restart_sequence : barrier);
            return 0;
        }
        default:
            return Errno::EINVAL;
    }
}
