// The mount table: what is mounted where (fs/mount.h).
#include "fs/mount.h"

#include "fs/fs_struct.h"
#include "fs/mount_table.h"
#include "fs/sync.h"
#include "fs/vfs.h"
#include "task/namespaces.h"
#include "task/task.h"

Guarded<MountTable, LockRank::kMounts> g_mount_table;
Mutex g_mount_changes{LockRank::kNamespace};

Mount* MountTable::at(const Mount* mount, const Dentry* dentry) const {
    for (Mount* m = mounts.back(); m; m = mounts.prev(m)) {
        if (m->place_.mount == mount && m->place_.dentry == dentry) return m;
    }
    return nullptr;
}
bool MountTable::has_children(const Mount& mount) const {
    for (Mount& m : mounts) {
        if (m.place_.mount == &mount) return true;
    }
    return false;
}
bool MountTable::is_above(const Mount& upper, const Mount& mount) {
    for (const Mount* m = mount.place_.mount.get(); m; m = m->place_.mount.get()) {
        if (m == &upper) return true;
    }
    return false;
}
void MountTable::insert(RefPtr<Mount> mount, const Path& where) {
    mount->place_ = where;
    mount->attached_ = true;
    count++;
    if (where) {
        where.dentry->mounts_here++;
        mount->ns = where.mount->ns;
    }
    mounts.push_back(mount.leak());
}
RefPtr<Mount> MountTable::take_out(Mount& mount, Path* old_place) {
    mount.node_.remove();
    mount.attached_ = false;
    mount.ns = nullptr;
    count--;
    if (mount.place_) mount.place_.dentry->mounts_here--;
    std::swap(*old_place, mount.place_);
    return adopt_ref(&mount);
}

namespace {

// It is never taken apart. Its number is the one that Linux's first has.
union Initial {
    Initial() : ns(0xf0000001) {}
    ~Initial() {}
    MntNamespace ns;
};
Initial g_initial;
MntNamespace& g_init_namespace = g_initial.ns;

MntNamespace& current_namespace() {
    const NsProxy* proxy = current()->nsproxy;
    return proxy ? *proxy->mnt : g_init_namespace;
}
u32 g_next_id = 1;

/// May `mount` have these flags? Not what would take away a locked one (Linux, can_change_locked_flags).
bool may_have_flags(const Mount& mount, u64 flags) {
    const u64 locked = mount.locked_flags & ~kMountAtime;
    if (locked & ~flags) return false;
    return (mount.locked_flags & kMountAtime) == 0 || ((mount.flags ^ flags) & kMountAtime) == 0;
}
/// `mount` goes where others have the say: what restricts it stays.
void lock_flags(Mount& mount) {
    mount.locked_flags |= (mount.flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) | kMountAtime;
}
/// Is something mounted on `mount`, at or below `dentry`, that may not be looked under?
bool has_locked_children(const Mount& mount, const Dentry& dentry) {
    for (Mount& m : all_mounts()) {
        const Path& place = MountTable::place(m);
        if (m.locked && place.mount == &mount && place.dentry->is_below(dentry)) return true;
    }
    return false;
}

/// Mounts that were taken out; declared before the lock, so that they go after it.
struct TakenOut {
    Vec<RefPtr<Mount>> mounts;
    Vec<Path> places;
};

bool is_shared(const Mount& mount) {
    return mount.peer_group() != 0;
}

/// Puts `tree` in: at `where`, in that namespace; what was mounted there already is now upon it.
void insert_tree(MountTree& tree) {
    const auto table = g_mount_table.lock();
    Mount* covered = table->at(tree.places[0]);
    for (size_t i = 0; i < tree.mounts.size(); i++) table->insert(std::move(tree.mounts[i]), tree.places[i]);
    if (!covered) return;
    Mount* top = table->at(tree.places[0]);
    Path old_place;
    RefPtr<Mount> moved = table->take_out(*covered, &old_place);
    table->insert(std::move(moved), Path(RefPtr<Mount>(top), top->root));
}

/// Mounts `tree` at its place and everywhere that propagates to. A tree whose mounts are in the table already moves. What
/// can fail is done before anything changes.
Result<void> graft(MountTree& tree, bool moves) {
    const Path where = tree.places[0];
    Vec<MountTree> copies;
    Vec<u32> groups;
    TRY(propagate_tree(tree, where, copies, groups));
    if (g_mount_table.lock()->count + (copies.size() + 1) * tree.mounts.size() > kMountMax)
        return Errno::ENOSPC;
    for (size_t i = 0; i < groups.size(); i++)
        __atomic_store_n(&MountTable::group(*tree.mounts[i]), groups[i], __ATOMIC_RELAXED);
    if (moves) {
        Path old_place;
        const auto table = g_mount_table.lock();
        RefPtr<Mount> top = table->take_out(*tree.mounts[0], &old_place);
        table->insert(std::move(top), where);
        for (RefPtr<Mount>& m : tree.mounts) m->ns = where.mount->ns;
    } else {
        insert_tree(tree);
    }
    for (MountTree& copy : copies) {
        const bool others = copy.places[0].mount->ns->owner != current_namespace().owner;
        for (size_t i = 0; others && i < copy.mounts.size(); i++) {
            lock_flags(*copy.mounts[i]);
            copy.mounts[i]->locked |= i > 0;
        }
        insert_tree(copy);
    }
    return {};
}

/// Where something is to be mounted at `where`: the top of what is there. EINVAL, ENOENT.
Result<Path> mount_place(const Path& where) {
    Path top = topmost(where);
    if (!top.mount || top.mount->ns != &current_namespace()) return Errno::EINVAL;
    if (!top.dentry->is_root() && !top.dentry->hashed()) return Errno::ENOENT;
    return top;
}

bool contains_unbindable(const MountTree& tree) {
    for (const RefPtr<Mount>& m : tree.mounts) {
        if (m->unbindable()) return true;
    }
    return false;
}

}  // namespace

