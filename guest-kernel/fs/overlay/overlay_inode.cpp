// Overlay inodes: what they stand for, their attributes, opening them.
#include "core/string.h"
#include "fs/file.h"
#include "fs/open_file.h"
#include "fs/overlay/overlay.h"
#include "fs/xattr.h"

Result<RefPtr<OvlInode>> OvlInode::make(OvlSuper& super, RefPtr<Dentry> upper_dentry,
                                        Vec<RefPtr<Dentry>> lower_dentries, OvlInode* parent,
                                        const Name& name) {
    Inode& real = upper_dentry ? upper_dentry->inode() : lower_dentries[0]->inode();
    if (upper_dentry && !real.is_dir() && real.nlink > 1) {
        if (RefPtr<OvlInode> there = super.find(real)) return there;  // another name of it
    }
    const bool own_number = real.is_dir() && !super.one_file_system;
    const u64 number = own_number ? __atomic_fetch_add(&super.next_ino, 1, __ATOMIC_RELAXED) : real.ino;
    OvlInode* raw = new (std::nothrow) OvlInode(super, number, real.mode);
    if (!raw) return Errno::ENOMEM;
    RefPtr<OvlInode> made = adopt_ref(raw);
    made->lowers_ = std::move(lower_dentries);
    made->parent_ = RefPtr<OvlInode>(parent);
    made->name_ = TRY(KString::make(name.text, name.length));
    if (upper_dentry) made->set_upper(std::move(upper_dentry));
    made->rdev = real.rdev;
    made->take_attributes();
    return made;
}

// Parents that only this inode kept go one by one, since a path can be deep.
OvlInode::~OvlInode() {
    RefPtr<OvlInode> up = std::move(parent_);
    while (up && up->ref_count() == 1) {
        RefPtr<OvlInode> next = std::move(up->parent_);
        up = std::move(next);
    }
    if (upper_) upper_->unref();
}

void OvlInode::unref_last() {
    const bool dead = ovl().inodes_.with([this](auto&) {
        if (!drop_reference()) return false;
        if (table_node.linked()) table_node.remove();
        return true;
    });
    if (dead) delete this;
}

void OvlInode::set_upper(RefPtr<Dentry> dentry) {
    __atomic_store_n(&upper_, dentry.leak(), __ATOMIC_RELEASE);
    if (!is_dir()) ovl().enter(*this);
}

RefPtr<OvlInode> OvlSuper::find(const Inode& real) {
    return inodes_.with([&](Inodes& inodes) -> RefPtr<OvlInode> {
        for (OvlInode& inode : inodes) {
            if (&inode.upper()->inode() == &real && inode.try_ref()) return adopt_ref(&inode);
        }
        return nullptr;
    });
}

void OvlSuper::enter(OvlInode& inode) {
    inodes_.with([&](Inodes& inodes) { inodes.push_back(&inode); });
}

void OvlInode::take_attributes() {
    const Inode& from = real().inode();
    mode = from.mode;
    uid = from.uid;
    gid = from.gid;
    atime = from.atime;
    mtime = from.mtime;
    ctime = from.ctime;
    nlink = from.nlink;
    size = from.size;
    taken_ = {mode, uid, gid, atime, mtime, ctime};
}

Result<void> OvlInode::may_setattr() {
    TRY(real().inode().may_setattr());
    take_attributes();
    return {};
}

namespace {
bool same(const timespec64& a, const timespec64& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}
}  // namespace

/// What differs from the attributes that were taken over goes to the upper inode.
Result<void> OvlInode::give_attributes(Inode& to, bool lazily) {
    OvlRealGuard guard(to);
    if (mode != taken_.mode) to.mode = mode;
    if (uid != taken_.uid) to.uid = uid;
    if (gid != taken_.gid) to.gid = gid;
    if (!same(atime, taken_.atime)) to.atime = atime;
    if (!same(mtime, taken_.mtime)) to.mtime = mtime;
    if (!same(ctime, taken_.ctime)) to.ctime = ctime;
    return to.attributes_changed(lazily);
}

Result<void> OvlInode::attributes_changed(bool lazily) {
    if (lazily && !upper()) return {};  // the time of a reading is no reason to copy
    Result<void> done = copy_up();
    if (done.ok()) done = give_attributes(upper()->inode(), lazily);
    take_attributes();
    return done;
}

void OvlInode::getattr(KernelStat* out) {
    const Inode* number = &real().inode();
    real().inode().getattr(out);
    // The number stays when a file is copied up.
    if (upper() && has_lower() && (is_dir() || lowers_[0]->inode().nlink == 1)) number = &lowers_[0]->inode();
    if (ovl().one_file_system || is_dir()) {
        out->st_dev = sb->dev;
        out->st_ino = ovl().one_file_system ? number->ino : ino;
    } else {
        out->st_dev = ovl().device_of(*number->sb);
        out->st_ino = number->ino;
    }
    if (is_merged()) out->st_nlink = 1;
}

Result<RefPtr<File>> OvlInode::open(int flags) {
    if (is_dir()) return ovl_open_directory(*this);
    if (!is_regular()) return open_default(*this, flags);
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) TRY(copy_up());
    return ovl_open_regular(*this, flags);
}

Result<void> OvlInode::set_size(u64 new_size) {
    if (!is_regular()) return Inode::set_size(new_size);
    TRY(copy_up(new_size != 0));
    Inode& to = upper()->inode();
    Result<void> done;
    {
        OvlRealGuard guard(to);
        done = to.set_size(new_size);
    }
    take_attributes();
    return done;
}

Result<void> OvlInode::sync(bool data_only) {
    return upper() ? upper()->inode().sync(data_only) : Result<void>();
}

Result<size_t> OvlInode::getxattr(const char* name, void* buffer, size_t buffer_size) {
    if (ovl_is_own_xattr(name)) return Errno::EOPNOTSUPP;
    return real().inode().getxattr(name, buffer, buffer_size);
}

Result<void> OvlInode::setxattr(const char* name, const void* value, size_t value_size, int flags) {
    if (ovl_is_own_xattr(name)) return Errno::EOPNOTSUPP;
    TRY(copy_up());
    OvlRealGuard guard(upper()->inode());
    return upper()->inode().setxattr(name, value, value_size, flags);
}

Result<void> OvlInode::removexattr(const char* name) {
    if (ovl_is_own_xattr(name)) return Errno::EOPNOTSUPP;
    if (!upper()) TRY(real().inode().getxattr(name, nullptr, 0));  // nothing to remove: nothing to copy
    TRY(copy_up());
    OvlRealGuard guard(upper()->inode());
    return upper()->inode().removexattr(name);
}

Result<void> OvlInode::listxattr(KString& names) {
    KString all;
    TRY(real().inode().listxattr(all));
    for (size_t at = 0; at < all.size();) {
        const char* name = all.c_str() + at;
        const size_t length = strlen(name) + 1;
        if (!ovl_is_own_xattr(name)) TRY(names.append(name, length));
        at += length;
    }
    return {};
}
