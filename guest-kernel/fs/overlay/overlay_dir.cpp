// Overlay directories: looking names up through the layers, and changing them in the upper one.
#include "abi/fcntl.h"
#include "core/string.h"
#include "fs/overlay/overlay.h"

Result<RefPtr<Inode>> OvlInode::lookup(const Name& name) {
    if (!is_dir()) return Errno::ENOTDIR;
    RefPtr<Dentry> found_upper;
    Vec<RefPtr<Dentry>> found;
    const size_t count = lowers_.size() + 1;
    for (size_t i = 0; i < count; i++) {
        Dentry* directory = i == 0 ? upper() : lowers_[i - 1].get();
        if (!directory) continue;
        RefPtr<Dentry> entry = TRY(ovl_real_child(*directory, name));
        if (!entry) continue;
        Inode& inode = entry->inode();
        const bool first = !found_upper && found.empty();
        if (ovl_is_whiteout(inode) || (!first && !inode.is_dir())) break;
        const bool last = !inode.is_dir() || ovl_is_opaque(inode);
        if (i == 0)
            found_upper = std::move(entry);
        else
            TRY(found.push(std::move(entry)));
        if (last) break;
    }
    if (!found_upper && found.empty()) return Errno::ENOENT;
    return RefPtr<Inode>(TRY(make(ovl(), std::move(found_upper), std::move(found), this, name)));
}

/// Would `name` be seen again if the upper one went?
Result<bool> OvlInode::is_in_lowers(const Name& name) {
    for (const RefPtr<Dentry>& directory : lowers_) {
        RefPtr<Dentry> entry = TRY(ovl_real_child(*directory, name));
        if (entry) return !ovl_is_whiteout(entry->inode());
    }
    return false;
}

/// Makes `name` in the upper directory, over the whiteout that may be there. `make(directory, name)` → the inode.
template <class Make>
Result<RefPtr<Dentry>> OvlInode::create_real(const Name& name, bool hides_lower, Make make_inode) {
    Dentry& dir = *upper();
    RefPtr<Dentry> whiteout = TRY(ovl_real_child(dir, name));
    if (whiteout && !ovl_is_whiteout(whiteout->inode())) return Errno::EEXIST;
    if (!whiteout) {
        OvlRealGuard guard(dir.inode());
        RefPtr<Inode> fresh = TRY(make_inode(dir.inode(), name));
        if (hides_lower && is_merged()) (void)ovl_set_opaque(*fresh).ok();  // spares look-ups below
        return Dentry::add(dir, name, std::move(fresh));
    }
    Inode& work = ovl().work->inode();
    char text[24];
    ovl().next_work_name(text);
    const Name temporary(text);
    OvlRealGuard first(work);
    OvlRealGuard second(dir.inode());
    RefPtr<Inode> fresh = TRY(make_inode(work, temporary));
    Result<void> done;
    if (fresh->nlink == 1 || fresh->is_dir()) {  // not another name of a file
        fresh->init_owner(dir.inode());
        done = fresh->attributes_changed(false);
    }
    const bool is_directory = fresh->is_dir();
    if (done.ok() && is_directory) done = ovl_set_opaque(*fresh);
    if (done.ok())
        done = work.rename(temporary, *fresh, dir.inode(), name, &whiteout->inode(),
                           is_directory ? RENAME_EXCHANGE : 0u);
    if (!done.ok()) {
        (void)(is_directory ? work.rmdir(temporary, *fresh) : work.unlink(temporary, *fresh)).ok();
        return done.error();
    }
    whiteout->drop();
    if (is_directory) TRY(work.unlink(temporary, whiteout->inode()));
    return Dentry::add(dir, name, std::move(fresh));
}

template <class Make>
Result<RefPtr<Inode>> OvlInode::create(const Name& name, Make make_inode) {
    MutexGuard guard(ovl().changes);
    TRY(copy_up_locked());
    RefPtr<Dentry> made = TRY(create_real(name, true, make_inode));
    return RefPtr<Inode>(TRY(make(ovl(), std::move(made), {}, this, name)));
}

