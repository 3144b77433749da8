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
constexpr u64 kOneOnly = CLONE_NEWNET | CLONE_NEWCGROUP | kCloneNewtime;

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
Namespace g_cgroup(0xeffffffb), g_time(0xeffffffa), g_net(kFirstDynamic);
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
            return RefPtr<Namespace>(&get_task_cred(task).ns());
        case NsKind::kCgroup:
            return RefPtr<Namespace>(&g_cgroup);
        case NsKind::kNet:
            return RefPtr<Namespace>(&g_net);
        default:
            return RefPtr<Namespace>(&g_time);
    }
}

Result<RefPtr<Namespace>> owner_namespace(const Namespace& ns) {
    UserNamespace* owner = ns.owner ? ns.owner : &init_user_namespace();
    if (!is_user_ns_within(*owner, current()->cred.ns())) return Errno::EPERM;
    return RefPtr<Namespace>(owner);
}

Result<RefPtr<Namespace>> parent_namespace(const Namespace& ns, NsKind kind) {
    if (kind == NsKind::kUser) {
        UserNamespace* outer = static_cast<const UserNamespace&>(ns).parent;
        if (!outer || !is_user_ns_within(*outer, current()->cred.ns())) return Errno::EPERM;
        return RefPtr<Namespace>(outer);
    }
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

namespace {

/// A namespace of its own for who has `cred`, counted for it.
template <class T, class... Args>
Result<RefPtr<T>> make_counted(const Credentials& cred, CountedNs kind, Args&&... args) {
    UserCounts* payer = TRY(charge_namespace(cred.ns(), cred.euid, kind));
    Result<RefPtr<T>> made =
        make_ref<T>(next_namespace_ino(), cred.user_ns.get(), payer, std::forward<Args>(args)...);
    if (!made.ok()) uncharge_namespace(payer, kind);
    return made;
}

/// Is the caller's root another than that of its mounts?
bool is_chrooted() {
    const Path top = topmost(namespace_root(*current()->nsproxy->mnt));
    return !(current()->fs->root() == top);
}

}  // namespace

u32 unprivileged_userns_clone = 1;

bool may_make_user_namespace() {
    return __atomic_load_n(&unprivileged_userns_clone, __ATOMIC_RELAXED) || current()->cred.has(kCapSysAdmin);
}

Result<void> create_user_namespace(Credentials& cred) {
    UserNamespace& outer = cred.ns();
    if (outer.level > kMaxUserLevels) return Errno::ENOSPC;
    UserCounts* payer = TRY(charge_namespace(outer, cred.euid, CountedNs::kUser));
    const bool may =
        !is_chrooted() && outer.uid_here(cred.euid) != kNoId && outer.gid_here(cred.egid) != kNoId;
    Result<RefPtr<UserNamespace>> made =
        may ? make_ref<UserNamespace>(next_namespace_ino(), outer, payer, cred.euid, cred.egid)
            : Result<RefPtr<UserNamespace>>(Errno::EPERM);
    if (!made.ok()) {
        uncharge_namespace(payer, CountedNs::kUser);
        return made.error();
    }
    cred.enter_user_ns(made.release_value());
    return {};
}

Result<RefPtr<NsProxy>> copy_namespaces(const NsProxy& old, u64 flags, FsStruct* fs,
                                        const Credentials& cred) {
    if (flags & kOneOnly) return Errno::EINVAL;
    if (flags & kKept && !cred.has_here(kCapSysAdmin)) return Errno::EPERM;
    RefPtr<UtsNamespace> uts = old.uts;
    RefPtr<IpcNamespace> ipc(old.ipc);
    RefPtr<MntNamespace> mnt(old.mnt);
    RefPtr<PidNamespace> pid = old.pid_for_children;
    if (flags & CLONE_NEWPID) {
        if (!(pid == &current_pid_ns())) return Errno::EINVAL;
        if (pid->level + 1 > kMaxPidLevels) return Errno::ENOSPC;
        pid = TRY(make_counted<PidNamespace>(cred, CountedNs::kPid, pid));
    }
    if (flags & CLONE_NEWUTS) uts = TRY(make_counted<UtsNamespace>(cred, CountedNs::kUts, old.uts->name));
    if (flags & CLONE_NEWIPC) ipc = TRY(make_counted<IpcNamespace>(cred, CountedNs::kIpc));
    if (flags & CLONE_NEWNS) {
        mnt = TRY(make_counted<MntNamespace>(cred, CountedNs::kMnt));
        TRY(copy_mounts(*old.mnt, *mnt, *fs));
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
    constexpr u64 kKnown = kKept | kOneOnly | CLONE_NEWUSER | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND |
                           CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;
    if (flags & CLONE_NEWUSER) flags |= CLONE_THREAD | CLONE_FS;
    if (flags & CLONE_NEWUSER && !may_make_user_namespace()) return Errno::EPERM;
    if (flags & ~kKnown) return Errno::EINVAL;
    task_struct* task = current();
    if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && task->signal->nr_threads > 1)
        return Errno::EINVAL;
    if (flags & CLONE_SIGHAND && task->sighand->ref_count() > 1) return Errno::EINVAL;
    if (flags & CLONE_VM && task->mm->mm_users > 1) return Errno::EINVAL;
    if (flags & kOneOnly) return Errno::EINVAL;
    Credentials cred = task->cred;
    if (flags & CLONE_NEWUSER) TRY(create_user_namespace(cred));
    if (flags & kKept && !cred.has_here(kCapSysAdmin)) return Errno::EPERM;
    if (flags & (CLONE_FS | CLONE_NEWNS)) TRY(unshare_fs());
    if (flags & CLONE_FILES) TRY(unshare_files());
    RefPtr<NsProxy> proxy;
    if (flags & kKept) proxy = TRY(copy_namespaces(*task->nsproxy, flags & kKept, task->fs, cred));
    if (flags & (CLONE_SYSVSEM | CLONE_NEWIPC)) exit_sem(task);
    if (proxy) use_namespaces(std::move(proxy));
    if (flags & CLONE_NEWUSER) commit_creds(std::move(cred));
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
