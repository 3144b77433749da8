#include "arch/x86_64/ia32_signal.h"

#include "arch/x86_64/segments.h"
#include "arch/x86_64/thread.h"
#include "arch/x86_64/tls.h"
#include "core/string.h"
#include "mm/user_ptr.h"
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/signal.h"

namespace {

struct Context {  // struct sigcontext_32
    u16 gs, gs_high, fs, fs_high, es, es_high, ds, ds_high;
    u32 di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
    u16 cs, cs_high;
    u32 flags, sp_at_signal;
    u16 ss, ss_high;
    u32 fpstate, oldmask, cr2;
};
static_assert(sizeof(Context) == 88);

struct UserContext {  // struct ucontext_ia32
    u32 flags, link;
    Ia32Layout<KSigAltStack>::Small stack;
    Context mcontext;
    u32 sigmask[2];
};
static_assert(sizeof(UserContext) == 116);
struct Frame {  // struct sigframe_ia32
    u32 pretcode;
    i32 sig;
    Context context;
    u8 unused_fpstate[624];
    u32 extramask;
    u8 retcode[8];
};
struct RtFrame {  // struct rt_sigframe_ia32
    u32 pretcode;
    i32 sig;
    u32 pinfo, puc;
    Ia32Layout<KSigInfo>::Small info;
    UserContext uc;
    u8 retcode[8];
};

// What a frame without a restorer returns through: pop %eax; mov $119, %eax; int $0x80 — and mov $173, %eax; int $0x80.
constexpr u8 kSigreturnCode[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
constexpr u8 kRtSigreturnCode[8] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0};
constexpr u64 kUserFlags = 0x250dd5;  // AC CF PF AF ZF SF TF DF OF RF ID, what a handler may change

Context context_of(const pt_regs* regs, SigSet saved_mask, u64 fpstate) {
    thread_struct& thread = current()->thread;
    save_segments(thread);
    Context c{};
    c.gs = thread.gs;
    c.fs = thread.fs;
    c.es = thread.es;
    c.ds = thread.ds;
    c.di = static_cast<u32>(regs->rdi);
    c.si = static_cast<u32>(regs->rsi);
    c.bp = static_cast<u32>(regs->rbp);
    c.sp = c.sp_at_signal = static_cast<u32>(regs->rsp);
    c.bx = static_cast<u32>(regs->rbx);
    c.dx = static_cast<u32>(regs->rdx);
    c.cx = static_cast<u32>(regs->rcx);
    c.ax = static_cast<u32>(regs->rax);
    c.trapno = static_cast<u32>(thread.trap_nr);
    c.err = static_cast<u32>(thread.error_code);
    c.ip = static_cast<u32>(regs->rip);
    c.cs = static_cast<u16>(regs->cs);
    c.flags = static_cast<u32>(regs->eflags);
    c.ss = static_cast<u16>(regs->ss);
    c.fpstate = static_cast<u32>(fpstate);
    c.oldmask = static_cast<u32>(saved_mask);
    c.cr2 = static_cast<u32>(thread.cr2);
    return c;
}

Result<void> restore(const Context& c, pt_regs* regs) {
    TRY(fpu_from_ia32_frame(c.fpstate));
    load_segments(c.ds, c.es, c.fs, c.gs);
    regs->rdi = c.di;
    regs->rsi = c.si;
    regs->rbp = c.bp;
    regs->rsp = c.sp;
    regs->rbx = c.bx;
    regs->rdx = c.dx;
    regs->rcx = c.cx;
    regs->rip = c.ip;
    regs->cs = c.cs | 3;  // what they name is IRET's to judge
    regs->ss = c.ss | 3;
    regs->eflags = (regs->eflags & ~kUserFlags) | (c.flags & kUserFlags);
    regs->orig_rax = ~0ull;  // no restart of anything
    return {};
}

/// Room for the registers of x87 and SSE, then for a frame of `size` bytes. EFAULT: the alternate stack is full.
Result<u64> place_frame(const KSigAction& action, const pt_regs* regs, u64 size, u64& fpstate) {
    const task_struct* task = current();
    const bool nested = on_sig_stack(regs->rsp);
    u64 sp = regs->rsp;
    if (action.flags & kSaOnstack && !(task->sas.flags & kSsDisable) && !nested)
        sp = task->sas.sp + task->sas.size;
    fpstate = ia32_fpu_frame_below(sp);
    sp = align_down(fpstate - size + 4, 16) - 4;
    if (nested && !on_sig_stack(sp)) return Errno::EFAULT;
    return sp;
}

void enter_handler(const KSigAction& action, u64 sp, pt_regs* regs) {
    const thread_struct& thread = current()->thread;
    load_segments(USER_DS, USER_DS, thread.fs, thread.gs);
    regs->rip = action.handler;
    regs->rsp = sp;
    regs->cs = USER32_CS;
    regs->ss = USER_DS;
    regs->eflags &= ~0x10500ull;  // RF, DF, TF
    fpu_reset();
}

Result<void> setup_frame(const KSigInfo& info, const KSigAction& action, SigSet saved_mask, pt_regs* regs) {
    u64 fpstate;
    const u64 sp = TRY(place_frame(action, regs, sizeof(Frame), fpstate));
    TRY(fpu_to_ia32_frame(current()->thread.fpu, fpstate, regs->cs));
    Frame frame;
    memset(&frame, 0, sizeof(frame));
    frame.sig = info.signo;
    frame.context = context_of(regs, saved_mask, fpstate);
    frame.extramask = static_cast<u32>(saved_mask >> 32);
    memcpy(frame.retcode, kSigreturnCode, sizeof(frame.retcode));
    frame.pretcode =
        static_cast<u32>(action.flags & kSaRestorer ? action.restorer : sp + offsetof(Frame, retcode));
    if (copy_to_user(sp, &frame, sizeof(frame))) return Errno::EFAULT;
    regs->rax = static_cast<u64>(info.signo);
    regs->rdx = regs->rcx = 0;
    enter_handler(action, sp, regs);
    return {};
}

Result<void> setup_rt(const KSigInfo& info, const KSigAction& action, SigSet saved_mask, pt_regs* regs) {
    const task_struct* task = current();
    u64 fpstate;
    const u64 sp = TRY(place_frame(action, regs, sizeof(RtFrame), fpstate));
    TRY(fpu_to_ia32_frame(current()->thread.fpu, fpstate, regs->cs));
    RtFrame frame;
    memset(&frame, 0, sizeof(frame));
    frame.sig = info.signo;
    frame.pinfo = static_cast<u32>(sp + offsetof(RtFrame, info));
    frame.puc = static_cast<u32>(sp + offsetof(RtFrame, uc));
    TRY(Ia32Layout<KSigInfo>::narrow(info, frame.info));
    frame.uc.flags = static_cast<u32>(fpu_frame_flags());
    TRY(Ia32Layout<KSigAltStack>::narrow(task->sas, frame.uc.stack));
    if (on_sig_stack(regs->rsp)) frame.uc.stack.flags |= kSsOnstack;
    frame.uc.mcontext = context_of(regs, saved_mask, fpstate);
    memcpy(frame.uc.sigmask, &saved_mask, sizeof(saved_mask));
    memcpy(frame.retcode, kRtSigreturnCode, sizeof(frame.retcode));
    frame.pretcode =
        static_cast<u32>(action.flags & kSaRestorer ? action.restorer : sp + offsetof(RtFrame, retcode));
    if (copy_to_user(sp, &frame, sizeof(frame))) return Errno::EFAULT;
    regs->rax = static_cast<u64>(info.signo);
    regs->rdx = frame.pinfo;
    regs->rcx = frame.puc;
    enter_handler(action, sp, regs);
    return {};
}

SysResult bad_frame() {
    force_sig(kSigSegv);
    return 0l;
}

}  // namespace