Result<RefPtr<Inode>> OvlInode::mknod(const Name& name, u32 new_mode, dev_t device) {
    if (S_ISCHR(new_mode) && device == 0) return Errno::EPERM;  // it would be a whiteout
    return create(name, [=](Inode& dir, const Name& n) { return dir.mknod(n, new_mode, device); });
}
Result<RefPtr<Inode>> OvlInode::mkdir(const Name& name, u32 new_mode) {
    return create(name, [=](Inode& dir, const Name& n) { return dir.mkdir(n, new_mode); });
}
Result<RefPtr<Inode>> OvlInode::symlink(const Name& name, const char* target) {
    return create(name, [=](Inode& dir, const Name& n) { return dir.symlink(n, target); });
}

Result<void> OvlInode::link(const Name& name, Inode& existing) {
    OvlInode& file = static_cast<OvlInode&>(existing);
    MutexGuard guard(ovl().changes);
    TRY(file.copy_up_locked());
    TRY(copy_up_locked());
    RefPtr<Inode> real_file(&file.upper()->inode());
    TRY(create_real(name, false, [&](Inode& dir, const Name& n) -> Result<RefPtr<Inode>> {
        TRY(dir.link(n, *real_file));
        return RefPtr<Inode>(real_file);
    }));
    file.nlink = real_file->nlink;
    return {};
}

/// `name` of the upper directory becomes a whiteout; `there` is what it is now, or null.
Result<void> OvlInode::put_whiteout(Dentry& dir, const Name& name, const RefPtr<Dentry>& there) {
    Dentry& work_dentry = *ovl().work;
    Inode& work = work_dentry.inode();
    char text[24];
    ovl().next_work_name(text);
    const Name temporary(text);
    const bool exchange = there && there->inode().is_dir();
    OvlRealGuard first(work);
    OvlRealGuard second(dir.inode());
    RefPtr<Inode> fresh = TRY(work.mknod(temporary, S_IFCHR, 0));
    const Result<void> done = work.rename(temporary, *fresh, dir.inode(), name,
                                          there ? &there->inode() : nullptr, exchange ? RENAME_EXCHANGE : 0u);
    if (!done.ok()) {
        (void)work.unlink(temporary, *fresh).ok();
        return done.error();
    }
    if (there) there->drop();
    return exchange ? ovl_remove_real(work_dentry, temporary, there) : Result<void>();
}

/// ENOTEMPTY when the directory shows a name.
Result<void> OvlInode::require_empty() {
    Vec<OvlEntry> entries;
    TRY(ovl_read_merged(*this, entries));
    for (const OvlEntry& entry : entries) {
        if (!entry.whiteout) return Errno::ENOTEMPTY;
    }
    return {};
}

/// One of its names was removed or replaced.
void OvlInode::gone() {
    unlinked_ = true;
    nlink = is_dir() || !upper() ? 0 : upper()->inode().nlink;
}

Result<void> OvlInode::remove(const Name& name, OvlInode& victim) {
    MutexGuard guard(ovl().changes);
    if (victim.is_dir()) TRY(victim.require_empty());
    TRY(copy_up_locked());
    Dentry& dir = *upper();
    RefPtr<Dentry> there = TRY(ovl_real_child(dir, name));
    if (TRY(is_in_lowers(name))) {
        TRY(put_whiteout(dir, name, there));
    } else if (there) {
        OvlRealGuard real_guard(dir.inode());
        TRY(ovl_remove_real(dir, name, there));
    }
    victim.gone();
    return {};
}

Result<void> OvlInode::unlink(const Name& name, Inode& victim) {
    return remove(name, static_cast<OvlInode&>(victim));
}
Result<void> OvlInode::rmdir(const Name& name, Inode& victim) {
    return remove(name, static_cast<OvlInode&>(victim));
}

