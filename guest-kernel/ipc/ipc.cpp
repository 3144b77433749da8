// Permissions of System V objects (sysvipc(7), "Resource access permissions").
#include "ipc/ipc.h"

#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "task/namespaces.h"
#include "task/task.h"
#include "time/clock.h"

namespace {
IpcNamespace g_init_ipc(0xefffffff);
}

IpcNamespace::IpcNamespace(u64 number) : Namespace(number) {}
IpcNamespace::IpcNamespace(u64 number, UserNamespace* owner_ns, UserCounts* payer)
    : Namespace(number, owner_ns, payer, CountedNs::kIpc) {}
IpcNamespace::~IpcNamespace() = default;

IpcNamespace& init_ipc() {
    return g_init_ipc;
}

IpcNamespace& current_ipc() {
    const NsProxy* proxy = current()->nsproxy;
    return proxy ? *proxy->ipc : g_init_ipc;
}

i64 ipc_now() {
    return ns_to_timespec(ktime_get_real_ns()).tv_sec;
}

void ipc_init(IpcObject& object, i32 key, int flags) {
    const Credentials& cred = current()->cred;
    object.key = key;
    object.mode = static_cast<u32>(flags) & 0777;
    object.uid = object.cuid = cred.euid;
    object.gid = object.cgid = cred.egid;
    object.ctime = ipc_now();
}

Result<void> ipc_may(const IpcObject& object, u32 wanted) {
    const Credentials& cred = current()->cred;
    const u32 asked = (wanted >> 6 | wanted >> 3 | wanted) & 7;
    u32 granted = object.mode;
    if (cred.euid == object.cuid || cred.euid == object.uid) {
        granted >>= 6;
    } else if (cred.in_group(object.cgid) || cred.in_group(object.gid)) {
        granted >>= 3;
    }
    if ((asked & ~granted & 7) == 0 || cred.has_in(current_ipc().owner, kCapIpcOwner)) return {};
    return Errno::EACCES;
}

Result<void> ipc_may_control(const IpcObject& object) {
    const Credentials& cred = current()->cred;
    if (cred.euid == object.cuid || cred.euid == object.uid || cred.has_in(current_ipc().owner, kCapSysAdmin))
        return {};
    return Errno::EPERM;
}

UserIpcPerm ipc_perm_of(const IpcObject& object) {
    UserIpcPerm perm = {};
    perm.key = object.key;
    const Credentials& cred = current()->cred;
    perm.uid = cred.shown_uid(object.uid);
    perm.gid = cred.shown_gid(object.gid);
    perm.cuid = cred.shown_uid(object.cuid);
    perm.cgid = cred.shown_gid(object.cgid);
    perm.mode = object.mode;
    perm.seq = static_cast<u16>(static_cast<u32>(object.id) / kIpcMaxIndex);
    return perm;
}

Result<void> ipc_set(IpcObject& object, const UserIpcPerm& perm) {
    const Credentials& cred = current()->cred;
    const uid_t uid = cred.kernel_uid(perm.uid);
    const gid_t gid = cred.kernel_gid(perm.gid);
    if (uid == kNoId || gid == kNoId) return Errno::EINVAL;
    object.uid = uid;
    object.gid = gid;
    object.mode = (object.mode & ~0777u) | (perm.mode & 0777);
    object.ctime = ipc_now();
    return {};
}
