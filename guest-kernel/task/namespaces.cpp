// Making and changing a task's namespaces: clone's flags, unshare(2), setns(2).
#include "task/namespaces.h"

#include "abi/clone.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/mount.h"
#include "fs/proc/nsfs.h"
#include "ipc/ipc.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "mm/mm_struct.h"
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/uts.h"

namespace {

constexpr u64 kFirstDynamic = 0xf0000000;
u64 g_next_ino = kFirstDynamic + 0x100;
constexpr u64 kCloneNewtime = 0x80;

constexpr u64 kKept = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID;
constexpr u64 kOneOnly = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWCGROUP | kCloneNewtime;

/// The caller's own, which nobody else has.
Result<void> unshare_fs() {
    task_struct* task = current();
    if (task->fs->ref_count() == 1) return {};
    FsStruct* own = TRY(task->fs->clone()).leak();
    FsStruct* old;
    {
        const auto table = task_table.lock();
        old = std::exchange(task->fs, own);
    }
    old->unref();
    return {};
}

Result<void> unshare_files() {
    task_struct* task = current();
    if (task->files->ref_count() == 1) return {};
    FilesStruct* own = TRY(task->files->clone()).leak();
    FilesStruct* old;
    {
        const auto table = task_table.lock();
        old = std::exchange(task->files, own);
    }
    old->unref();
    return {};
}

}  // namespace

const NsKindInfo kNsKinds[] = {
    {"cgroup", "cgroup", CLONE_NEWCGROUP}, {"ipc", "ipc", CLONE_NEWIPC},
    {"mnt", "mnt", CLONE_NEWNS},           {"net", "net", CLONE_NEWNET},
    {"pid", "pid", CLONE_NEWPID},          {"pid_for_children", "pid", CLONE_NEWPID},
    {"time", "time", kCloneNewtime},       {"time_for_children", "time", kCloneNewtime},
    {"user", "user", CLONE_NEWUSER},       {"uts", "uts", CLONE_NEWUTS},
};

NsProxy::NsProxy(RefPtr<UtsNamespace> names, IpcNamespace* objects, MntNamespace* mounts,
                 RefPtr<PidNamespace> children)
    : uts(std::move(names)), ipc(objects), mnt(mounts), pid_for_children(std::move(children)) {
    ipc->ref();
    mnt->ref();
}

NsProxy::~NsProxy() {
    ipc->unref();
    mnt->unref();
}

u64 next_namespace_ino() {
    return __atomic_fetch_add(&g_next_ino, 1, __ATOMIC_RELAXED);
}

namespace {
// Of these there is one each, with the number that Linux's first one has (linux/proc_ns.h).
Namespace g_user(0xeffffffd), g_cgroup(0xeffffffb), g_time(0xeffffffa), g_net(kFirstDynamic);
}  // namespace

RefPtr<Namespace> task_namespace(task_struct* task, NsKind kind) {
    if (kind == NsKind::kPid) return RefPtr<Namespace>(&task_pid_ns(task));
    const RefPtr<NsProxy> proxy = get_task_namespaces(task);
    if (!proxy) return nullptr;
    switch (kind) {
        case NsKind::kUts:
            return proxy->uts;
        case NsKind::kIpc:
            return RefPtr<Namespace>(proxy->ipc);
        case NsKind::kMnt:
            return RefPtr<Namespace>(proxy->mnt);
        case NsKind::kPidForChildren: {
            const auto table = task_table.lock();
            const PidNamespace& ns = *proxy->pid_for_children;
            return ns.level && !ns.child_reaper ? nullptr : RefPtr<Namespace>(proxy->pid_for_children);
        }
        case NsKind::kUser:
            return RefPtr<Namespace>(&g_user);
        case NsKind::kCgroup:
            return RefPtr<Namespace>(&g_cgroup);
        case NsKind::kNet:
            return RefPtr<Namespace>(&g_net);
        default:
            return RefPtr<Namespace>(&g_time);
    }
}

Result<RefPtr<Namespace>> owner_namespace(const Namespace&) {
    return RefPtr<Namespace>(&g_user);
}

Result<RefPtr<Namespace>> parent_namespace(const Namespace& ns, NsKind kind) {
    if (kind == NsKind::kUser) return Errno::EPERM;  // beyond what anybody sees
    if (kind != NsKind::kPid && kind != NsKind::kPidForChildren) return Errno::EINVAL;
    const RefPtr<PidNamespace>& parent = static_cast<const PidNamespace&>(ns).parent;
    if (!parent || !is_pid_ns_within(*parent, current_pid_ns())) return Errno::EPERM;
    return RefPtr<Namespace>(parent);
}

