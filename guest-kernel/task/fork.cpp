// fork, vfork, clone and kernel threads (task/fork.h; clone(2)).
//
// Guarantees: an error undoes everything that was made. The child starts in ret_from_fork with the parent's
// registers and RAX = 0.
#include "task/fork.h"

#include "abi/clone.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/tls.h"
#include "core/string.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "ipc/sem.h"
#include "mm/buddy.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/namespaces.h"
#include "task/pid.h"
#include "task/pidfd.h"
#include "task/signal.h"
#include "time/clock.h"

extern "C" {
void ret_from_fork();
extern u8 init_stack[];
}

task_struct init_task;
u32 max_threads = 1024;

namespace {

constexpr u64 kStackCanary = 0x57ac6e9d5ca1ab1e;

struct SwitchFrame {  // what __switch_to_asm pops
    u64 r15, r14, r13, r12, rbx, rbp, return_address;
};

pt_regs* task_pt_regs(task_struct* task) {
    return reinterpret_cast<pt_regs*>(static_cast<u8*>(task->stack) + kThreadSize) - 1;
}

task_struct* alloc_task() {
    auto* task = new (std::nothrow) task_struct;
    if (!task) return nullptr;
    task->stack = kmalloc(kThreadSize);
    if (!task->stack) {
        delete task;
        return nullptr;
    }
    *static_cast<u64*>(task->stack) = kStackCanary;
    return task;
}

void setup_switch_frame(task_struct* task, u64 function, u64 argument) {
    auto* frame = reinterpret_cast<SwitchFrame*>(task_pt_regs(task)) - 1;
    *frame = {0, 0, 0, argument, function, 0, reinterpret_cast<u64>(&ret_from_fork)};
    task->thread.sp = reinterpret_cast<u64>(frame);
}

void copy_scheduling(task_struct* task, const task_struct* parent) {
    task->policy = parent->policy;
    task->static_prio = parent->static_prio;
    task->rt_priority = parent->rt_priority;
    task->sched_class = parent->sched_class ? parent->sched_class : normal_sched_class;
    task->se.weight = parent->se.weight;
    if (parent->sched_reset_on_fork) {  // sched(7)
        const bool real_time = parent->policy == SCHED_FIFO || parent->policy == SCHED_RR;
        if (real_time) task->policy = SCHED_NORMAL;
        if (real_time || parent->static_prio < 120) task->static_prio = 120;
        task->rt_priority = 0;
        task->sched_class = normal_sched_class;
        task->se.weight = sched_weight(task->policy, task->static_prio);
    }
    task->cpus_allowed = parent->cpus_allowed;
    task->start_time = ktime_get_ns();
}

Result<SignalStruct*> new_signal_struct(const SignalStruct* parent) {
    auto* signal = new (std::nothrow) SignalStruct;
    if (!signal) return Errno::ENOMEM;
    if (parent->pgrp_numbers || parent->session_numbers) {
        const auto table = task_table.lock();
        signal->pgrp_numbers = parent->pgrp_numbers;
        signal->session_numbers = parent->session_numbers;
    }
    signal->pgrp = parent->pgrp;
    signal->session = parent->session;
    signal->tty = parent->tty;
    memcpy(signal->rlimits, parent->rlimits, sizeof(signal->rlimits));
    signal->oom_score_adj = parent->oom_score_adj;
    return signal;
}

/// The child's segment registers, and with CLONE_SETTLS its own thread-local storage: the base of FS, or in a 32-bit
/// call a descriptor.
Result<void> copy_segments(thread_struct& child, thread_struct& parent, const CloneArgs& args) {
    if (!current()->mm) return {};
    save_segments(parent);
    memcpy(child.tls, parent.tls, sizeof(child.tls));
    child.ds = parent.ds;
    child.es = parent.es;
    child.fs = parent.fs;
    child.gs = parent.gs;
    child.fsbase = parent.fsbase;
    child.gsbase = parent.gsbase;
    if (!(args.flags & CLONE_SETTLS)) return {};
    if (in_ia32_call()) return set_child_tls(child, args.tls);
    child.fs = 0;
    child.fsbase = args.tls;
    return {};
}

Result<void> copy_resources(task_struct* task, const CloneArgs& args) {
    task_struct* parent = current();
    const u64 flags = args.flags;
    TRY(copy_segments(task->thread, parent->thread, args));
    if (flags & CLONE_SIGHAND) {
        task->sighand = parent->sighand;
        task->sighand->ref();
    } else {
        task->sighand = new (std::nothrow) SighandStruct;
        if (!task->sighand) return Errno::ENOMEM;
        task->sighand->copy_from(*parent->sighand);
        if (flags & CLONE_CLEAR_SIGHAND) task->sighand->flush();
    }
    if (flags & CLONE_THREAD) {
        task->signal = parent->signal;
        task->signal->ref();
    } else {
        task->signal = TRY(new_signal_struct(parent->signal));
    }
    if (flags & CLONE_FILES) {
        task->files = parent->files;
        task->files->ref();
    } else {
        task->files = TRY(parent->files->clone()).leak();
    }
    if (flags & CLONE_FS) {
        task->fs = parent->fs;
        task->fs->ref();
    } else {
        task->fs = TRY(parent->fs->clone()).leak();
    }
    if (flags & kCloneNamespaces) {
        if (flags & CLONE_NEWIPC && flags & CLONE_SYSVSEM) return Errno::EINVAL;
        task->nsproxy = TRY(copy_namespaces(*parent->nsproxy, flags & kCloneNamespaces & ~u64{CLONE_NEWUSER},
                                            task->fs, task->cred))
                            .leak();
    } else {
        task->nsproxy = parent->nsproxy;
        task->nsproxy->ref();
    }
    TRY(copy_semundo(task, flags & CLONE_SYSVSEM));
    if (!parent->mm) return {};
    if (flags & CLONE_VM) {
        task->mm = parent->mm;
        mmget(task->mm);
    } else {
        task->mm = TRY(dup_mm(parent->mm));
    }
    task->active_mm = task->mm;
    return {};
}

void discard(task_struct* task) {
    if (task->mm) mmput(task->mm);
    exit_sem(task);
    if (task->files) task->files->unref();
    if (task->fs) task->fs->unref();
    if (task->nsproxy) task->nsproxy->unref();
    {
        const auto table = task_table.lock();
        if (task->pid_ref) task->pid_ref->task = nullptr;
    }
    task->usage = 1;
    task_put(task);
}

Result<void> check_flags(const CloneArgs& args) {
    const u64 f = args.flags;
    if (f & CLONE_THREAD && !(f & CLONE_SIGHAND)) return Errno::EINVAL;
    if (f & CLONE_SIGHAND && !(f & CLONE_VM)) return Errno::EINVAL;
    if (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND) return Errno::EINVAL;
    if (f & CLONE_NEWUSER && !may_make_user_namespace()) return Errno::EPERM;
    if (f & CLONE_NEWUSER && f & CLONE_FS) return Errno::EINVAL;
    if (f & CLONE_THREAD && f & (CLONE_NEWPID | CLONE_NEWUSER)) return Errno::EINVAL;
    const task_struct* self = current();
    if (f & CLONE_PARENT && self->signal->unkillable) return Errno::EINVAL;
    if (f & CLONE_THREAD && self->nsproxy->pid_for_children.get() != &task_pid_ns(self)) return Errno::EINVAL;
    if (f & CLONE_INTO_CGROUP) return Errno::EINVAL;
    if (f & CLONE_NEWNS && f & CLONE_FS) return Errno::EINVAL;
    if (f & CLONE_PIDFD && f & (CLONE_DETACHED | CLONE_THREAD)) return Errno::EINVAL;
    if (args.tls >= kTaskSize && f & CLONE_SETTLS) return Errno::EPERM;
    return {};
}

Result<void> check_limits() {
    const auto table = task_table.lock();
    if (table->nr_threads >= max_threads) return Errno::EAGAIN;
    const task_struct* self = current();
    if (self->cred.has(kCapSysAdmin) || self->cred.has(kCapSysResource)) return {};
    u64 count = 0;
    for (const task_struct& task : table->list) count += task.cred.uid == self->cred.uid;
    if (count >= self->signal->rlimits[kRlimitNproc].cur) return Errno::EAGAIN;
    return {};
}

/// Enter the family and the lists: from here on others can see the task. ERESTARTNOINTR if a signal came meanwhile:
/// one that was sent to the whole group must not miss the child, so the call is restarted after it. ENOMEM if the
/// child's PID namespace has lost its init.
Result<void> publish(task_struct* task, u64 flags) {
    task_struct* parent = current();
    const auto table = task_table.lock();
    IrqGuard signal_guard(task->signal->lock);  // of a thread: the parent's, whose group may be about to end
    if (task->pid_ns && task->pid_ns->dying) return Errno::ENOMEM;
    if (signal_pending(parent)) return Errno::ERESTARTNOINTR;
    if (flags & CLONE_THREAD) {
        task->tgid = parent->tgid;
        task->vtgid = parent->vtgid;
        task->group_leader = parent->group_leader;
        task->real_parent = task->parent = parent->group_leader->real_parent;
    } else {
        task->tgid = task->pid;
        task->vtgid = task->vpid;
        task->group_leader = task;
        task->real_parent = task->parent =
            flags & CLONE_PARENT ? parent->group_leader->real_parent : parent->group_leader;
        if (task->real_parent) task->real_parent->children.push_back(task);
        task->signal->leader_task = task;
        if (task->vpid == 1) {
            task->signal->unkillable = true;
            task_pid_ns(task).child_reaper = task;
        }
    }
    task->signal->nr_threads++;
    task->thread_node.insert_before(&task->signal->threads_head);
    table->attach(task);
    table->total_forks++;
    return {};
}

/// clone3's set_tid: may the caller ask for these numbers? EINVAL, EPERM.
Result<void> check_wanted_pids(const CloneArgs& args, const PidNamespace& ns) {
    if (args.set_tid_count > ns.level + 1) return Errno::EINVAL;
    const PidNamespace* level = &ns;
    for (u32 i = 0; i < args.set_tid_count; i++, level = level->parent.get()) {
        if (args.set_tid[i] < 1 || args.set_tid[i] >= kPidMax) return Errno::EINVAL;
        if (args.set_tid[i] != 1 && !level->child_reaper) return Errno::EINVAL;
        const Credentials& c = current()->cred;
        if (!c.has_in(level->owner, kCapSysAdmin) && !c.has_in(level->owner, kCapCheckpointRestore))
            return Errno::EPERM;
    }
    return {};
}

/// The new task's numbers, in the namespace that its creator's children go to.
Result<void> choose_pids(task_struct* task, const CloneArgs& args) {
    PidNamespace& ns = *task->nsproxy->pid_for_children;
    if (args.set_tid_count) TRY(check_wanted_pids(args, ns));
    RefPtr<PidNumbers> numbers;
    if (ns.level) numbers = TRY(alloc_pid_numbers(ns, args.set_tid, args.set_tid_count));
    const auto table = task_table.lock();
    if (args.set_tid_count > ns.level) {
        task->pid = args.set_tid[ns.level];
        TRY(table->check_free(task->pid));
    } else {
        task->pid = TRY(table->alloc_pid());
    }
    task->vpid = task->pid;
    if (!numbers) return {};
    numbers->global = task->pid;
    task->vpid = numbers->in(ns);
    task->pid_ns = &ns;
    task->numbers = std::move(numbers);
    return {};
}

/// CLONE_PIDFD: a descriptor for the child, in the caller's table; what `descriptor` says.
Result<void> give_pidfd(task_struct* task, u64 where, int* descriptor) {
    RefPtr<File> file = TRY(make_pidfd(task, 0));
    *descriptor = TRY(current()->files->install(std::move(file), true));
    const Result<void> told = UserPtr<i32>(where).write(*descriptor);
    if (!told.ok()) (void)current()->files->close(*descriptor).ok();
    return told.ok() ? Result<void>() : Result<void>(told.error());
}

Result<task_struct*> copy_process(const CloneArgs& args) {
    TRY(check_flags(args));
    TRY(check_limits());
    task_struct* parent = current();
    task_struct* task = alloc_task();
    if (!task) return Errno::ENOMEM;
    task->usage = 2;  // the list's, and the CPU's until it is dead
    memcpy(task->comm, parent->comm, sizeof(task->comm));
    task->cred = parent->cred;
    task->personality = parent->personality;
    task->timer_slack = parent->timer_slack;
    task->io_priority = parent->io_priority;
    task->flags = PF_FORKNOEXEC | (parent->flags & PF_SUPERPRIV);
    task->blocked = parent->blocked;
    task->work.assign(kWorkSeccompStrict, parent->work.has(kWorkSeccompStrict));
    if (!(args.flags & CLONE_VM) || args.flags & CLONE_VFORK) task->sas = parent->sas;
    task->exit_signal = args.flags & CLONE_THREAD ? -1 : args.exit_signal;
    copy_scheduling(task, parent);
    fpu_save(task->thread.fpu);
    if (args.flags & CLONE_CHILD_CLEARTID) task->clear_child_tid = args.child_tid;
    if (args.flags & CLONE_CHILD_SETTID) task->set_child_tid = args.child_tid;
    if (!(args.flags & CLONE_VM)) {
        task->rseq = parent->rseq;
        task->rseq_signature = parent->rseq_signature;
        task->work.assign(kWorkRseq, task->rseq != 0);
    }
    Result<void> resources;
    if (args.flags & CLONE_NEWUSER) resources = create_user_namespace(task->cred);
    if (resources.ok()) resources = copy_resources(task, args);
    if (!resources.ok()) {
        discard(task);
        return resources.error();
    }
    const Result<void> numbered = choose_pids(task, args);
    if (!numbered.ok()) {
        discard(task);
        return numbered.error();
    }
    return task;
}

}  // namespace

