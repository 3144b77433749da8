// The mount table.
#include "fs/mount.h"

#include "fs/fs_struct.h"
#include "fs/sync.h"
#include "sync/guarded.h"
#include "task/namespaces.h"
#include "task/task.h"

struct MountTable {
    List<Mount, &Mount::node_> mounts;  // in the order made; each holds a reference

    /// The topmost mount made directly at (mount, dentry).
    Mount* at(const Path& path) const {
        for (Mount* m = mounts.back(); m; m = mounts.prev(m)) {
            if (m->place_ == path) return m;
        }
        return nullptr;
    }
    bool has_children(const Mount& mount) const {
        for (Mount& m : mounts) {
            if (m.place_.mount == &mount) return true;
        }
        return false;
    }
    static bool is_above(const Mount& upper, const Mount& mount) {
        for (const Mount* m = mount.place_.mount.get(); m; m = m->place_.mount.get()) {
            if (m == &upper) return true;
        }
        return false;
    }
    void insert(RefPtr<Mount> mount, const Path& where) {
        mount->place_ = where;
        mount->attached_ = true;
        if (where) {
            where.dentry->mounts_here++;
            mount->ns = where.mount->ns;
        }
        mounts.push_back(mount.leak());
    }
    /// Takes `mount` out; the table's reference and its old place go to the caller.
    RefPtr<Mount> take_out(Mount& mount, Path* old_place) {
        mount.node_.remove();
        mount.attached_ = false;
        mount.ns = nullptr;
        if (mount.place_) mount.place_.dentry->mounts_here--;
        std::swap(*old_place, mount.place_);
        return adopt_ref(&mount);
    }
};

namespace {
Guarded<MountTable, LockRank::kMounts> g_table;
// Bare: held over a change as a whole, from its checks on.
Mutex g_changes{LockRank::kNamespace};
MntNamespace g_init_namespace(0xf0000001);  // with the number that Linux's first one has

MntNamespace& current_namespace() {
    const NsProxy* proxy = current()->nsproxy;
    return proxy ? *proxy->mnt : g_init_namespace;
}
u32 g_next_id = 1;
}  // namespace

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
    const auto table = g_table.lock();
    return place_;
}

void set_root_mount(RefPtr<Mount> mount) {
    g_init_namespace.root = mount;
    mount->ns = &g_init_namespace;
    g_table.lock()->insert(std::move(mount), Path{});
}

Path root_path() {
    return namespace_root(g_init_namespace);
}

Path topmost(Path path) {
    while (__atomic_load_n(&path.dentry->mounts_here, __ATOMIC_RELAXED) != 0) {
        RefPtr<Mount> over = g_table.with([&](MountTable& table) { return RefPtr<Mount>(table.at(path)); });
        if (!over) break;
        RefPtr<Dentry> its_root = over->root;
        path = Path(std::move(over), std::move(its_root));
    }
    return path;
}

Result<void> attach_mount(RefPtr<Mount> mount, const Path& where) {
    MutexGuard guard(g_changes);
    const Path top = topmost(where);
    if (!top.mount || top.mount->ns != &current_namespace()) return Errno::EINVAL;
    if (mount->root->inode().is_dir() != top.inode().is_dir()) return Errno::ENOTDIR;
    if (!top.dentry->is_root() && !top.dentry->hashed()) return Errno::ENOENT;
    g_table.lock()->insert(std::move(mount), top);
    return {};
}

Result<void> detach_mount(const Path& path, bool lazy) {
    RefPtr<Mount> gone;
    Path place;
    MutexGuard guard(g_changes);
    if (!(path.dentry == path.mount->root) || path.mount->detached()) return Errno::EINVAL;
    if (path.mount->ns != &current_namespace() || path.mount == path.mount->ns->root) return Errno::EINVAL;
    if (!lazy) {
        // The table's reference and the caller's; one more is somebody using it.
        if (path.mount->ref_count() > 2) return Errno::EBUSY;
        if (g_table.lock()->has_children(*path.mount)) return Errno::EBUSY;
    } else {
        for (;;) {  // what is mounted below goes with it
            Mount* child = g_table.with([&](MountTable& table) {
                Mount* last = nullptr;
                for (Mount& m : table.mounts) {
                    if (MountTable::is_above(*path.mount, m) && !table.has_children(m)) last = &m;
                }
                return last;
            });
            if (!child) break;
            Path child_place;
            RefPtr<Mount> child_gone = g_table.lock()->take_out(*child, &child_place);
        }
    }
    gone = g_table.lock()->take_out(*path.mount, &place);
    return {};
}