Result<void> MountTree::push(RefPtr<Mount> mount, Path place) {
    TRY(mounts.push(std::move(mount)));
    return places.push(std::move(place));
}

Result<MountTree> tree_of(Mount& top, const Dentry* within) {
    MountTree tree;
    TRY(tree.push(RefPtr<Mount>(&top), MountTable::place(top)));
    for (size_t i = 0; i < tree.mounts.size(); i++) {
        for (Mount& m : all_mounts()) {
            const Path& place = MountTable::place(m);
            if (!(place.mount == tree.mounts[i])) continue;
            if (i == 0 && within && !place.dentry->is_below(*within)) continue;
            TRY(tree.push(RefPtr<Mount>(&m), place));
        }
    }
    return tree;
}

Result<MountTree> copy_tree(const MountTree& tree, RefPtr<Dentry> root, bool unbindable_too) {
    MountTree out;
    Vec<size_t> originals;  // out.mounts[i] is a copy of tree.mounts[originals[i]]
    for (size_t i = 0; i < tree.mounts.size(); i++) {
        Mount& from = *tree.mounts[i];
        Path place;
        for (size_t n = 0; i > 0 && n < originals.size(); n++) {
            if (tree.places[i].mount == tree.mounts[originals[n]])
                place = Path(out.mounts[n], tree.places[i].dentry);
        }
        if (i > 0 && (!place || (from.unbindable() && !unbindable_too))) continue;
        RefPtr<Mount> copy =
            TRY(Mount::make(from.sb, i == 0 ? root : from.root, from.source.c_str(), from.flags));
        copy->locked = from.locked && i > 0;
        copy->locked_flags = from.locked_flags;
        MountTable::group(*copy) = from.peer_group();
        MountTable::master(*copy) = from.master_group();
        MountTable::unbindable(*copy) = unbindable_too && from.unbindable();
        TRY(out.push(std::move(copy), std::move(place)));
        TRY(originals.push(i));
    }
    return out;
}

Mount::Mount(RefPtr<SuperBlock> super, RefPtr<Dentry> root_dentry, KString source_text, u64 mount_flags)
    : sb(std::move(super)),
      root(std::move(root_dentry)),
      source(std::move(source_text)),
      flags(mount_flags),
      id(__atomic_fetch_add(&g_next_id, 1, __ATOMIC_RELAXED)) {}