bool OvlInode::is_below(const OvlInode& other) const {
    for (const OvlInode* at = this; at; at = at->parent_.get()) {
        if (at == &other) return true;
    }
    return false;
}

namespace {

/// Both real directories' locks, the one above first.
class TwoRealGuards {
  public:
    TwoRealGuards(Inode& first, Inode& second) : first_(first), second_(second) {
        first_.lock.lock_nested();
        if (&first_ != &second_) second_.lock.lock_nested();
    }
    ~TwoRealGuards() {
        if (&first_ != &second_) second_.lock.unlock();
        first_.lock.unlock();
    }
    TwoRealGuards(const TwoRealGuards&) = delete;
    TwoRealGuards& operator=(const TwoRealGuards&) = delete;

  private:
    Inode& first_;
    Inode& second_;
};

}  // namespace

Result<void> OvlInode::rename(const Name& from, Inode& moved_inode, Inode& to_inode, const Name& to,
                              Inode* victim_inode, u32 flags) {
    OvlInode& moved = static_cast<OvlInode&>(moved_inode);
    OvlInode& to_dir = static_cast<OvlInode&>(to_inode);
    OvlInode* victim = static_cast<OvlInode*>(victim_inode);
    const bool exchange = (flags & RENAME_EXCHANGE) != 0;
    if (flags & RENAME_WHITEOUT) return Errno::EINVAL;
    // What a lower directory holds would have to be copied, or found by its old name: redirect_dir is off.
    if (moved.is_dir() && moved.has_lower()) return Errno::EXDEV;
    if (exchange && victim->is_dir() && victim->has_lower()) return Errno::EXDEV;
    MutexGuard guard(ovl().changes);
    if (victim && victim->is_dir() && !exchange) TRY(victim->require_empty());
    TRY(moved.copy_up_locked());
    TRY(copy_up_locked());
    TRY(to_dir.copy_up_locked());
    if (exchange) TRY(victim->copy_up_locked());

    Dentry& a = *upper();
    Dentry& b = *to_dir.upper();
    RefPtr<Dentry> real_moved = TRY(ovl_real_child(a, from));
    RefPtr<Dentry> replaced = TRY(ovl_real_child(b, to));  // a whiteout perhaps
    if (!real_moved) return Errno::ESTALE;
    const bool leaves_whiteout = !exchange && TRY(is_in_lowers(from));
    if (moved.is_dir() && (to_dir.is_merged() || replaced)) TRY(ovl_set_opaque(real_moved->inode()));
    if (exchange && victim->is_dir() && is_merged()) TRY(ovl_set_opaque(replaced->inode()));
    // A directory cannot replace a whiteout: they change places.
    const bool swaps = !exchange && moved.is_dir() && replaced && !replaced->inode().is_dir();
    if (!exchange && replaced && replaced->inode().is_dir()) TRY(ovl_clear_whiteouts(*replaced));
    const u32 real_flags = exchange || swaps ? RENAME_EXCHANGE : leaves_whiteout ? RENAME_WHITEOUT : 0u;

    const bool a_first = to_dir.is_below(*this) || (!is_below(to_dir) && &a < &b);
    TwoRealGuards guards((a_first ? a : b).inode(), (a_first ? b : a).inode());
    TRY(a.inode().rename(from, real_moved->inode(), b.inode(), to, replaced ? &replaced->inode() : nullptr,
                         real_flags));
    if (replaced) replaced->drop();
    real_moved->drop();
    TRY(real_moved->move_to(b, to));
    if (exchange) TRY(replaced->move_to(a, from));
    if (swaps && !leaves_whiteout) TRY(a.inode().unlink(from, replaced->inode()));

    moved.parent_ = RefPtr<OvlInode>(&to_dir);
    moved.name_ = TRY(KString::make(to.text, to.length));
    if (exchange) {
        victim->parent_ = RefPtr<OvlInode>(this);
        victim->name_ = TRY(KString::make(from.text, from.length));
    } else if (victim) {
        victim->gone();
    }
    return {};
}