Result<void> move_mount(const Path& from, const Path& to) {
    MutexGuard guard(g_changes);
    if (!(from.dentry == from.mount->root) || from.mount->detached()) return Errno::EINVAL;
    if (from.mount->ns != &current_namespace() || from.mount == from.mount->ns->root) return Errno::EINVAL;
    const Path top = topmost(to);
    if (from.inode().is_dir() != top.inode().is_dir()) return Errno::ENOTDIR;
    for (Path p = top; p; p = p.mount->mountpoint()) {
        if (p.mount == from.mount) return Errno::ELOOP;  // into itself
    }
    Path old_place;
    RefPtr<Mount> mount = g_table.lock()->take_out(*from.mount, &old_place);
    g_table.lock()->insert(std::move(mount), top);
    return {};
}

Result<void> clone_submounts(const Path& from, const RefPtr<Mount>& clone) {
    Vec<RefPtr<Mount>> all = TRY(list_mounts());
    Vec<RefPtr<Mount>> originals;  // originals[i] was cloned as copies[i]
    Vec<RefPtr<Mount>> copies;
    TRY(originals.push(from.mount));
    TRY(copies.push(clone));
    for (RefPtr<Mount>& m : all) {
        const Path place = m->mountpoint();
        if (!place || m == clone) continue;
        for (size_t i = 0; i < originals.size(); i++) {
            if (!(place.mount == originals[i]) || (i == 0 && !place.dentry->is_below(*from.dentry))) continue;
            RefPtr<Mount> copy = TRY(Mount::make(m->sb, m->root, m->source.c_str(), m->flags));
            TRY(attach_mount(copy, Path(copies[i], place.dentry)));
            TRY(originals.push(m));
            TRY(copies.push(std::move(copy)));
            break;
        }
    }
    return {};
}

Result<Vec<RefPtr<Mount>>> list_mounts() {
    Vec<RefPtr<Mount>> out;
    const auto table = g_table.lock();
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
    root.reset();
    for (;;) {
        Path place;
        RefPtr<Mount> gone = g_table.with([&](MountTable& table) -> RefPtr<Mount> {
            for (Mount* m = table.mounts.back(); m; m = table.mounts.prev(m)) {
                if (m->ns == this) return table.take_out(*m, &place);
            }
            return nullptr;
        });
        if (!gone) return;
    }
}

namespace {

struct Copied {
    RefPtr<Mount> from, to;
};

/// `place` in the copy of its mount.
Path translate(const Vec<Copied>& copies, const Path& place) {
    for (const Copied& c : copies) {
        if (c.from == place.mount) return Path(c.to, place.dentry);
    }
    return place;
}

}  // namespace

Result<RefPtr<MntNamespace>> copy_mounts(MntNamespace& old, u64 ino, FsStruct& fs) {
    RefPtr<MntNamespace> fresh = TRY(make_ref<MntNamespace>(ino));
    MutexGuard guard(g_changes);
    Vec<RefPtr<Mount>> originals;
    {
        const auto table = g_table.lock();
        for (Mount& m : table->mounts) {
            if (m.ns == &old) TRY(originals.push(RefPtr<Mount>(&m)));
        }
    }
    Vec<Copied> copies;
    for (RefPtr<Mount>& m : originals) {
        RefPtr<Mount> copy = TRY(Mount::make(m->sb, m->root, m->source.c_str(), m->flags));
        TRY(copies.push({m, std::move(copy)}));
    }
    for (const Copied& c : copies) {
        c.to->ns = fresh.get();
        if (c.from == old.root) fresh->root = c.to;
        const Path place = c.from->mountpoint();
        g_table.lock()->insert(RefPtr<Mount>(c.to), place ? translate(copies, place) : Path{});
        c.to->ns = fresh.get();
    }
    fs.set_root(translate(copies, fs.root()));
    fs.set_cwd(translate(copies, fs.cwd()));
    return fresh;
}

Result<void> pivot_mounts(const Path& old_root, const Path& new_root, const Path& put_old) {
    MutexGuard guard(g_changes);
    MntNamespace& ns = current_namespace();
    const Path put = topmost(put_old);
    if (new_root.mount->ns != &ns || put.mount->ns != &ns) return Errno::EINVAL;
    if (new_root.mount == old_root.mount || put.mount == old_root.mount) return Errno::EBUSY;
    if (!(old_root.dentry == old_root.mount->root) || !(new_root.dentry == new_root.mount->root))
        return Errno::EINVAL;
    const Path above = old_root.mount->mountpoint();
    if (!above || !new_root.mount->mountpoint()) return Errno::EINVAL;  // the first of all cannot be moved
    bool below = false;                                                 // is put_old at or below new_root?
    for (Path p = put; p; p = p.mount->mountpoint()) {
        below |= p.mount == new_root.mount && p.dentry->is_below(*new_root.dentry);
    }
    if (!below) return Errno::EINVAL;
    Path old_place, new_place;
    RefPtr<Mount> moved_new = g_table.lock()->take_out(*new_root.mount, &new_place);
    RefPtr<Mount> moved_old = g_table.lock()->take_out(*old_root.mount, &old_place);
    g_table.lock()->insert(std::move(moved_new), above);
    g_table.lock()->insert(std::move(moved_old), put);
    return {};
}
