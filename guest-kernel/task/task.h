// task_struct: one per thread, as in Linux, with Linux's field names; and the calls that other parts make on
// it.
//
// Guarantees: a task stays allocated while anyone holds a reference (task_get/task_put) or it is on the task
// list. The debugger reads this structure by its DWARF names: keep the fields plain.
#pragma once

#include "abi/call_layout.h"
#include "arch/x86_64/thread.h"
#include "core/list.h"
#include "core/refcount.h"
#include "sched/eevdf.h"
#include "sync/spinlock.h"
#include "task/credentials.h"
#include "task/current.h"
#include "task/pid_numbers.h"
#include "task/pid_ref.h"
#include "task/signal_struct.h"
#include "task/work.h"

struct FilesStruct;  // fs/files_struct.h
struct FsStruct;     // fs/fs_struct.h
struct NsProxy;      // task/namespaces.h
struct SemUndoList;  // ipc/sem.h
struct mm_struct;    // mm/mm_struct.h
struct SchedClass;

enum TaskState : u32 {
    TASK_RUNNING = 0,
    TASK_INTERRUPTIBLE = 1,
    TASK_UNINTERRUPTIBLE = 2,
    TASK_STOPPED = 4,
    TASK_TRACED = 8,
    EXIT_DEAD = 16,
    EXIT_ZOMBIE = 32,
    TASK_WAKEKILL = 0x100,
    TASK_KILLABLE = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE,
};

enum TaskFlags : u32 {  // task_struct::flags, numbers as in Linux: /proc/PID/stat shows them
    PF_EXITING = 0x4,
    PF_FORKNOEXEC = 0x40,
    PF_SUPERPRIV = 0x100,
    PF_SIGNALED = 0x400,
    PF_LOCAL_THROTTLE =
        0x00100000,  // others wait for what this task writes: it waits for its own writes only
    PF_KTHREAD = 0x00200000,
};

constexpr u64 kDefaultTimerSlack = 50000;

struct sched_entity {
    ListNode run_node;
    EevdfEntity fair;
    u64 vruntime = 0;          // of mlfq: ns at the present level
    u64 exec_start = 0;        // ktime when it last got the CPU
    u64 sum_exec_runtime = 0;  // ns
    u64 slice_start = 0;
    u32 weight = 1024;
    u32 mlfq_level = 0;
    bool on_rq = false;
    u64 last_ran = 0;
    u64 queued_since = 0;  // ktime since when it could run and does not
    u64 run_delay = 0;     // ns that it has waited so
    u64 turns = 0;
    u64 nr_migrations = 0;  // how often it got another CPU
};

struct task_struct {
    // Scheduling (run queue's lock)
    u32 state = TASK_RUNNING;
    u32 exit_state = 0;
    u32 flags = 0;
    WorkFlags work;  // atomic: any CPU may set one
    u32 policy = 0;  // SCHED_NORMAL
    i32 static_prio = 120;
    u32 rt_priority = 0;
    bool sched_reset_on_fork = false;  // its children are ordinary
    // What it had before it inherited a waiter's priority (task/futex_pi.cpp)
    bool pi_saved = false;
    u32 pi_saved_policy = 0;
    u32 pi_saved_priority = 0;
    const SchedClass* sched_class = nullptr;
    sched_entity se;
    u64 nvcsw = 0;
    u64 nivcsw = 0;
    u32 cpu = 0;               // whose run queue it belongs to
    u64 cpus_allowed = ~0ull;  // sched_setaffinity(2): a bit for each CPU

    // Identity: as the first PID namespace has it, and as the task's own has it
    pid_t pid = 0;
    pid_t tgid = 0;
    pid_t vpid = 0;
    pid_t vtgid = 0;
    PidNamespace* pid_ns = nullptr;  // its own, unless that is the first; `numbers` keep it alive
    RefPtr<PidNumbers> numbers;      // of a task that is not in the first; under the task table's lock
    char comm[16] = {};
    Credentials cred;
    u32 personality = 0;
    u16 io_priority = 0;  // ioprio_set(2)

    // Family (under the lock of the task table, task/pid.h)
    task_struct* real_parent = nullptr;
    task_struct* parent = nullptr;
    task_struct* group_leader = nullptr;
    ListNode sibling;
    List<task_struct, &task_struct::sibling> children;
    ListNode thread_node;    // in signal->threads
    ListNode tasks;          // every thread of the system, oldest first
    ListNode pid_link;       // in the table's hash
    RefPtr<PidRef> pid_ref;  // leaders whose pidfd was asked for

    // Resources. The task itself changes mm, files and fs, under alloc_lock; others reach them by get_task_mm and its
    // kin.
    SpinLock alloc_lock{LockRank::kTaskResources};
    mm_struct* mm = nullptr;
    mm_struct* active_mm = nullptr;
    FilesStruct* files = nullptr;
    FsStruct* fs = nullptr;
    SignalStruct* signal = nullptr;
    SighandStruct* sighand = nullptr;
    SemUndoList* sysvsem = nullptr;
    NsProxy* nsproxy = nullptr;

    // Signals (kSignal lock)
    SigPending pending;
    SigSet blocked = 0;
    SigSet real_blocked = 0;   // during rt_sigtimedwait
    SigSet saved_sigmask = 0;  // restored after rt_sigsuspend, ppoll, pselect6, epoll_pwait
    bool jobctl_stop = false;
    KSigAltStack sas = {0, kSsDisable, 0, 0};
    struct {
        long (*fn)(task_struct*) = nullptr;
        u64 args[6] = {};
        CallLayout layout = CallLayout::kNative;  // of the call that is to go on
    } restart_block;