void complete_vfork(task_struct* task) {
    const auto table =
        task_table.lock();  // the parent, whose stack this is on, waits for it before it goes on
    VforkDone* vfork = task->vfork_done;
    if (!vfork) return;
    task->vfork_done = nullptr;
    vfork->done = true;
    vfork->queue.wake_all();
}

Result<pid_t> kernel_clone(const CloneArgs& args) {
    task_struct* task = TRY(copy_process(args));
    pt_regs* regs = task_pt_regs(task);
    *regs = *current_pt_regs();
    regs->rax = 0;
    if (args.stack) regs->rsp = args.stack;
    setup_switch_frame(task, 0, 0);
    const pid_t pid = task_nr_locked(task, current_pid_ns());
    if (args.flags & CLONE_PARENT_SETTID) (void)UserPtr<i32>(args.parent_tid).write(pid).ok();
    if (args.flags & CLONE_CHILD_SETTID && task->mm) {
        // The child's memory, before it runs: its copy if it has one of its own.
        i32 value = task->vpid;
        (void)access_process_vm(task->mm, args.child_tid, &value, sizeof(value), true);
    }
    int pidfd = -1;
    if (args.flags & CLONE_PIDFD) {
        const Result<void> given = give_pidfd(task, args.pidfd, &pidfd);
        if (!given.ok()) {
            discard(task);
            return given.error();
        }
    }
    VforkDone vfork;
    if (args.flags & CLONE_VFORK) task->vfork_done = &vfork;
    task_get(task);
    const Result<void> published = publish(task, args.flags);
    if (!published.ok()) {
        if (pidfd >= 0) (void)current()->files->close(pidfd).ok();
        discard(task);
        return published.error();
    }
    wake_up_new_task(task);
    if (args.flags & CLONE_VFORK) {
        (void)wait_event_killable(vfork.queue, [&] { return vfork.done; }).ok();
        // We may be being killed: the child must not touch our stack any more.
        const auto table = task_table.lock();
        task->vfork_done = nullptr;
    }
    task_put(task);
    return pid;
}

