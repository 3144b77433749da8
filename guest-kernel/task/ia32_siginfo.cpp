// siginfo_t of 32-bit programs (Linux: kernel/signal.c, copy_siginfo_to_external32 and post_copy_siginfo_from_user32).
#include "abi/signal.h"
#include "core/string.h"

Result<void> Ia32Layout<KSigInfo>::narrow(const KSigInfo& info, Small& out) {
    out.signo = info.signo;
    out.err = info.err;
    out.code = info.code;
    switch (siginfo_layout(info.signo, info.code)) {
        case SigInfoLayout::kKill:
            out.kill = {info.kill.pid, info.kill.uid, static_cast<u32>(info.kill.value)};
            break;
        case SigInfoLayout::kTimer:
            out.timer = {info.timer.timer_id, info.timer.overrun, static_cast<u32>(info.timer.value)};
            break;
        case SigInfoLayout::kChild:
            out.chld = {info.chld.pid, info.chld.uid, info.chld.status, static_cast<i32>(info.chld.utime),
                        static_cast<i32>(info.chld.stime)};
            break;
        case SigInfoLayout::kFault:
            out.fault = {static_cast<u32>(info.fault.addr)};
            break;
        case SigInfoLayout::kPoll:
            out.poll = {static_cast<i32>(info.poll.band), info.poll.fd};
            break;
        case SigInfoLayout::kSys:
            out.sys = {static_cast<u32>(info.sys.call_addr), info.sys.syscall, info.sys.arch};
            break;
    }
    return {};
}

Result<KSigInfo> Ia32Layout<KSigInfo>::widen(const Small& s) {
    KSigInfo info;
    info.signo = s.signo;
    info.err = s.err;
    info.code = s.code;
    switch (siginfo_layout(s.signo, s.code)) {
        case SigInfoLayout::kKill:
            info.kill = {s.kill.pid, s.kill.uid, s.kill.value};
            break;
        case SigInfoLayout::kTimer:
            info.timer = {s.timer.timer_id, s.timer.overrun, s.timer.value};
            break;
        case SigInfoLayout::kChild:
            info.chld = {s.chld.pid, s.chld.uid, s.chld.status, 0, s.chld.utime, s.chld.stime};
            break;
        case SigInfoLayout::kFault:
            info.fault = {s.fault.addr};
            break;
        case SigInfoLayout::kPoll:
            info.poll = {s.poll.band, s.poll.fd};
            break;
        case SigInfoLayout::kSys:
            info.sys = {s.sys.call_addr, s.sys.syscall, s.sys.arch};
            break;
    }
    return info;
}
