// The mount table, for fs/mount.cpp and fs/mount_propagation.cpp alone.
//
// Locks: the table changes with both the mutex of changes and the table's spin lock held, so that whoever has the mutex may go
// through it without the other.
#pragma once

#include "fs/mount.h"
#include "sync/guarded.h"

struct MountTable {
    List<Mount, &Mount::node_> mounts;  // in the order made; each holds a reference
    u32 count = 0;

    /// The topmost mount made directly at (mount, dentry).
    Mount* at(const Mount* mount, const Dentry* dentry) const;
    Mount* at(const Path& path) const { return at(path.mount.get(), path.dentry.get()); }
    bool has_children(const Mount& mount) const;
    static bool is_above(const Mount& upper, const Mount& mount);
    void insert(RefPtr<Mount> mount, const Path& where);
    /// Takes `mount` out; the table's reference and its old place go to the caller.
    RefPtr<Mount> take_out(Mount& mount, Path* old_place);

    // What the two files may see of a Mount.
    static const Path& place(const Mount& m) { return m.place_; }
    static u32& group(Mount& m) { return m.group_; }
    static u32& master(Mount& m) { return m.master_; }
    static bool& unbindable(Mount& m) { return m.unbindable_; }
    static bool& in_set(Mount& m) { return m.in_set_; }
    static bool attached(const Mount& m) { return m.attached_; }
    /// Goes into `m` on a walk.
    static void use(Mount& m) {
        if (__atomic_load_n(&m.expiry_, __ATOMIC_RELAXED)) __atomic_add_fetch(&m.uses_, 1, __ATOMIC_RELAXED);
    }
    /// MNT_EXPIRE: true when nobody but the caller has used it since the last time.
    static bool expires(Mount& m) {
        const u32 uses = __atomic_load_n(&m.uses_, __ATOMIC_RELAXED);
        const bool unused = m.expiry_ != 0 && uses == m.expiry_;
        __atomic_store_n(&m.expiry_, uses + 1, __ATOMIC_RELAXED);
        return unused;
    }
};

extern Guarded<MountTable, LockRank::kMounts> g_mount_table;
/// Bare: held over a change as a whole, from its checks on.
extern Mutex g_mount_changes;

/// For whoever holds the mutex of changes: nobody else changes it.
inline auto& all_mounts() {
    return g_mount_table.lock()->mounts;
}

/// Mounts and where they stand to each other: places[i] is in one of the mounts before it, places[0] where all of it goes.
struct MountTree {
    Vec<RefPtr<Mount>> mounts;
    Vec<Path> places;
    Result<void> push(RefPtr<Mount> mount, Path place);
};
/// The mounts at and below `top`, parents first; those below only where `within` (a dentry of top's) leads to.
Result<MountTree> tree_of(Mount& top, const Dentry* within);
/// Clones, each in the peer group and with the master of its original. `root`: what the first one shows. Without
/// `unbindable_too` such mounts and what is below them are left out.
Result<MountTree> copy_tree(const MountTree& tree, RefPtr<Dentry> root, bool unbindable_too);

// Propagation, all with the mutex of changes held.
u32 new_peer_group();
/// Makes `mount` of the `type` MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE.
void set_propagation(Mount& mount, u64 type);
/// Copies of `tree` for all that get what is mounted at `where`, ready to be inserted; the tree's own new groups are in
/// `groups` (one for each mount), which are to be set when nothing can fail any more.
Result<void> propagate_tree(const MountTree& tree, const Path& where, Vec<MountTree>& copies,
                            Vec<u32>& groups);
/// The mounts at `dentry` of all that get what is mounted at `dentry` of `parent`.
Result<void> propagated_mounts(const Mount& parent, const Dentry& dentry, Vec<Mount*>& out);
