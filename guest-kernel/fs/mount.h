// Mount: one file system made visible at one place, and the table of them (mount(2), mount_namespaces(7)).
//
// Guarantees: a Mount keeps its SuperBlock and its place alive. Mounts stack: the last one made at a place is
// the one seen. The table changes under a mutex (LockRank::kNamespace) and is searched under a spin lock
// (kMounts).
#pragma once

#include "core/list.h"
#include "core/string_buf.h"
#include "core/vector.h"
#include "fs/dentry.h"
#include "task/namespace.h"

struct FsStruct;
struct MntNamespace;

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

  private:
    Mount(RefPtr<SuperBlock> super, RefPtr<Dentry> root_dentry, KString source_text, u64 mount_flags);

    Path place_;
    bool attached_ = false;
    ListNode node_;
    friend struct MountTable;
};

/// The mounts that its tasks see (mount_namespaces(7)); they go with it. Every mount is private.
struct MntNamespace : Namespace {
    using Namespace::Namespace;
    ~MntNamespace() override;
    RefPtr<Mount> root;  ///< changed by pivot_root only, under the mutex of changes
};
MntNamespace& init_mnt_namespace();
/// A copy of every mount of `old`; `fs` then stands where it stood, in the copy. ENOMEM.
Result<RefPtr<MntNamespace>> copy_mounts(MntNamespace& old, u64 ino, FsStruct& fs);
Path namespace_root(const MntNamespace& ns);
/// pivot_root(2) below its checks of rights: where `old_root` (the caller's root) was is `new_root`, and it is at `put_old`.
/// EINVAL, EBUSY.
Result<void> pivot_mounts(const Path& old_root, const Path& new_root, const Path& put_old);

/// Makes `mount` the root of the tree (once, at boot).
void set_root_mount(RefPtr<Mount> mount);
Path root_path();

/// What is seen at `path`: follows mounts made there, to the topmost.
Path topmost(Path path);

/// Mounts `mount` over `where`. ENOTDIR (directories on directories, files on files), ENOENT (removed).
Result<void> attach_mount(RefPtr<Mount> mount, const Path& where);
/// umount2: EINVAL when `path` is no mount's root, EBUSY while in use unless `lazy`.
Result<void> detach_mount(const Path& path, bool lazy);
/// mount --move.
Result<void> move_mount(const Path& from, const Path& to);
/// Recursive bind: clones of the mounts below `from` appear at the same places below `clone`.
Result<void> clone_submounts(const Path& from, const RefPtr<Mount>& clone);

/// The mounts in the order in which they were made, for /proc/mounts.
Result<Vec<RefPtr<Mount>>> list_mounts();

/// EROFS when `path`'s file system or mount may not be written.
Result<void> require_writable(const Path& path);
