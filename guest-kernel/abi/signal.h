// Signals of the Linux x86-64 ABI: numbers, sets, siginfo, sigaction (asm/signal.h, asm-generic/siginfo.h).
//
// Guarantees: layouts are the ABI's, byte for byte (asserted). Names carry no prefix clash with the host's
// <signal.h>: the kernel's are in enum Sig and K-prefixed structures.
#pragma once

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

struct KSigAltStack {
    u64 sp;
    i32 flags;
    i32 pad;
    u64 size;
};
constexpr int kSsOnstack = 1, kSsDisable = 2;