Mount::~Mount() {
    root.reset();
    if (sb->ref_count() > 1) return;
    // Nobody is left to tell of errors; the log has them.
    (void)(sb->mounted_device ? sync_filesystem(*sb) : sb->sync()).ok();
    sb->shutdown();
}

Result<RefPtr<Mount>> Mount::make(RefPtr<SuperBlock> super, RefPtr<Dentry> root_dentry, const char* source,
                                  u64 mount_flags) {
    KString text = TRY(KString::make(source));
    Mount* m =
        new (std::nothrow) Mount(std::move(super), std::move(root_dentry), std::move(text), mount_flags);
    if (!m) return Errno::ENOMEM;
    return adopt_ref(m);
}

Path Mount::mountpoint() const {
    const auto table = g_mount_table.lock();
    return place_;
}

void set_root_mount(RefPtr<Mount> mount) {
    g_init_namespace.root = mount;
    mount->ns = &g_init_namespace;
    g_mount_table.lock()->insert(std::move(mount), Path{});
}

Path root_path() {
    return namespace_root(g_init_namespace);
}

Path topmost(Path path) {
    while (__atomic_load_n(&path.dentry->mounts_here, __ATOMIC_RELAXED) != 0) {
        RefPtr<Mount> over =
            g_mount_table.with([&](MountTable& table) { return RefPtr<Mount>(table.at(path)); });
        if (!over) break;
        MountTable::use(*over);
        RefPtr<Dentry> its_root = over->root;
        path = Path(std::move(over), std::move(its_root));
    }
    return path;
}

Result<void> attach_mount(RefPtr<Mount> mount, const Path& where) {
    MutexGuard guard(g_mount_changes);
    Path top = TRY(mount_place(where));
    if (mount->root->inode().is_dir() != top.inode().is_dir()) return Errno::ENOTDIR;
    MountTree tree;
    TRY(tree.push(std::move(mount), std::move(top)));
    return graft(tree, false);
}

namespace {

/// What umount takes away besides `set`: the mounts that propagated from those, unless something stays mounted on them.
Result<void> add_propagated(Vec<Mount*>& set) {
    const auto is_in_use = [](Mount* mount) {
        for (Mount& m : all_mounts()) {
            if (MountTable::place(m).mount == mount && !MountTable::in_set(m)) return true;
        }
        return false;
    };
    const size_t asked = set.size();
    for (size_t i = 0; i < asked; i++) {
        const Path& place = MountTable::place(*set[i]);
        if (!place) continue;
        Vec<Mount*> found;
        TRY(propagated_mounts(*place.mount, *place.dentry, found));
        for (Mount* m : found) {
            TRY(set.push(m));
            MountTable::in_set(*m) = true;
        }
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = set.size(); i-- > asked;) {
            if (!is_in_use(set[i])) continue;
            MountTable::in_set(*set[i]) = false;
            set.erase(i);
            again = true;
        }
    }
    return {};
}

/// Takes all of `set` out of the table. ENOMEM: nothing has changed.
Result<void> take_out_all(const Vec<Mount*>& set, TakenOut& out) {
    TRY(out.mounts.reserve(set.size()));
    TRY(out.places.reserve(set.size()));
    for (Mount* m : set) set_propagation(*m, MS_PRIVATE);
    const auto table = g_mount_table.lock();
    for (Mount* m : set) {
        Path place;
        (void)out.mounts.push(table->take_out(*m, &place)).ok();
        (void)out.places.push(std::move(place)).ok();
    }
    return {};
}

/// EBUSY: somebody uses one of `set`. `path`'s reference to the first is the caller's own.
Result<void> require_unused(const Vec<Mount*>& set) {
    for (size_t i = 0; i < set.size(); i++) {
        if (set[i]->ref_count() > (i == 0 ? 2u : 1u)) return Errno::EBUSY;
    }
    return {};
}

