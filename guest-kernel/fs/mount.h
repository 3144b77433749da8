// Mount: one file system made visible at one place, and the table of them (mount(2), mount_namespaces(7)).
//
// Guarantees: a Mount keeps its SuperBlock and its place alive. Mounts stack: the last one made at a place is
// the one seen. The table changes under a mutex (LockRank::kNamespace) and is searched under a spin lock
// (kMounts).
//
// Propagation (Linux, Documentation/filesystems/sharedsubtree.rst): mounts of one peer group have the same mounts below them; a
// mount that has a group for its master gets what is mounted there, and gives nothing back. Groups are numbers: fs/mount.cpp
// has the table and what is mounted where, fs/mount_propagation.cpp what follows from groups.
#pragma once

#include "core/list.h"
#include "core/string_buf.h"
#include "core/vector.h"
#include "fs/dentry.h"
#include "task/namespace.h"

struct FsStruct;
struct MntNamespace;

/// How a mount keeps access times: one choice of several flags.
constexpr u64 kMountAtime = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

class Mount final : public RefCounted {
  public:
    static Result<RefPtr<Mount>> make(RefPtr<SuperBlock> super, RefPtr<Dentry> root_dentry,
                                      const char* source, u64 mount_flags);
    ~Mount() override;

    /// Where it is mounted; empty for the root of the tree and after detaching.
    Path mountpoint() const;
    bool detached() const { return !attached_; }
    bool read_only() const { return (flags & MS_RDONLY) || sb->read_only; }

    RefPtr<SuperBlock> sb;
    RefPtr<Dentry> root;
    KString source;
    u64 flags;  ///< MS_RDONLY MS_NOSUID MS_NODEV MS_NOEXEC MS_NOATIME MS_NODIRATIME MS_RELATIME
    const u32 id;
    MntNamespace* ns = nullptr;  ///< under the mount table's lock
    bool locked = false;  ///< came from a more privileged namespace (MNT_LOCKED); under the mutex of changes
    /// Those of `flags` that stay, for the same reason (MNT_LOCK_…); under the mutex of changes. kMountAtime: all three of it.
    u64 locked_flags = 0;

    // Changed under the mutex of changes; read at any time.
    u32 peer_group() const { return __atomic_load_n(&group_, __ATOMIC_RELAXED); }     ///< 0: not shared
    u32 master_group() const { return __atomic_load_n(&master_, __ATOMIC_RELAXED); }  ///< 0: no slave
    bool unbindable() const { return __atomic_load_n(&unbindable_, __ATOMIC_RELAXED); }

  private:
    Mount(RefPtr<SuperBlock> super, RefPtr<Dentry> root_dentry, KString source_text, u64 mount_flags);

    Path place_;
    bool attached_ = false;
    ListNode node_;
    u32 group_ = 0, master_ = 0;
    bool unbindable_ = false;
    u32 uses_ = 0;         // walks into it while expiry_ is set
    u32 expiry_ = 0;       // uses_ at the last umount2(MNT_EXPIRE), and one more; 0: none yet
    bool in_set_ = false;  // while a change goes on: among those it takes away
    friend struct MountTable;
};

/// The mounts that its tasks see (mount_namespaces(7)), or those of a tree that is not yet attached; they go with it.
struct MntNamespace : Namespace {
    explicit MntNamespace(u64 number) : Namespace(number) {}
    MntNamespace(u64 number, UserNamespace* owner_ns, UserCounts* payer)
        : Namespace(number, owner_ns, payer, CountedNs::kMnt) {}
    ~MntNamespace() override;
    RefPtr<Mount>
        root;  ///< changed under the mutex of changes: by pivot_root, and when a detached tree is attached
    bool is_anonymous = false;  ///< of a tree that is attached nowhere; fixed once it has mounts
};
MntNamespace& init_mnt_namespace();
/// Into `fresh`, which is empty, a copy of every mount of `old`; `fs` then stands where it stood, in the copy. With
/// another owner they are locked: they and their flags stay as they are. ENOMEM.
Result<void> copy_mounts(MntNamespace& old, MntNamespace& fresh, FsStruct& fs);
/// CAP_SYS_ADMIN over the caller's mounts.
bool may_mount();
Path namespace_root(const MntNamespace& ns);
/// pivot_root(2) below its checks of rights: where `old_root` (the caller's root) was is `new_root`, and it is at `put_old`.
/// EINVAL, EBUSY.
Result<void> pivot_mounts(const Path& old_root, const Path& new_root, const Path& put_old);

/// Makes `mount` the root of the tree (once, at boot).
void set_root_mount(RefPtr<Mount> mount);
Path root_path();

/// What is seen at `path`: follows mounts made there, to the topmost.
Path topmost(Path path);

/// How many mounts there may be (/proc/sys/fs/mount-max).
constexpr u32 kMountMax = 100000;

/// Mounts `mount` over `where`, and wherever that propagates to. ENOTDIR (directories on directories, files on files), ENOENT
/// (removed), EINVAL (another namespace), ENOSPC (too many mounts), ENOMEM.
Result<void> attach_mount(RefPtr<Mount> mount, const Path& where);
/// umount2 with its flags: EINVAL when `path` is no mount's root, EBUSY while in use unless MNT_DETACH, EAGAIN (MNT_EXPIRE).
Result<void> detach_mount(const Path& path, int flags);
/// mount --move; `from` may be the root of a tree that is not attached.
Result<void> move_mount(const Path& from, const Path& to);
/// mount --bind: a clone of what is at `from`, if `recursive` with what is mounted below, appears at `where`.
Result<void> bind_mount(const Path& from, const Path& where, bool recursive);
/// The same, but attached nowhere (OPEN_TREE_CLONE): in a namespace of its own, whose root it is.
Result<RefPtr<MntNamespace>> clone_tree(const Path& from, bool recursive);
/// A namespace for one mount that is attached nowhere (fsmount).
Result<RefPtr<MntNamespace>> detached_namespace(RefPtr<Mount> mount);
/// mount --make-{shared,slave,private,unbindable}: `type` is MS_SHARED or its kin. EINVAL, ENOMEM.
Result<void> change_propagation(const Path& where, u64 type, bool recursive);
/// May the mount at `where` have these flags (mount -o remount)? EINVAL: no mount's root, or another namespace's; EPERM: one of
/// them is locked.
Result<void> check_mount_flags(const Path& where, u64 flags);
/// Gives it these flags, after the same checks.
Result<void> set_mount_flags(const Path& where, u64 flags);
/// mount_setattr(2): MS_… flags to set and to clear, and a propagation type or 0. EINVAL, EPERM (locked).
Result<void> change_mounts(const Path& where, bool recursive, u64 set, u64 clear, u64 propagation);
/// The group nearest to `mount`'s master that has a mount in `mount`'s namespace (mountinfo's propagate_from); 0: none.
u32 dominating_group(const Mount& mount);

/// The mounts in the order in which they were made, for /proc/mounts.
Result<Vec<RefPtr<Mount>>> list_mounts();

/// EROFS when `path`'s file system or mount may not be written.
Result<void> require_writable(const Path& path);
