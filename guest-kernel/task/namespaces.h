// The namespaces of a task (namespaces(7)): of names (uts), System V objects (ipc), mounts (mnt) and numbers of processes
// (pid). Of the other kinds there is one each, which everybody is in.
//
// Guarantees: an NsProxy does not change; a task that gets another namespace gets another NsProxy.
#pragma once

#include "abi/system.h"
#include "core/refcount.h"
#include "core/result.h"
#include "task/namespace.h"

struct IpcNamespace;
struct MntNamespace;
struct PidNamespace;
struct task_struct;

struct UtsNamespace : Namespace {
    UtsNamespace(u64 number, const KUtsname& names) : Namespace(number), name(names) {}
    UtsNamespace(u64 number, UserNamespace* owner_ns, UserCounts* payer, const KUtsname& names)
        : Namespace(number, owner_ns, payer, CountedNs::kUts), name(names) {}
    KUtsname name;
};

struct NsProxy : RefCounted {
    NsProxy(RefPtr<UtsNamespace> names, IpcNamespace* objects, MntNamespace* mounts,
            RefPtr<PidNamespace> children);  // takes references
    ~NsProxy() override;
    RefPtr<UtsNamespace> uts;
    IpcNamespace* const ipc;
    MntNamespace* const mnt;
    const RefPtr<PidNamespace> pid_for_children;
};

enum class NsKind : u8 {
    kCgroup,
    kIpc,
    kMnt,
    kNet,
    kPid,
    kPidForChildren,
    kTime,
    kTimeForChildren,
    kUser,
    kUts,
    kCount
};
struct NsKindInfo {
    const char* name;  // in /proc/PID/ns
    const char* type;  // before the colon in what the link says
    u64 clone_flag;
};
extern const NsKindInfo kNsKinds[static_cast<int>(NsKind::kCount)];

/// A number for a new namespace, as stat(2) of /proc/PID/ns shows it.
u64 next_namespace_ino();
/// The namespace of `kind` that `task` is in, or null when it has ended or its children's has no init yet.
RefPtr<Namespace> task_namespace(task_struct* task, NsKind kind);
/// The user namespace that owns it, if the caller sees that. EPERM.
Result<RefPtr<Namespace>> owner_namespace(const Namespace& ns);
/// The one around it that the caller sees, for kinds that nest. EINVAL, EPERM.
Result<RefPtr<Namespace>> parent_namespace(const Namespace& ns, NsKind kind);
/// For the first task.
void init_namespaces(task_struct* first);
/// For clone and unshare: a proxy with what `flags` (CLONE_NEW…) ask anew, owned by the user namespace of `cred`. `fs` gets
/// its root and working directory in the new mounts. EPERM, EINVAL (a kind of which there is only one), ENOSPC, ENOMEM.
struct Credentials;
struct FsStruct;
Result<RefPtr<NsProxy>> copy_namespaces(const NsProxy& old, u64 flags, FsStruct* fs, const Credentials& cred);
/// CLONE_NEWUSER: `cred` gets a user namespace of its own, and all rights there. EPERM, ENOSPC, ENOMEM.
Result<void> create_user_namespace(Credentials& cred);
bool may_make_user_namespace();
/// /proc/sys/kernel/unprivileged_userns_clone: may everybody?
extern u32 unprivileged_userns_clone;
/// The task's proxy, or null when it is gone.
RefPtr<NsProxy> get_task_namespaces(task_struct* task);
/// The caller has `proxy` from here on.
void use_namespaces(RefPtr<NsProxy> proxy);
/// At a task's end.
void exit_namespaces(task_struct* task);

KUtsname& current_uts();
