// Between user mode and the kernel: what comes before each system call and before each return (task/entry.h).
//
// Guarantees: as in the header. After Linux's kernel/entry/common.c.
#include "task/entry.h"

#include "arch/x86_64/cpu.h"
#include "sched/sched.h"
#include "task/exit.h"
#include "task/rseq.h"
#include "task/signal.h"

namespace {

/// SECCOMP_MODE_STRICT's four calls, by their numbers in the ABI of the call.
bool allowed_in_strict_mode(i64 number) {
    if (in_ia32_call()) {
        constexpr i64 kIa32Exit = 1, kIa32Read = 3, kIa32Write = 4, kIa32Sigreturn = 119;
        return number == kIa32Read || number == kIa32Write || number == kIa32Sigreturn || number == kIa32Exit;
    }
    constexpr i64 kRead = 0, kWrite = 1, kSigreturn = 15, kExit = 60;
    return number == kRead || number == kWrite || number == kSigreturn || number == kExit;
}

/// Entry work: ptrace's stops, filters, audit and tracepoints come here.
void syscall_entry_work(i64 number, u32 work) {
    if (work & kWorkSeccompStrict && !allowed_in_strict_mode(number)) do_exit(kSigKill);
}

/// One round of exit work, with interrupts on; there may be more afterwards.
void exit_work(pt_regs* regs, u32 work) {
    if (work & kWorkResched)
        schedule();
    else if (work & (kWorkSignal | kWorkRestoreSigmask))
        do_signal(regs);
    else
        rseq_handle(regs);
}

/// IRET to a non-canonical address would fault in the kernel.
bool can_return_to(const pt_regs* regs) {
    return static_cast<u64>(static_cast<i64>(regs->rip << 16) >> 16) == regs->rip;
}

}  // namespace

void syscall_enter_from_user_mode(i64 number) {
    local_irq_enable();
    task_struct* task = current();
    task->syscall_count++;
    const u32 work = task->work.all() & kSyscallEntryWork;
    if (work) [[unlikely]]
        syscall_entry_work(number, work);
}

extern "C" void exit_to_user_mode(pt_regs* regs) {
    const task_struct* task = current();
    for (;;) {
        local_irq_disable();
        if (const u32 work = task->work.all() & kExitWork) {
            local_irq_enable();
            exit_work(regs, work);
        } else if (!can_return_to(regs)) [[unlikely]] {
            regs->rip = 0;
            force_sig_fault(kSigSegv, kSiKernel, 0);
        } else {
            return;
        }
    }
}