Result<pid_t> kernel_thread(void (*function)(void*), void* argument, const char* name) {
    CloneArgs args;
    args.flags = CLONE_FS | CLONE_FILES;
    args.exit_signal = kSigChld;
    task_struct* task = TRY(copy_process(args));
    memset(task_pt_regs(task), 0, sizeof(pt_regs));
    setup_switch_frame(task, reinterpret_cast<u64>(function), reinterpret_cast<u64>(argument));
    task->flags |= PF_KTHREAD;
    copy_string(task->comm, name, sizeof(task->comm));
    if (!publish(task, args.flags).ok()) {
        discard(task);
        return Errno::EINTR;
    }
    wake_up_new_task(task);
    return task->pid;
}

void init_first_task() {
    task_struct& t = init_task;
    copy_string(t.comm, "swapper", sizeof(t.comm));
    t.stack = init_stack;
    t.group_leader = &t;
    t.flags = PF_KTHREAD;
    t.signal = new (std::nothrow) SignalStruct;
    t.sighand = new (std::nothrow) SighandStruct;
    BUG_ON(!t.signal || !t.sighand);
    t.files = FilesStruct::make().release_value().leak();
    t.fs = FsStruct::make().release_value().leak();
    init_namespaces(&t);
    for (RlimitPair& limit : t.signal->rlimits) limit = {kRlimInfinity, kRlimInfinity};
    RlimitPair* limits = t.signal->rlimits;
    limits[kRlimitStack] = {8 << 20, kRlimInfinity};
    limits[kRlimitCore] = {0, kRlimInfinity};
    limits[kRlimitNofile] = {1024, 4096};
    limits[kRlimitMemlock] = {8 << 20, 8 << 20};
    limits[kRlimitMsgqueue] = {819200, 819200};
    limits[kRlimitNice] = {0, 0};
    limits[kRlimitRtprio] = {0, 0};
    max_threads = static_cast<u32>(min<u64>(max<u64>(buddy_total_pages() / 32, 64), kPidMax - 300));
    limits[kRlimitNproc] = {max_threads / 2, max_threads / 2};
    limits[kRlimitSigpending] = limits[kRlimitNproc];
    init_namespace_limits(max_threads / 2);
    IrqGuard guard(t.signal->lock);
    t.signal->nr_threads = 1;
    t.thread_node.insert_before(&t.signal->threads_head);
}