Result<void> detach_locked(Mount& mount, int flags, Vec<Mount*>& set, TakenOut& out) {
    if (flags & MNT_DETACH) {
        const MountTree tree = TRY(tree_of(mount, nullptr));  // what is mounted below goes with it
        for (size_t i = tree.mounts.size(); i-- > 0;) TRY(set.push(tree.mounts[i].get()));
    } else {
        if (g_mount_table.lock()->has_children(mount)) return Errno::EBUSY;
        TRY(set.push(&mount));
    }
    for (Mount* m : set) MountTable::in_set(*m) = true;
    TRY(add_propagated(set));
    if ((flags & MNT_DETACH) == 0) TRY(require_unused(set));
    return take_out_all(set, out);
}

}  // namespace

Result<void> detach_mount(const Path& path, int flags) {
    TakenOut out;
    MutexGuard guard(g_mount_changes);
    Mount& mount = *path.mount;
    if (!(path.dentry == mount.root) || mount.detached()) return Errno::EINVAL;
    if (mount.ns != &current_namespace() || &mount == mount.ns->root.get()) return Errno::EINVAL;
    if (mount.locked) return Errno::EINVAL;
    if (flags & MNT_EXPIRE) {
        if (mount.ref_count() > 2) return Errno::EBUSY;
        if (!MountTable::expires(mount)) return Errno::EAGAIN;
    }
    Vec<Mount*> set;
    const Result<void> done = detach_locked(mount, flags, set, out);
    for (Mount* m : set) MountTable::in_set(*m) = false;
    return done.ok() ? Result<void>() : Result<void>(done.error());
}

Result<void> move_mount(const Path& from, const Path& to) {
    MutexGuard guard(g_mount_changes);
    Mount& mount = *from.mount;
    if (!(from.dentry == mount.root) || mount.detached()) return Errno::EINVAL;
    Path top = TRY(mount_place(to));
    const Path& old_place = MountTable::place(mount);
    const bool is_tree_root = &mount == mount.ns->root.get();
    const bool is_anonymous = is_tree_root && mount.ns->is_anonymous;
    if (is_anonymous ? false : mount.ns != &current_namespace() || is_tree_root) return Errno::EINVAL;
    if (mount.locked) return Errno::EINVAL;
    if (from.inode().is_dir() != top.inode().is_dir()) return Errno::EINVAL;
    if (old_place && is_shared(*old_place.mount)) return Errno::EINVAL;
    MountTree tree = TRY(tree_of(mount, nullptr));
    if (is_shared(*top.mount) && contains_unbindable(tree)) return Errno::EINVAL;
    if (top.mount == &mount || MountTable::is_above(mount, *top.mount)) return Errno::ELOOP;
    MntNamespace* left = is_anonymous ? mount.ns : nullptr;
    RefPtr<Mount> keep(&mount);
    tree.places[0] = std::move(top);
    TRY(graft(tree, true));
    if (left) left->root.reset();
    return {};
}

namespace {

/// What a bind or open_tree shows of `from`. EINVAL: it may not be shown, or only with what covers it.
Result<MountTree> clones_of(const Path& from, bool recursive) {
    if (from.mount->unbindable()) return Errno::EINVAL;
    if (!recursive && has_locked_children(*from.mount, *from.dentry)) return Errno::EINVAL;
    MountTree original;
    if (recursive)
        original = TRY(tree_of(*from.mount, from.dentry.get()));
    else
        TRY(original.push(from.mount, Path{}));
    return copy_tree(original, from.dentry, false);
}

}  // namespace

Result<void> bind_mount(const Path& from, const Path& where, bool recursive) {
    MutexGuard guard(g_mount_changes);
    Path top = TRY(mount_place(where));
    if (from.mount->ns != &current_namespace()) return Errno::EINVAL;
    MountTree tree = TRY(clones_of(from, recursive));
    if (from.inode().is_dir() != top.inode().is_dir()) return Errno::ENOTDIR;
    tree.places[0] = std::move(top);
    return graft(tree, false);
}