Result<void> setup_ia32_frame(const KSigInfo& info, const KSigAction& action, SigSet saved_mask,
                              pt_regs* regs) {
    return action.flags & kSaSiginfo ? setup_rt(info, action, saved_mask, regs)
                                     : setup_frame(info, action, saved_mask, regs);
}

u64 ia32_frame_size() {
    return align_up(sizeof(RtFrame) + ia32_fpu_frame_size() + 64 + 16, 16);
}

SysResult ia32_sigreturn() {
    pt_regs* regs = current_pt_regs();
    Frame frame;
    if (copy_from_user(&frame, static_cast<u32>(regs->rsp - 8), sizeof(frame))) return bad_frame();
    set_current_blocked(u64{frame.extramask} << 32 | frame.context.oldmask);
    if (!restore(frame.context, regs).ok()) return bad_frame();
    return static_cast<long>(frame.context.ax);
}

SysResult ia32_rt_sigreturn() {
    pt_regs* regs = current_pt_regs();
    RtFrame frame;
    if (copy_from_user(&frame, static_cast<u32>(regs->rsp - 4), sizeof(frame))) return bad_frame();
    set_current_blocked(u64{frame.uc.sigmask[1]} << 32 | frame.uc.sigmask[0]);
    if (!restore(frame.uc.mcontext, regs).ok()) return bad_frame();
    Result<KSigAltStack> stack = Ia32Layout<KSigAltStack>::widen(frame.uc.stack);
    if (stack.ok() && !on_sig_stack(regs->rsp)) {
        current()->sas = stack.value();
        current()->sas.flags &= ~kSsOnstack;
    }
    return static_cast<long>(frame.uc.mcontext.ax);
}