task_struct* make_idle_task(unsigned cpu) {
    task_struct* task = alloc_task();
    if (!task) return nullptr;
    snprintf(task->comm, sizeof(task->comm), "swapper/%u", cpu);
    task->flags = PF_KTHREAD;
    task->group_leader = task;
    task->sched_class = normal_sched_class;
    task->cpu = cpu;
    task->signal = init_task.signal;
    task->sighand = init_task.sighand;
    task->files = init_task.files;
    task->fs = init_task.fs;
    RunQueue& rq = run_queues.on(cpu);
    rq.idle = rq.curr = task;
    return task;
}

SysResult sys_fork() {
    CloneArgs args;
    args.exit_signal = kSigChld;
    return TRY(kernel_clone(args));
}

SysResult sys_vfork() {
    CloneArgs args;
    args.flags = CLONE_VFORK | CLONE_VM;
    args.exit_signal = kSigChld;
    return TRY(kernel_clone(args));
}

SysResult sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls) {
    CloneArgs args;
    args.flags = (flags & 0xffffffff) & ~0xffull;
    args.exit_signal = static_cast<int>(flags & 0xff);
    args.stack = stack;
    args.parent_tid = parent_tid;
    args.child_tid = child_tid;
    args.tls = tls;
    args.pidfd = parent_tid;
    if (args.flags & CLONE_PIDFD && args.flags & CLONE_PARENT_SETTID) return Errno::EINVAL;
    if (args.exit_signal > kSigMax) return Errno::EINVAL;
    return TRY(kernel_clone(args));
}

