// Peer groups, masters and slaves (fs/mount.h).
#include "fs/mount_table.h"

namespace {

/// What a peer group gets: copies of a tree that have these groups and masters, one for each mount of the tree.
struct Level {
    u32 receivers = 0;  // the peer group
    Vec<u32> groups, masters;
};

bool contains(const Vec<Level>& levels, u32 group) {
    for (const Level& level : levels) {
        if (level.receivers == group) return true;
    }
    return false;
}

bool is_group_empty(u32 group) {
    for (Mount& m : all_mounts()) {
        if (m.peer_group() == group) return false;
    }
    return true;
}

void store(u32& field, u32 value) {
    __atomic_store_n(&field, value, __ATOMIC_RELAXED);
}

/// `mount` is no longer of its group; the slaves of a group that has no mount left go to `mount`'s master.
void leave_group(Mount& mount) {
    const u32 group = mount.peer_group();
    if (!group) return;
    store(MountTable::group(mount), 0);
    if (!is_group_empty(group)) {
        store(MountTable::master(mount), group);
        return;
    }
    const u32 master = mount.master_group();
    for (Mount& m : all_mounts()) {
        if (m.master_group() == group) store(MountTable::master(m), master);
    }
}

Result<Vec<u32>> copied(const Vec<u32>& numbers) {
    Vec<u32> out;
    for (u32 number : numbers) TRY(out.push(number));
    return out;
}

/// A copy of `tree` for `receiver`, at the dentry of `where`.
Result<void> add_copy(const MountTree& tree, const Path& where, Mount& receiver, const Vec<u32>* groups,
                      const Vec<u32>& masters, Vec<MountTree>& copies) {
    if (!where.dentry->is_below(*receiver.root)) return {};
    MountTree copy = TRY(copy_tree(tree, tree.mounts[0]->root, true));
    for (size_t i = 0; i < copy.mounts.size(); i++) {
        store(MountTable::group(*copy.mounts[i]), groups ? (*groups)[i] : 0);
        store(MountTable::master(*copy.mounts[i]), masters[i]);
    }
    copy.places[0] = Path(RefPtr<Mount>(&receiver), where.dentry);
    return copies.push(std::move(copy));
}

}  // namespace

u32 new_peer_group() {
    static u32 last = 0;  // under the mutex of changes
    return ++last;
}

void set_propagation(Mount& mount, u64 type) {
    if (type == MS_SHARED) {
        if (!mount.peer_group()) store(MountTable::group(mount), new_peer_group());
        __atomic_store_n(&MountTable::unbindable(mount), false, __ATOMIC_RELAXED);
        return;
    }
    leave_group(mount);
    if (type != MS_SLAVE) store(MountTable::master(mount), 0);
    __atomic_store_n(&MountTable::unbindable(mount), type == MS_UNBINDABLE, __ATOMIC_RELAXED);
}

Result<void> propagate_tree(const MountTree& tree, const Path& where, Vec<MountTree>& copies,
                            Vec<u32>& groups) {
    if (!where.mount->peer_group()) return {};
    Vec<Level> levels;
    Level first;
    first.receivers = where.mount->peer_group();
    for (const RefPtr<Mount>& m : tree.mounts) {
        TRY(groups.push(m->peer_group() ? m->peer_group() : new_peer_group()));
        TRY(first.masters.push(m->master_group()));
    }
    first.groups = TRY(copied(groups));
    TRY(levels.push(std::move(first)));
    Vec<Mount*> all;
    for (Mount& m : all_mounts()) TRY(all.push(&m));
    for (size_t i = 0; i < levels.size(); i++) {
        for (Mount* m : all) {
            if (m->peer_group() == levels[i].receivers && m != where.mount.get()) {
                TRY(add_copy(tree, where, *m, &levels[i].groups, levels[i].masters, copies));
            } else if (m->master_group() == levels[i].receivers && !m->peer_group()) {
                TRY(add_copy(tree, where, *m, nullptr, levels[i].groups, copies));
            } else if (m->master_group() == levels[i].receivers && !contains(levels, m->peer_group())) {
                Level below;
                below.receivers = m->peer_group();
                for (size_t n = 0; n < tree.mounts.size(); n++) TRY(below.groups.push(new_peer_group()));
                below.masters = TRY(copied(levels[i].groups));
                TRY(levels.push(std::move(below)));
            }
        }
        if (copies.size() * tree.mounts.size() > kMountMax) return Errno::ENOSPC;
    }
    return {};
}

Result<void> propagated_mounts(const Mount& parent, const Dentry& dentry, Vec<Mount*>& out) {
    if (!parent.peer_group()) return {};
    Vec<u32> groups;
    TRY(groups.push(parent.peer_group()));
    const auto known = [&](u32 group) {
        for (u32 g : groups) {
            if (g == group) return true;
        }
        return false;
    };
    const auto table = g_mount_table.lock();
    for (size_t i = 0; i < groups.size(); i++) {
        for (Mount& m : table->mounts) {
            const bool peer = m.peer_group() == groups[i];
            const bool slave = m.master_group() == groups[i];
            if (!peer && !slave) continue;
            if (!peer && m.peer_group()) {  // met again with its peers
                if (!known(m.peer_group())) TRY(groups.push(m.peer_group()));
                continue;
            }
            if (&m == &parent) continue;
            Mount* child = table->at(&m, &dentry);
            if (child && !MountTable::in_set(*child)) TRY(out.push(child));
        }
    }
    return {};
}

u32 dominating_group(const Mount& mount) {
    const auto table = g_mount_table.lock();
    u32 group = mount.master_group();
    for (u32 steps = 0; group && steps < table->count; steps++) {
        u32 above = 0;
        for (Mount& m : table->mounts) {
            if (m.peer_group() != group) continue;
            if (m.ns == mount.ns) return group;
            above = m.master_group();
        }
        group = above;
    }
    return 0;
}
