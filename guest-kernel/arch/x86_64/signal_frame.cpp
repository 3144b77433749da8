// The frame of a signal handler on the user's stack, and rt_sigreturn (Linux: asm/sigcontext.h,
// asm/ucontext.h).
//
// Guarantees: the 128-byte red zone is respected; the floating-point state is saved in XSAVE format where the
// CPU has it, else in FXSAVE format (arch/x86_64/fpu.h), 64-byte aligned. What sigreturn loads is sanitised:
// user flags only, valid MXCSR; where IRET would refuse CS, SS or RIP, the program gets the #GP as SIGSEGV.
#include "arch/x86_64/ia32_signal.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/thread.h"
#include "arch/x86_64/traps.h"
#include "core/string.h"
#include "mm/user_ptr.h"
#include "syscall/syscalls.h"
#include "task/signal.h"

namespace {

struct SigContext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2;
    u64 fpstate;
    u64 reserved[8];
};
static_assert(sizeof(SigContext) == 256);

struct UContext {
    u64 flags, link;
    KSigAltStack stack;
    SigContext mcontext;
    SigSet sigmask;
};
struct RtSigFrame {
    u64 pretcode;
    UContext uc;
    KSigInfo info;
};

constexpr u64 kUcSigcontextSs = 2, kUcStrictRestoreSs = 4;
constexpr u64 kUserFlags = 0x250dd5;  // AC CF PF AF ZF SF TF DF OF RF ID, what a handler may change

/// The code and stack segment of a frame, 64-bit or compatibility mode's.
void load_segments(pt_regs* regs, const UContext& uc) {
    regs->cs = uc.mcontext.cs | 3;
    regs->ss = uc.mcontext.ss | 3;
    if (!(uc.flags & kUcStrictRestoreSs) && regs->cs == USER_CS) regs->ss = USER_DS;
    const bool good_cs = regs->cs == USER_CS || regs->cs == USER32_CS;
    const bool canonical = static_cast<u64>(static_cast<i64>(regs->rip << 16) >> 16) == regs->rip;
    if (good_cs && canonical && regs->ss == USER_DS) return;
    // These registers are shown in the signal's frame, and never loaded: the signal is delivered before.
    note_trap(13, !good_cs ? regs->cs & 0xfffc : !canonical ? 0 : regs->ss & 0xfffc);
    force_sig(kSigSegv);
}

}  // namespace

Result<void> setup_rt_frame(const KSigInfo& info, const KSigAction& action, SigSet saved_mask,
                            pt_regs* regs) {
    if (action.flags & kSaIa32Abi) return setup_ia32_frame(info, action, saved_mask, regs);
    task_struct* task = current();
    if (!(action.flags & kSaRestorer)) return Errno::EFAULT;
    u64 sp = regs->rsp - 128;
    if (action.flags & kSaOnstack && !(task->sas.flags & kSsDisable) && !on_sig_stack(regs->rsp)) {
        sp = task->sas.sp + task->sas.size;
    }
    const bool nested = on_sig_stack(regs->rsp);
    sp = align_down(sp - fpu_frame_size(), 64);
    const u64 fpstate = sp;
    sp = align_down(sp - sizeof(RtSigFrame), 16) - 8;
    if (nested && !on_sig_stack(sp)) return Errno::EFAULT;  // the alternate stack is full

    TRY(fpu_to_frame(task->thread.fpu, fpstate));

    RtSigFrame frame;
    memset(static_cast<void*>(&frame), 0, sizeof(frame));
    frame.pretcode = action.restorer;
    frame.uc.flags = kUcSigcontextSs | kUcStrictRestoreSs | fpu_frame_flags();
    frame.uc.stack = task->sas;
    if (nested && !(frame.uc.stack.flags & kSsDisable)) frame.uc.stack.flags |= kSsOnstack;
    SigContext& c = frame.uc.mcontext;
    c = {regs->r8,
         regs->r9,
         regs->r10,
         regs->r11,
         regs->r12,
         regs->r13,
         regs->r14,
         regs->r15,
         regs->rdi,
         regs->rsi,
         regs->rbp,
         regs->rbx,
         regs->rdx,
         regs->rax,
         regs->rcx,
         regs->rsp,
         regs->rip,
         regs->eflags,
         static_cast<u16>(regs->cs),
         0,
         0,
         static_cast<u16>(regs->ss),
         task->thread.error_code,
         task->thread.trap_nr,
         saved_mask,
         task->thread.cr2,
         fpstate,
         {}};
    frame.uc.sigmask = saved_mask;
    frame.info = info;
    if (copy_to_user(sp, &frame, sizeof(frame))) return Errno::EFAULT;

    regs->rdi = static_cast<u64>(info.signo);
    regs->rsi = sp + offsetof(RtSigFrame, info);
    regs->rdx = sp + offsetof(RtSigFrame, uc);
    regs->rax = 0;
    regs->rip = action.handler;
    regs->rsp = sp;
    regs->cs = USER_CS;
    regs->ss = USER_DS;
    regs->eflags &= ~0x10500ull;  // RF, DF, TF
    // The handler starts with a clean floating-point unit, as Linux gives it.
    fpu_reset();
    return {};
}

SysResult sys_rt_sigreturn() {
    task_struct* task = current();
    pt_regs* regs = current_pt_regs();
    RtSigFrame frame;
    auto fail = [] {
        force_sig(kSigSegv);
        return 0l;
    };
    if (copy_from_user(&frame, regs->rsp - 8, sizeof(frame))) return fail();
    const SigContext& c = frame.uc.mcontext;
    if (!fpu_from_frame(c.fpstate).ok()) return fail();

    set_current_blocked(frame.uc.sigmask);
    regs->r8 = c.r8;
    regs->r9 = c.r9;
    regs->r10 = c.r10;
    regs->r11 = c.r11;
    regs->r12 = c.r12;
    regs->r13 = c.r13;
    regs->r14 = c.r14;
    regs->r15 = c.r15;
    regs->rdi = c.rdi;
    regs->rsi = c.rsi;
    regs->rbp = c.rbp;
    regs->rbx = c.rbx;
    regs->rdx = c.rdx;
    regs->rcx = c.rcx;
    regs->rsp = c.rsp;
    regs->rip = c.rip;
    regs->eflags = (regs->eflags & ~kUserFlags) | (c.eflags & kUserFlags);
    regs->orig_rax = ~0ull;  // no restart of anything
    load_segments(regs, frame.uc);
    frame.uc.stack.flags &= ~kSsOnstack;
    if (!on_sig_stack(regs->rsp)) task->sas = frame.uc.stack;
    return static_cast<long>(c.rax);
}