Result<RefPtr<MntNamespace>> detached_namespace(RefPtr<Mount> mount) {
    RefPtr<MntNamespace> ns = TRY(make_ref<MntNamespace>(next_namespace_ino()));
    MutexGuard guard(g_mount_changes);
    ns->is_anonymous = true;
    ns->root = mount;
    mount->ns = ns.get();
    g_mount_table.lock()->insert(std::move(mount), Path{});
    return ns;
}

Result<RefPtr<MntNamespace>> clone_tree(const Path& from, bool recursive) {
    RefPtr<MntNamespace> ns = TRY(make_ref<MntNamespace>(next_namespace_ino()));
    MutexGuard guard(g_mount_changes);
    if (from.mount->ns != &current_namespace() && !(from.mount->ns && from.mount->ns->is_anonymous))
        return Errno::EINVAL;
    MountTree tree = TRY(clones_of(from, recursive));
    ns->is_anonymous = true;
    ns->root = tree.mounts[0];
    tree.mounts[0]->ns = ns.get();
    const auto table = g_mount_table.lock();
    for (size_t i = 0; i < tree.mounts.size(); i++) table->insert(std::move(tree.mounts[i]), tree.places[i]);
    return ns;
}

Result<void> change_propagation(const Path& where, u64 type, bool recursive) {
    MutexGuard guard(g_mount_changes);
    if (!(where.dentry == where.mount->root) || where.mount->ns != &current_namespace()) return Errno::EINVAL;
    MountTree tree;
    if (recursive)
        tree = TRY(tree_of(*where.mount, nullptr));
    else
        TRY(tree.push(where.mount, Path{}));
    for (RefPtr<Mount>& m : tree.mounts) set_propagation(*m, type);
    return {};
}

namespace {

// With the mutex of changes held.
Result<void> check_flags_of(const Path& where, u64 flags) {
    const Mount& mount = *where.mount;
    if (!(where.dentry == mount.root) || mount.ns != &current_namespace()) return Errno::EINVAL;
    return may_have_flags(mount, flags) ? Result<void>() : Result<void>(Errno::EPERM);
}

}  // namespace

Result<void> check_mount_flags(const Path& where, u64 flags) {
    MutexGuard guard(g_mount_changes);
    return check_flags_of(where, flags);
}

Result<void> set_mount_flags(const Path& where, u64 flags) {
    MutexGuard guard(g_mount_changes);
    TRY(check_flags_of(where, flags));
    where.mount->flags = flags;
    return {};
}

Result<void> change_mounts(const Path& where, bool recursive, u64 set, u64 clear, u64 propagation) {
    MutexGuard guard(g_mount_changes);
    Mount& top = *where.mount;
    const bool anonymous = top.ns && top.ns->is_anonymous;
    if (!(where.dentry == top.root) || (top.ns != &current_namespace() && !anonymous)) return Errno::EINVAL;
    MountTree tree;
    if (recursive)
        tree = TRY(tree_of(top, nullptr));
    else
        TRY(tree.push(where.mount, Path{}));
    for (const RefPtr<Mount>& m : tree.mounts) {
        if (!may_have_flags(*m, (m->flags & ~clear) | set)) return Errno::EPERM;
    }
    for (RefPtr<Mount>& m : tree.mounts) {
        m->flags = (m->flags & ~clear) | set;
        if (propagation) set_propagation(*m, propagation);
    }
    return {};
}

Result<Vec<RefPtr<Mount>>> list_mounts() {
    Vec<RefPtr<Mount>> out;
    const auto table = g_mount_table.lock();
    const MntNamespace& ns = current_namespace();
    for (Mount& m : table->mounts) {
        if (m.ns == &ns) TRY(out.push(RefPtr<Mount>(&m)));
    }
    return out;
}

Result<void> require_writable(const Path& path) {
    return path.mount && path.mount->read_only() ? Result<void>(Errno::EROFS) : Result<void>();
}

MntNamespace& init_mnt_namespace() {
    return g_init_namespace;
}

Path namespace_root(const MntNamespace& ns) {
    return Path(ns.root, ns.root->root);
}

