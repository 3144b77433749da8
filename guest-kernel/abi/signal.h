// Signals of the Linux x86-64 ABI: numbers, sets, siginfo, sigaction (asm/signal.h, asm-generic/siginfo.h).
//
// Guarantees: layouts are the ABI's, byte for byte (asserted). Names carry no prefix clash with the host's
// <signal.h>: the kernel's are in enum Sig and K-prefixed structures.
#pragma once

#include "abi/call_layout.h"
#include "core/types.h"

enum Sig : int {
    kSigHup = 1,
    kSigInt,
    kSigQuit,
    kSigIll,
    kSigTrap,
    kSigAbrt,
    kSigBus,
    kSigFpe,
    kSigKill,
    kSigUsr1,
    kSigSegv,
    kSigUsr2,
    kSigPipe,
    kSigAlrm,
    kSigTerm,
    kSigStkflt,
    kSigChld,
    kSigCont,
    kSigStop,
    kSigTstp,
    kSigTtin,
    kSigTtou,
    kSigUrg,
    kSigXcpu,
    kSigXfsz,
    kSigVtalrm,
    kSigProf,
    kSigWinch,
    kSigIo,
    kSigPwr,
    kSigSys,
    kSigRtMin = 32,
    kSigMax = 64,
};

using SigSet = u64;  // bit n-1: signal n
constexpr SigSet sig_mask(int sig) {
    return 1ull << (sig - 1);
}

constexpr u64 kSigDfl = 0, kSigIgn = 1;
constexpr int kSigBlock = 0, kSigUnblock = 1, kSigSetmask = 2;

enum SaFlags : u64 {
    kSaNocldstop = 1,
    kSaNocldwait = 2,
    kSaSiginfo = 4,
    kSaIa32Abi = 0x02000000,  // kept by the kernel: sigaction came by the 32-bit call, so the frame is its
    kSaRestorer = 0x04000000,
    kSaOnstack = 0x08000000,
    kSaRestart = 0x10000000,
    kSaNodefer = 0x40000000,
    kSaResethand = 0x80000000,
};

struct KSigAction {
    u64 handler;
    u64 flags;
    u64 restorer;
    SigSet mask;
};
template <>
struct Ia32Layout<KSigAction> {
    struct [[gnu::packed]] Small {
        u32 handler, flags, restorer;
        SigSet mask;
    };
    static Result<KSigAction> widen(const Small& s) {
        return KSigAction{s.handler, s.flags, s.restorer, s.mask};
    }
    static Result<void> narrow(const KSigAction& a, Small& out) {
        out = {static_cast<u32>(a.handler), static_cast<u32>(a.flags), static_cast<u32>(a.restorer), a.mask};
        return {};
    }
};

// si_code values
constexpr int kSiUser = 0, kSiKernel = 0x80, kSiQueue = -1, kSiTimer = -2, kSiMesgq = -3, kSiTkill = -6;
constexpr int kCldExited = 1, kCldKilled = 2, kCldDumped = 3, kCldTrapped = 4, kCldStopped = 5,
              kCldContinued = 6;
constexpr int kSegvMaperr = 1, kSegvAccerr = 2, kBusAdraln = 1, kBusAdrerr = 2;
constexpr int kFpeIntdiv = 1, kFpeIntovf = 2, kFpeFltdiv = 3, kFpeFltovf = 4, kFpeFltund = 5, kFpeFltres = 6,
              kFpeFltinv = 7;
constexpr int kIllIllopn = 2, kIllPrvopc = 5, kTrapBrkpt = 1, kTrapTrace = 2;

struct KSigInfo {
    i32 signo = 0;
    i32 err = 0;
    i32 code = 0;
    i32 pad0 = 0;
    union {
        u8 bytes[112];
        struct {
            i32 pid;
            u32 uid;
            u64 value;
        } kill;  // also rt (value = sigval)
        struct {
            i32 timer_id;
            i32 overrun;
            u64 value;
        } timer;
        struct {
            i32 pid;
            u32 uid;
            i32 status;
            i32 pad;
            i64 utime;
            i64 stime;
        } chld;
        struct {
            u64 addr;
        } fault;
        struct {
            i64 band;
            i32 fd;
        } poll;
        struct {
            u64 call_addr;
            i32 syscall;
            u32 arch;
        } sys;
    };
    KSigInfo() : bytes{} {}
};
static_assert(sizeof(KSigInfo) == 128);

/// The member of KSigInfo's union that a signal has (Linux: siginfo_layout()).
enum class SigInfoLayout : u8 { kKill, kTimer, kChild, kFault, kPoll, kSys };
constexpr SigInfoLayout siginfo_layout(i32 signo, i32 code) {
    if (code > kSiUser && code < kSiKernel) {
        switch (signo) {
            case kSigIll:
            case kSigFpe:
            case kSigSegv:
            case kSigBus:
            case kSigTrap:
                return SigInfoLayout::kFault;
            case kSigChld:
                return SigInfoLayout::kChild;
            case kSigIo:
                return SigInfoLayout::kPoll;
            case kSigSys:
                return SigInfoLayout::kSys;
            default:
                return SigInfoLayout::kKill;
        }
    }
    return code == kSiTimer ? SigInfoLayout::kTimer : SigInfoLayout::kKill;
}
template <>
struct Ia32Layout<KSigInfo> {
    struct Small {
        i32 signo, err, code;
        union {
            u32 words[29];
            struct {
                i32 pid;
                u32 uid, value;
            } kill;
            struct {
                i32 timer_id, overrun;
                u32 value;
            } timer;
            struct {
                i32 pid;
                u32 uid;
                i32 status, utime, stime;
            } chld;
            struct {
                u32 addr;
            } fault;
            struct {
                i32 band, fd;
            } poll;
            struct {
                u32 call_addr;
                i32 syscall;
                u32 arch;
            } sys;
        };
    };
    static_assert(sizeof(Small) == 128);
    static Result<KSigInfo> widen(const Small& s);
    static Result<void> narrow(const KSigInfo& info, Small& out);
    using Large = Small;
};

struct KSigAltStack {
    u64 sp;
    i32 flags;
    i32 pad;
    u64 size;
};
constexpr int kSsOnstack = 1, kSsDisable = 2;
template <>
struct Ia32Layout<KSigAltStack> {
    struct Small {
        u32 sp;
        i32 flags;
        u32 size;
    };
    static Result<KSigAltStack> widen(const Small& s) { return KSigAltStack{s.sp, s.flags, 0, s.size}; }
    static Result<void> narrow(const KSigAltStack& a, Small& out) {
        out = {static_cast<u32>(a.sp), a.flags, static_cast<u32>(a.size)};
        return {};
    }
};
