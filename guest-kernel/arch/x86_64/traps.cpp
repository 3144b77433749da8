// Exception handlers (Intel SDM vol. 3, 6.15), signals and codes as Linux gives them.
//
// Guarantees: see traps.h. Handlers run with the interrupt flag of the interrupted code.
#include "arch/x86_64/traps.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/umip.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "core/trace.h"
#include "mm/fault.h"
#include "syscall/syscalls.h"
#include "task/signal.h"
#include "task/task.h"

struct ExceptionTableEntry {
    u64 fault, fixup;
};
extern "C" ExceptionTableEntry __ex_table_start[], __ex_table_end[];

bool fixup_exception(pt_regs* regs) {
    for (const ExceptionTableEntry* e = __ex_table_start; e < __ex_table_end; e++) {
        if (e->fault == regs->rip) {
            regs->rip = e->fixup;
            return true;
        }
    }
    return false;
}

void die(const char* what, const pt_regs* regs, u64 error_code) {
    console_loglevel = 10;
    printk(KERN_EMERG "%s: %04lx\n", what, error_code);
    printk(KERN_EMERG "RIP: %04lx:%016lx RSP: %016lx EFLAGS: %08lx CR2: %016lx\n", regs->cs, regs->rip,
           regs->rsp, regs->eflags, read_cr2());
    printk(KERN_EMERG "RAX: %016lx RBX: %016lx RCX: %016lx RDX: %016lx\n", regs->rax, regs->rbx, regs->rcx,
           regs->rdx);
    printk(KERN_EMERG "RSI: %016lx RDI: %016lx RBP: %016lx R08: %016lx\n", regs->rsi, regs->rdi, regs->rbp,
           regs->r8);
    printk(KERN_EMERG "R09: %016lx R10: %016lx R11: %016lx R12: %016lx\n", regs->r9, regs->r10, regs->r11,
           regs->r12);
    dump_back_trace(regs->rbp);
    panic("%s", what);
}

namespace {

/// A fault that a user program may cause at will; in the kernel only where the exception table expects it.
void fault(pt_regs* regs, u64 number, u64 error_code, const char* name, int sig, int code, u64 address) {
    if (!user_mode(regs)) {
        if (fixup_exception(regs)) return;
        die(name, regs, error_code);
    }
    local_irq_enable();
    note_trap(number, error_code);
    force_sig_fault(sig, code, address);
}

/// x87's and SSE's exceptions: flags that are set and not masked, in the order in which Linux names them.
void float_fault(pt_regs* regs, u64 number, const char* name, u32 flags, u32 masked) {
    const u32 raised = flags & ~masked;
    int code = 0;
    if (raised & 1)
        code = kFpeFltinv;
    else if (raised & 4)
        code = kFpeFltdiv;
    else if (raised & 8)
        code = kFpeFltovf;
    else if (raised & (16 | 2))
        code = kFpeFltund;
    else if (raised & 32)
        code = kFpeFltres;
    else if (user_mode(regs))
        return;  // none of them: try again
    fault(regs, number, 0, name, kSigFpe, code, regs->rip);
}

}  // namespace

void note_trap(u64 number, u64 error_code) {
    current()->thread.trap_nr = number;
    current()->thread.error_code = error_code;
}

extern "C" {

/// The user's frame that IRET refused, with the registers it was about to go on with and the fault's error code.
pt_regs* fixup_bad_iret(const pt_regs* fault) {
    pt_regs* user = current_pt_regs();
    const pt_regs registers = *fault;
    memcpy(user, &registers, offsetof(pt_regs, rip));
    return user;
}

void exc_divide_error(pt_regs* regs, u64 error) {
    fault(regs, 0, error, "divide error", kSigFpe, kFpeIntdiv, regs->rip);
}
void exc_overflow(pt_regs* regs, u64) {
    fault(regs, 4, 0, "overflow", kSigSegv, kSiKernel, 0);
}
void exc_bounds(pt_regs* regs, u64) {
    fault(regs, 5, 0, "bounds", kSigSegv, kSiKernel, 0);
}
void exc_invalid_op(pt_regs* regs, u64) {
    fault(regs, 6, 0, "invalid opcode", kSigIll, kIllIllopn, regs->rip);
}
void exc_device_not_available(pt_regs* regs, u64) {
    fault(regs, 7, 0, "device not available", kSigSegv, kSiKernel, 0);
}
void exc_invalid_tss(pt_regs* regs, u64 error) {
    fault(regs, 10, error, "invalid TSS", kSigSegv, kSiKernel, 0);
}
void exc_segment_not_present(pt_regs* regs, u64 error) {
    fault(regs, 11, error, "segment not present", kSigBus, kSiKernel, 0);
}
void exc_stack_segment(pt_regs* regs, u64 error) {
    fault(regs, 12, error, "stack segment", kSigBus, kSiKernel, 0);
}
void exc_general_protection(pt_regs* regs, u64 error) {
    if (user_mode(regs) && boot_cpu_features.umip && error == 0) {
        local_irq_enable();
        if (fixup_umip_exception(regs)) return;
    }
    fault(regs, 13, error, "general protection fault", kSigSegv, kSiKernel, 0);
}
void exc_alignment_check(pt_regs* regs, u64 error) {
    fault(regs, 17, error, "alignment check", kSigBus, kBusAdraln, 0);
}
void exc_reserved(pt_regs* regs, u64 error) {
    fault(regs, 15, error, "reserved exception", kSigSegv, kSiKernel, 0);
}

void exc_int3(pt_regs* regs, u64) {
    if (!user_mode(regs)) die("int3", regs, 0);
    local_irq_enable();
    note_trap(3, 0);
    KSigInfo info;
    info.signo = kSigTrap;
    info.code = kSiKernel;
    force_sig_info(info);
}

void exc_coprocessor_error(pt_regs* regs, u64) {
    u16 status, control;
    asm volatile("fnstsw %0; fnstcw %1" : "=am"(status), "=m"(control));
    float_fault(regs, 16, "x87 error", status, control);
}
void exc_simd_coprocessor_error(pt_regs* regs, u64) {
    u32 mxcsr;
    asm volatile("stmxcsr %0" : "=m"(mxcsr));
    float_fault(regs, 19, "SIMD error", mxcsr, mxcsr >> 7);
}

void exc_debug(pt_regs* regs, u64) {
    u64 dr6;
    asm volatile("movq %%db6, %0" : "=r"(dr6));
    asm volatile("movq %0, %%db6" ::"r"(0xffff0ff0ull));
    if (!user_mode(regs)) {
        regs->eflags &= ~0x100ull;  // a stray single step into the kernel
        return;
    }
    local_irq_enable();
    note_trap(1, 0);
    // INT1 (also called ICEBP) leaves no bit in DR6; programs have no way to a breakpoint register.
    force_sig_fault(kSigTrap, dr6 & 1u << 14 ? kTrapTrace : kTrapBrkpt, regs->rip);
}

void exc_nmi(pt_regs*, u64) {
    smp_stop_if_asked();
    printk(KERN_WARNING "NMI received for unknown reason\n");
}
void exc_machine_check(pt_regs* regs, u64) {
    die("machine check", regs, 0);
}
void exc_double_fault(pt_regs* regs, u64 error) {
    die("double fault", regs, error);
}

void exc_page_fault(pt_regs* regs, u64 error) {
    const u64 address = read_cr2();
    if (regs->eflags & kFlagsIf) local_irq_enable();
    do_user_addr_fault(regs, error, address);
}

}  // extern "C"
