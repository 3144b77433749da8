// What the threads of one process share: signal state, job control, limits, timers, exit (Linux's
// signal_struct and sighand_struct).
//
// Guarantees: alive while any thread or an unreaped zombie refers to it. `lock` guards the fields named below
// it.
#pragma once

#include "abi/signal.h"
#include "core/list.h"
#include "core/refcount.h"
#include "sync/spinlock.h"
#include "sync/wait_queue.h"
#include "task/pid_numbers.h"

struct task_struct;
struct tty_struct;

struct PosixTimer;

struct SigQueue {
    ListNode node;
    KSigInfo info;
    PosixTimer* timer = nullptr;  ///< whose entry it is: not freed when it leaves the queue, but used again
    uid_t payer = 0;              ///< in whose count of queued signals it is (task/queued_signals.h)
    ~SigQueue();
};
/// An entry that counts for `payer`; null without memory or beyond `limit`.
SigQueue* make_sig_queue(uid_t payer, u64 limit);

struct SigPending {
    SigSet signal = 0;
    List<SigQueue, &SigQueue::node> queue;
};

/// What is done with each signal. Tasks share it by CLONE_SIGHAND, also of several processes: so it has a lock of its own,
/// taken under SignalStruct::lock. Which table a task has changes (by exec) under its SignalStruct::lock.
class SighandStruct : public RefCounted {
  public:
    KSigAction get(int sig) const;
    /// What it was.
    KSigAction set(int sig, const KSigAction& fresh);
    /// What to do with `sig`, which is being delivered: SA_RESETHAND takes effect.
    KSigAction take(int sig);
    /// kSigDfl, kSigIgn or an address.
    u64 handler(int sig) const { return __atomic_load_n(&action_[sig - 1].handler, __ATOMIC_RELAXED); }
    void set_default(int sig) { set_handler(sig, kSigDfl); }
    void ignore(int sig) { set_handler(sig, kSigIgn); }
    /// What execve(2) leaves: only what is ignored stays.
    void flush();
    /// Into one that nobody else has yet.
    void copy_from(const SighandStruct& other);

  private:
    void set_handler(int sig, u64 handler) {
        __atomic_store_n(&action_[sig - 1].handler, handler, __ATOMIC_RELAXED);
    }

    mutable SpinLock lock_{LockRank::kSighand};
    KSigAction action_[kSigMax] = {};  // index: signal - 1
};

enum Rlimit : int {
    kRlimitCpu,
    kRlimitFsize,
    kRlimitData,
    kRlimitStack,
    kRlimitCore,
    kRlimitRss,
    kRlimitNproc,
    kRlimitNofile,
    kRlimitMemlock,
    kRlimitAs,
    kRlimitLocks,
    kRlimitSigpending,
    kRlimitMsgqueue,
    kRlimitNice,
    kRlimitRtprio,
    kRlimitRttime,
    kRlimitCount,
};
constexpr u64 kRlimInfinity = ~0ull;
struct RlimitPair {
    u64 cur;
    u64 max;
};

/// What /proc/PID/io shows (proc(5)): bytes and calls.
struct IoAccounting {
    u64 rchar = 0, wchar = 0, syscr = 0, syscw = 0;
    u64 read_bytes = 0, write_bytes = 0, cancelled_write_bytes = 0;  // that reach a block device

    void add(const IoAccounting& o) {
        rchar += o.rchar, wchar += o.wchar, syscr += o.syscr, syscw += o.syscw;
        read_bytes += o.read_bytes, write_bytes += o.write_bytes;
        cancelled_write_bytes += o.cancelled_write_bytes;
    }
};

/// A core file in the making: the other threads wait until it is written (task/coredump.cpp).
struct CoreState : RefCounted {
    u32 arrived = 0;  ///< threads that wait; atomic
    bool finished = false;
    WaitQueue changed;
};

struct SignalStruct : RefCounted {
    SignalStruct() = default;
    ~SignalStruct() override;  // with its timers (task/process_timers.cpp)

    // Bare: it guards the pending and blocked sets of the threads as well (task_struct).
    SpinLock lock{LockRank::kSignal};
    SigPending shared_pending;
    WaitQueue child_wait;  // wait4 sleepers of this process
    WaitQueue signalfd_wait;

    // Job control
    pid_t pgrp = 0;
    pid_t session = 0;
    // Their numbers elsewhere, when they are not in the first PID namespace; under the task table's lock.
    RefPtr<PidNumbers> pgrp_numbers, session_numbers;
    bool leader = false;        // session leader
    tty_struct* tty = nullptr;  // controlling terminal; tty/ owns its meaning and counts
    int tty_old_pgrp = 0;
    bool stopped = false;  // the whole process is stopped
    bool stop_reported = true;
    bool continue_reported = true;
    int stop_signal = 0;

    // Exit
    bool unkillable = false;  // init of a PID namespace: what it does not handle does nothing to it
    bool group_exit = false;
    i32 group_exit_code = 0;
    task_struct* group_exec_task = nullptr;
    RefPtr<CoreState> core;  ///< while one of the threads writes a core file

    // Threads
    u32 nr_threads = 0;
    ListNode threads_head;
    task_struct* leader_task = nullptr;
    bool is_child_subreaper = false;

    // Accounting of threads and children that are gone, ns
    u64 utime = 0, stime = 0, cutime = 0, cstime = 0;
    u64 min_flt = 0, maj_flt = 0, cmin_flt = 0, cmaj_flt = 0, nvcsw = 0, nivcsw = 0, cnvcsw = 0, cnivcsw = 0;
    u64 maxrss = 0, cmaxrss = 0;
    IoAccounting ioac;

    RlimitPair rlimits[kRlimitCount];
    i32 oom_score_adj = 0;

    struct ProcessTimers* timers = nullptr;  // itimers and POSIX timers (task/process_timers.cpp)
};