    // Time
    u64 utime = 0;  // ns in user mode
    u64 stime = 0;  // ns in the kernel
    u64 start_time = 0;
    u64 accounted_until = 0;  // ktime of the last mode change
    u64 min_flt = 0;
    u64 maj_flt = 0;
    u64 cpu_timer_last = 0;
    u64 timer_slack = kDefaultTimerSlack;  // ns, only kept
    IoAccounting ioac;

    // Exit
    i32 exit_code = 0;
    i32 exit_signal = 0;
    bool past_core = false;  // writes its process's core file, or need not wait for it (task/coredump.cpp)
    i32 pdeath_signal = 0;
    u64 set_child_tid = 0;
    u64 clear_child_tid = 0;
    u64 robust_list = 0;
    u64 ia32_robust_list = 0;
    u64 rseq = 0;  // registered area
    u32 rseq_signature = 0;
    struct VforkDone* vfork_done = nullptr;

    // Machine
    void* stack = nullptr;  // kernel stack, kThreadSize bytes
    thread_struct thread;
    u8 mutex_rank = 0;  // highest Mutex rank held
    u32 usage = 1;
    u64 syscall_count = 0;
    CallLayout call_layout = CallLayout::kNative;  // while it runs a call of a 32-bit program
};

/// The state in which this task will sleep. A full barrier: what is looked at afterwards is newer than what a waker has
/// done that did not see the state.
inline void set_current_state(u32 state) {
    __atomic_store_n(&current()->state, state, __ATOMIC_SEQ_CST);
}

extern task_struct init_task;  // the idle task of the boot CPU, pid 0

/// What another task has open and where it is; null once it has ended.
RefPtr<FilesStruct> get_task_files(task_struct* task);
RefPtr<FsStruct> get_task_fs(task_struct* task);

void task_get(task_struct* task);
void task_put(task_struct* task);

/// Holds a reference to a task for a scope; may be empty.
class TaskRef {
  public:
    TaskRef() = default;
    /// Takes over a reference.
    explicit TaskRef(task_struct* task) : task_(task) {}
    TaskRef(TaskRef&& other) : task_(other.task_) { other.task_ = nullptr; }
    TaskRef& operator=(TaskRef&& other) {
        std::swap(task_, other.task_);
        return *this;
    }
    ~TaskRef() {
        if (task_) task_put(task_);
    }
    task_struct* get() const { return task_; }
    task_struct* operator->() const { return task_; }
    explicit operator bool() const { return task_ != nullptr; }

  private:
    task_struct* task_ = nullptr;
};

/// The thread with this pid (process: with this tgid), or an empty reference.
TaskRef find_task_by_pid(pid_t pid);
/// The same for a number that the calling program names: in its own PID namespace.
TaskRef find_task_by_vpid(pid_t pid);
/// A number of a process, group or session that the calling program names, as the kernel knows it; 0 when nothing has it.
pid_t global_pid(pid_t nr);
/// A number of the kernel's, as the calling program knows it: 0 if its PID namespace does not see it.
pid_t own_view(pid_t global);
/// For walks that sleep (procfs): the thread (process: group leader) with the smallest pid >= `pid`.
TaskRef next_task(pid_t pid);
TaskRef next_process(pid_t pid);
/// The thread of `leader`'s process with the smallest pid >= `pid`.
TaskRef next_thread(task_struct* leader, pid_t pid);

/// Linux's letter of the state: R S D T t Z X.
char task_state_char(const task_struct* task);
/// CPU time of a whole process, dead threads included, in ns.
struct CpuTimes {
    u64 utime, stime, cutime, cstime, min_flt, maj_flt, cmin_flt, cmaj_flt;
    u32 num_threads;
};
CpuTimes process_times(task_struct* task);
/// The same with the task table locked.
CpuTimes process_times_locked(task_struct* task);
/// One thread's exact CPU time, divided into user and system time by the ticks' samples.
void task_cpu_time(const task_struct* task, u64* utime, u64* stime);
/// pid of the parent, in the first PID namespace.
pid_t task_ppid(const task_struct* task);

// Sessions and process groups (task/job_control.cpp). Ids are pids of their first leaders.
pid_t task_pgrp(const task_struct* task);
pid_t task_session(const task_struct* task);
/// True if no member's parent is in the same session but another group (POSIX: orphaned).
bool is_orphaned_pgrp(pid_t pgrp);
/// True if some process of `session` is in group `pgrp`.
bool session_has_pgrp(pid_t session, pid_t pgrp);
/// For every process of the session (its group leader thread is passed). With the task table locked: must not sleep.
void for_each_process_in_session(pid_t session, void (*visit)(task_struct*, void*), void* data);

// Signals (task/signal.cpp).
/// Send as the kernel does (no permission check). ESRCH when the group is empty.
Result<void> send_signal_pgrp(pid_t pgrp, int sig);
Result<void> send_signal_process(task_struct* task, int sig);
Result<void> send_signal_info(task_struct* task, const KSigInfo& info, bool whole_process);
/// A signal that a system call should stop for (or a stop) is waiting.
inline bool signal_pending(const task_struct* task) {
    return task->work.has(kWorkSignal);
}
bool fatal_signal_pending(const task_struct* task);
/// True if `sig` is blocked or ignored by `task` (for SIGTTIN/SIGTTOU).
bool is_signal_blocked_or_ignored(const task_struct* task, int sig);
/// For ppoll, pselect6, epoll_pwait: install `mask` now, and put the old one back when the call ends (after
/// the handler of the signal that ended it, if any: then pass the error through finish_sigmask).
void set_temporary_sigmask(SigSet mask);
/// Call before returning: restores at once unless `error` shows that a signal ended the wait.
void finish_temporary_sigmask(bool interrupted);

inline u64 task_rlimit(int resource) {
    return current()->signal->rlimits[resource].cur;
}
