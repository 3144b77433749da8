// setns(2): into another namespace, or into several of a process's at once.
//
// Guarantees: all of them, or none.
#include "abi/clone.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/mount.h"
#include "fs/proc/nsfs.h"
#include "ipc/ipc.h"
#include "ipc/sem.h"
#include "syscall/syscalls.h"
#include "task/access.h"
#include "task/namespaces.h"
#include "task/pid_namespace.h"
#include "task/pidfd.h"

namespace {

/// What the caller will have.
struct Target {
    RefPtr<UtsNamespace> uts;
    RefPtr<IpcNamespace> ipc;
    RefPtr<MntNamespace> mnt;
    RefPtr<PidNamespace> pid;
    Credentials cred;
    u64 changed = 0;  ///< CLONE_NEW…
};

Result<void> enter_user_namespace(Target& target, UserNamespace& ns) {
    task_struct* task = current();
    if (&ns == &target.cred.ns() || task->signal->nr_threads > 1 || task->fs->ref_count() > 1)
        return Errno::EINVAL;
    if (!target.cred.has_in(&ns, kCapSysAdmin)) return Errno::EPERM;
    target.cred.enter_user_ns(RefPtr<UserNamespace>(&ns));
    target.changed |= CLONE_NEWUSER;
    return {};
}

Result<void> install(Target& target, NsKind kind, const RefPtr<Namespace>& ns) {
    if (!ns) return Errno::ESRCH;
    const u64 flag = kNsKinds[static_cast<int>(kind)].clone_flag;
    if (kind == NsKind::kUser) return enter_user_namespace(target, static_cast<UserNamespace&>(*ns));
    const Credentials& cred = target.cred;
    if (!cred.has_in(ns->owner, kCapSysAdmin) || !cred.has_here(kCapSysAdmin)) return Errno::EPERM;
    switch (kind) {
        case NsKind::kUts:
            target.uts = RefPtr<UtsNamespace>(static_cast<UtsNamespace*>(ns.get()));
            break;
        case NsKind::kIpc:
            target.ipc = RefPtr<IpcNamespace>(static_cast<IpcNamespace*>(ns.get()));
            break;
        case NsKind::kMnt:
            if (!cred.has_here(kCapSysChroot)) return Errno::EPERM;
            if (current()->fs->ref_count() > 1) return Errno::EINVAL;
            target.mnt = RefPtr<MntNamespace>(static_cast<MntNamespace*>(ns.get()));
            break;
        case NsKind::kPid:
        case NsKind::kPidForChildren: {
            RefPtr<PidNamespace> inner(static_cast<PidNamespace*>(ns.get()));
            if (!is_pid_ns_within(*inner, current_pid_ns())) return Errno::EINVAL;
            target.pid = std::move(inner);
            break;
        }
        default:
            break;  // the only one of its kind
    }
    target.changed |= flag;
    return {};
}

Result<void> commit(Target& target) {
    task_struct* task = current();
    RefPtr<NsProxy> proxy = TRY(
        make_ref<NsProxy>(std::move(target.uts), target.ipc.get(), target.mnt.get(), std::move(target.pid)));
    if (target.changed & CLONE_NEWNS) {
        const Path root = topmost(namespace_root(*target.mnt));
        task->fs->set_root(root);
        task->fs->set_cwd(root);
    }
    if (target.changed & CLONE_NEWIPC) exit_sem(task);
    use_namespaces(std::move(proxy));
    if (target.changed & CLONE_NEWUSER) commit_creds(std::move(target.cred));
    return {};
}

/// Those of a process that `flags` name. EINVAL, EPERM, ESRCH.
Result<void> install_all(Target& target, task_struct* process, u64 flags) {
    if (!flags) return Errno::EINVAL;
    u64 known = 0;
    for (const NsKindInfo& kind : kNsKinds) known |= kind.clone_flag;
    if (flags & ~known) return Errno::EINVAL;
    if (!may_attach(process)) return Errno::EPERM;
    static constexpr NsKind kOrder[] = {NsKind::kUser, NsKind::kMnt,    NsKind::kUts, NsKind::kIpc,
                                        NsKind::kPid,  NsKind::kCgroup, NsKind::kNet, NsKind::kTime};
    for (const NsKind kind : kOrder) {
        if (flags & kNsKinds[static_cast<int>(kind)].clone_flag)
            TRY(install(target, kind, task_namespace(process, kind)));
    }
    return {};
}

}  // namespace

SysResult sys_setns(int fd, int type) {
    RefPtr<File> file = TRY(get_file(fd));
    const NsProxy& mine = *current()->nsproxy;
    Target target;
    target.uts = mine.uts;
    target.ipc = RefPtr<IpcNamespace>(mine.ipc);
    target.mnt = RefPtr<MntNamespace>(mine.mnt);
    target.pid = mine.pid_for_children;
    target.cred = current()->cred;
    if (const NsInode* ns = as_ns_inode(*file->inode)) {
        if (type && static_cast<u64>(type) != kNsKinds[static_cast<int>(ns->kind())].clone_flag)
            return Errno::EINVAL;
        TRY(install(target, ns->kind(), ns->object()));
    } else {
        const PidFile* pidfd = file->as_pid_file();
        if (!pidfd) return Errno::EINVAL;
        const TaskRef process = pidfd->task();
        if (!process) return Errno::ESRCH;
        TRY(install_all(target, process.get(), static_cast<u32>(type)));
    }
    TRY(commit(target));
    return 0L;
}