// Its last task is gone: nobody can look at its mounts any more but by what it holds of them.
MntNamespace::~MntNamespace() {
    constexpr size_t kAtOnce = 32;  // for which the mutex is taken
    root.reset();
    for (size_t count = kAtOnce; count == kAtOnce;) {
        RefPtr<Mount> gone[kAtOnce];  // go after the mutex
        Path places[kAtOnce];
        MutexGuard guard(g_mount_changes);
        count = 0;
        all_mounts().for_each_safe([&](Mount& m) {
            if (m.ns != this || count == kAtOnce) return;
            set_propagation(m, MS_PRIVATE);
            gone[count] = g_mount_table.lock()->take_out(m, &places[count]);
            count++;
        });
    }
}

namespace {

/// `place` in the copy of its mount.
Path translate(const MountTree& from, const MountTree& to, const Path& place) {
    for (size_t i = 0; i < from.mounts.size(); i++) {
        if (from.mounts[i] == place.mount) return Path(to.mounts[i], place.dentry);
    }
    return place;
}

}  // namespace

bool may_mount() {
    return current()->cred.has_in(current_namespace().owner, kCapSysAdmin);
}

Result<void> copy_mounts(MntNamespace& old, MntNamespace& fresh, FsStruct& fs) {
    const bool less_privileged = fresh.owner != old.owner;
    MutexGuard guard(g_mount_changes);
    const MountTree originals = TRY(tree_of(*old.root, nullptr));
    MountTree copies = TRY(copy_tree(originals, old.root->root, true));
    if (g_mount_table.lock()->count + copies.mounts.size() > kMountMax) return Errno::ENOSPC;
    fresh.root = copies.mounts[0];
    copies.mounts[0]->ns = &fresh;
    for (size_t i = 0; i < copies.mounts.size(); i++) {
        Mount& copy = *copies.mounts[i];
        copy.locked = originals.mounts[i]->locked || (less_privileged && i > 0);
        if (less_privileged) lock_flags(copy);
        // What is mounted there is not seen outside; the other way round it is.
        if (less_privileged && is_shared(copy)) set_propagation(copy, MS_SLAVE);
        g_mount_table.lock()->insert(RefPtr<Mount>(copies.mounts[i]), i ? copies.places[i] : Path{});
    }
    fs.set_root(translate(originals, copies, fs.root()));
    fs.set_cwd(translate(originals, copies, fs.cwd()));
    return {};
}

Result<void> pivot_mounts(const Path& old_root, const Path& new_root, const Path& put_old) {
    MutexGuard guard(g_mount_changes);
    MntNamespace& ns = current_namespace();
    const Path put = topmost(put_old);
    if (new_root.mount->ns != &ns || put.mount->ns != &ns || new_root.mount->locked) return Errno::EINVAL;
    const Path above = old_root.mount->mountpoint();
    const Path new_above = new_root.mount->mountpoint();
    if (is_shared(*put.mount) || (above && is_shared(*above.mount)) ||
        (new_above && is_shared(*new_above.mount)))
        return Errno::EINVAL;
    if (new_root.mount == old_root.mount || put.mount == old_root.mount) return Errno::EBUSY;
    if (!(old_root.dentry == old_root.mount->root) || !(new_root.dentry == new_root.mount->root))
        return Errno::EINVAL;
    if (!above || !new_above) return Errno::EINVAL;  // the first of all cannot be moved
    bool below = false;                              // is put_old at or below new_root?
    for (Path p = put; p; p = p.mount->mountpoint()) {
        below |= p.mount == new_root.mount && p.dentry->is_below(*new_root.dentry);
    }
    if (!below) return Errno::EINVAL;
    Path old_place, new_place;
    std::swap(new_root.mount->locked, old_root.mount->locked);  // what covers a place covers it still
    const auto table = g_mount_table.lock();
    RefPtr<Mount> moved_new = table->take_out(*new_root.mount, &new_place);
    RefPtr<Mount> moved_old = table->take_out(*old_root.mount, &old_place);
    table->insert(std::move(moved_new), above);
    table->insert(std::move(moved_old), put);
    return {};
}