void init_namespaces(task_struct* first) {
    Result<RefPtr<UtsNamespace>> uts = make_ref<UtsNamespace>(0xeffffffe, init_uts);
    if (!uts.ok()) panic("namespaces: no memory");
    Result<RefPtr<NsProxy>> proxy = make_ref<NsProxy>(uts.release_value(), &init_ipc(), &init_mnt_namespace(),
                                                      RefPtr<PidNamespace>(&init_pid_namespace()));
    if (!proxy.ok()) panic("namespaces: no memory");
    first->nsproxy = proxy.release_value().leak();
}

Result<RefPtr<NsProxy>> copy_namespaces(const NsProxy& old, u64 flags, FsStruct* fs) {
    if (flags & kOneOnly) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysAdmin)) return Errno::EPERM;
    RefPtr<UtsNamespace> uts = old.uts;
    RefPtr<IpcNamespace> ipc(old.ipc);
    RefPtr<MntNamespace> mnt(old.mnt);
    RefPtr<PidNamespace> pid = old.pid_for_children;
    if (flags & CLONE_NEWPID) {
        if (!(pid == &current_pid_ns())) return Errno::EINVAL;
        pid = TRY(make_pid_namespace(*pid));
    }
    if (flags & CLONE_NEWUTS) uts = TRY(make_ref<UtsNamespace>(next_namespace_ino(), old.uts->name));
    if (flags & CLONE_NEWIPC) {
        ipc = TRY(make_ref<IpcNamespace>(next_namespace_ino()));
    }
    if (flags & CLONE_NEWNS) {
        mnt = TRY(copy_mounts(*old.mnt, next_namespace_ino(), *fs));
    }
    return make_ref<NsProxy>(std::move(uts), ipc.get(), mnt.get(), std::move(pid));
}

void use_namespaces(RefPtr<NsProxy> proxy) {
    task_struct* task = current();
    NsProxy* old;
    {
        const auto table = task_table.lock();
        old = std::exchange(task->nsproxy, proxy.leak());
    }
    if (old) old->unref();
}

RefPtr<NsProxy> get_task_namespaces(task_struct* task) {
    const auto table = task_table.lock();
    return RefPtr<NsProxy>(task->nsproxy);
}

void exit_namespaces(task_struct* task) {
    NsProxy* old;
    {
        const auto table = task_table.lock();
        old = std::exchange(task->nsproxy, nullptr);
    }
    if (old) old->unref();
}

KUtsname& current_uts() {
    NsProxy* proxy = current()->nsproxy;
    return proxy ? proxy->uts->name : init_uts;
}

SysResult sys_unshare(u64 flags) {
    constexpr u64 kKnown =
        kKept | kOneOnly | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;
    if (flags & ~kKnown) return Errno::EINVAL;
    task_struct* task = current();
    if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && task->signal->nr_threads > 1)
        return Errno::EINVAL;
    if (flags & CLONE_SIGHAND && task->sighand->ref_count() > 1) return Errno::EINVAL;
    if (flags & CLONE_VM && task->mm->mm_users > 1) return Errno::EINVAL;
    if (flags & kOneOnly) return Errno::EINVAL;
    if (flags & kKept && !task->cred.has(kCapSysAdmin)) return Errno::EPERM;
    if (flags & (CLONE_FS | CLONE_NEWNS)) TRY(unshare_fs());
    if (flags & CLONE_FILES) TRY(unshare_files());
    if (flags & (CLONE_SYSVSEM | CLONE_NEWIPC)) exit_sem(task);
    if (flags & kKept) use_namespaces(TRY(copy_namespaces(*task->nsproxy, flags & kKept, task->fs)));
    return 0L;
}

void move_everyones_root(const Path& from, const Path& to) {
    pid_t pid = 0;
    while (const TaskRef task = next_task(pid)) {
        pid = task->pid + 1;
        RefPtr<FsStruct> fs;
        {
            const auto table = task_table.lock();
            fs = RefPtr<FsStruct>(task->fs);
        }
        if (!fs) continue;
        if (fs->root() == from) fs->set_root(to);
        if (fs->cwd() == from) fs->set_cwd(to);
    }
}