SysResult sys_clone3(u64 user_args, u64 size) {
    struct {
        u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
            cgroup;
    } a = {};
    if (size < 64 || size > kPageSize) return size < 64 ? Errno::EINVAL : Errno::E2BIG;
    if (copy_from_user(&a, user_args, min<u64>(size, sizeof(a)))) return Errno::EFAULT;
    for (u64 at = sizeof(a); at < size; at++) {
        if (TRY(UserBytes(user_args + at).read())) return Errno::E2BIG;
    }
    if (a.set_tid_size > kMaxPidLevels || !a.set_tid != !a.set_tid_size) return Errno::EINVAL;
    if (a.exit_signal > kSigMax) return Errno::EINVAL;
    if (!a.stack != !a.stack_size) return Errno::EINVAL;
    if (a.flags & (CLONE_DETACHED | 0xff)) return Errno::EINVAL;
    if (a.flags & CLONE_THREAD && a.exit_signal) return Errno::EINVAL;
    CloneArgs args;
    args.flags = a.flags;
    args.exit_signal = static_cast<int>(a.exit_signal);
    args.stack = a.stack + a.stack_size;
    args.parent_tid = a.parent_tid;
    args.child_tid = a.child_tid;
    args.tls = a.tls;
    args.pidfd = a.pidfd;
    args.set_tid_count = static_cast<u32>(a.set_tid_size);
    if (a.set_tid_size) TRY(UserPtr<i32>(a.set_tid).copy_in(args.set_tid, a.set_tid_size * sizeof(pid_t)));
    return TRY(kernel_clone(args));
}
