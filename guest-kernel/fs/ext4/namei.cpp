// The names of files: looked up, made, linked, removed and renamed. Each change is one Ext4Op, so that after a power
// cut a name and what it leads to are there together or not at all.
#include "core/string.h"
#include "fs/dentry.h"
#include "fs/ext4/directory.h"
#include "fs/ext4/directory_reader.h"
#include "fs/ext4/extents.h"
#include "fs/file.h"

using namespace ext4;

namespace {

Ext4Inode& as_ext4(Inode& inode) {
    return static_cast<Ext4Inode&>(inode);
}

constexpr u32 kNotChangeable = kInodeImmutable | kInodeAppend;

}  // namespace

Result<RefPtr<Inode>> Ext4Inode::lookup(const Name& name) {
    if (!is_dir()) return Errno::ENOTDIR;
    u32 child = 0;
    {
        MutexGuard guard(fs().lock);
        Ext4Directory::Found found = TRY(Ext4Directory(*this).find(name));
        child = found.entry().inode;
        if (child == number()) return fs().fs_error("ext4_lookup", ino, "directory is linked to itself");
    }
    Result<RefPtr<Ext4Inode>> found = fs().get_inode(child);
    if (!found.ok()) {
        // A name that leads to a free inode is damage, not absence.
        if (found.error() != Errno::ESTALE) return found.error();
        MutexGuard guard(fs().lock);
        return fs().fs_error("ext4_lookup", ino, "deleted inode referenced");
    }
    RefPtr<Ext4Inode> inode = found.release_value();
    if (inode->is_dir() && !inode->parent_checked) {
        // A directory in two places would make a tree without an end.
        MutexGuard guard(fs().lock);
        Ext4Directory::Found up = TRY(Ext4Directory(*inode).find(Name("..")));
        if (up.entry().inode != number())
            return fs().fs_error("ext4_lookup", inode->ino, "directory has another parent");
        inode->parent_checked = true;
    }
    return RefPtr<Inode>(inode);
}

void Ext4Inode::count_name(bool one_more) {
    if (!is_dir()) {
        nlink += one_more ? 1 : static_cast<u32>(-1);
        return;
    }
    if (nlink == 1) return;  // more than can be counted
    if (one_more) {
        nlink++;
        if (nlink >= kLinkMax) nlink = 1;
    } else if (nlink > 2) {
        nlink--;
    }
}

Result<Ext4Inode*> Ext4Inode::create(Ext4Op& op, Ext4Inode& directory, u32 new_mode) {
    Ext4Super& super = directory.fs();
    if (directory.disk_flags & kInodeImmutable) return Errno::EPERM;
    const u32 fresh_number = TRY(super.allocate_inode(op, &directory, new_mode));
    Ext4Inode* fresh = new (std::nothrow) Ext4Inode(super, fresh_number, new_mode);
    if (!fresh) {
        TRY(super.free_inode(op, fresh_number, S_ISDIR(new_mode)));
        return Errno::ENOMEM;
    }
    fresh->init_owner(directory);
    fresh->crtime = fresh->mtime;
    fresh->generation = super.new_generation();
    fresh->is_new = true;
    fresh->parent_checked = true;
    if (super.inode_size > kGoodOldInodeSize) {
        const u32 most = super.inode_size - kGoodOldInodeSize;
        fresh->extra_isize =
            static_cast<u16>(min(max(u32{super.disk().s_want_extra_isize & ~3u}, kWantExtraIsize), most));
    }
    fresh->disk_flags = directory.disk_flags & kInodeInherited;
    if (!fresh->is_dir()) fresh->disk_flags &= ~(kInodeDirsync | kInodeTopdir);
    if (!fresh->is_dir() && !fresh->is_regular()) fresh->disk_flags &= kInodeNodump | kInodeNoatime;
    if (super.has_incompat(kIncompatExtents) && !fresh->is_special_file() && !fresh->is_symlink()) {
        ExtentTree::init(*fresh);
    }
    fresh->nlink = fresh->is_dir() ? 2 : 1;
    Result<void> ready = fresh->make_pages();
    if (!ready.ok()) return discard(op, fresh, ready.error());
    return fresh;
}

Errno Ext4Inode::discard(Ext4Op& op, Ext4Inode* fresh, Errno why) {
    Ext4Super& super = op.fs;
    (void)fresh->truncate_blocks(op, 0);
    fresh->nlink = 0;
    fresh->next_orphan = static_cast<u32>(ktime_get_real_seconds());
    (void)fresh->write_to_disk(op);
    (void)super.free_inode(op, fresh->number(), fresh->is_dir());
    delete fresh;
    return why;
}

Result<RefPtr<Inode>> Ext4Inode::make_child(const Name& name, u32 new_mode, dev_t device) {
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    if (S_ISDIR(new_mode) && nlink >= kLinkMax && !fs().has_ro_compat(kRoDirNlink)) return Errno::EMLINK;
    Ext4Inode* fresh = TRY(create(op, *this, new_mode));
    fresh->rdev = device;
    Result<void> done;
    if (fresh->is_dir()) done = Ext4Directory(*fresh).make(op, number());
    if (done.ok()) done = fresh->write_to_disk(op);
    if (done.ok()) done = Ext4Directory(*this).add(op, name, fresh->number(), new_mode);
    if (!done.ok()) {
        (void)write_to_disk(op);  // its map may have changed
        return discard(op, fresh, done.error());
    }
    if (fresh->is_dir()) count_name(true);
    touch_mtime();
    RefPtr<Inode> made = fs().enter_inode(fresh);
    (void)write_to_disk(op);
    return made;
}

Result<RefPtr<Inode>> Ext4Inode::mknod(const Name& name, u32 new_mode, dev_t device) {
    return make_child(name, new_mode, device);
}

Result<RefPtr<Inode>> Ext4Inode::mkdir(const Name& name, u32 new_mode) {
    return make_child(name, new_mode, 0);
}

Result<RefPtr<Inode>> Ext4Inode::symlink(const Name& name, const char* target) {
    const size_t length = strlen(target);
    if (length >= fs().block_size) return Errno::ENAMETOOLONG;
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Ext4Inode* fresh = TRY(create(op, *this, S_IFLNK | 0777));
    Result<void> done;
    if (length < kMaxSymlinkFast) {
        memcpy(fresh->i_block, target, length);
    } else {
        if (fs().has_incompat(kIncompatExtents)) ExtentTree::init(*fresh);
        Result<Ext4Mapping> at = fresh->allocate(op, 0, 1, false, false);
        Result<BufferRef> buffer =
            at.ok() ? fs().fresh_block(at.value().physical) : Result<BufferRef>(at.error());
        if (buffer.ok()) {
            memcpy(buffer.value()->data, target, length);
            op.dirty(buffer.value());
        } else {
            done = buffer.error();
        }
    }
    fresh->size = fresh->disk_size = length;
    if (done.ok()) done = fresh->write_to_disk(op);
    if (done.ok()) done = Ext4Directory(*this).add(op, name, fresh->number(), fresh->mode);
    if (!done.ok()) {
        (void)write_to_disk(op);
        return discard(op, fresh, done.error());
    }
    touch_mtime();
    RefPtr<Inode> made = fs().enter_inode(fresh);
    (void)write_to_disk(op);
    return made;
}

Result<KString> Ext4Inode::readlink() {
    if (!is_symlink()) return Errno::EINVAL;
    MutexGuard guard(fs().lock);
    const size_t length = static_cast<size_t>(disk_size);
    if (is_fast_symlink())
        return KString::make(reinterpret_cast<const char*>(i_block),
                             strnlen(reinterpret_cast<const char*>(i_block), length));
    if (length == 0 || length >= fs().block_size) return fs().fs_error("ext4_get_link", ino, "bad symlink.");
    const Ext4Mapping at = TRY(map(0, 1));
    if (at.kind != Ext4Mapping::Kind::kMapped) return fs().fs_error("ext4_get_link", ino, "bad symlink.");
    BufferRef buffer = TRY(fs().read_block(at.physical));
    const char* text = reinterpret_cast<const char*>(buffer->data);
    return KString::make(text, strnlen(text, length));
}

Result<void> Ext4Inode::link(const Name& name, Inode& existing) {
    Ext4Inode& file = as_ext4(existing);
    if (file.nlink >= kLinkMax) return Errno::EMLINK;
    if (file.disk_flags & kNotChangeable) return Errno::EPERM;
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Result<void> added = Ext4Directory(*this).add(op, name, file.number(), file.mode);
    touch_mtime();
    TRY(write_to_disk(op));
    TRY(std::move(added));
    file.nlink++;
    if (file.nlink == 1) TRY(fs().orphan_del(op, file));
    file.touch_ctime();
    return file.write_to_disk(op);
}

/// One name less; with the last the inode becomes an orphan until nobody uses it.
Result<void> Ext4Inode::drop_name(Ext4Op& op, bool is_directory) {
    if (is_directory)
        nlink = 0;
    else if (nlink > 0)
        nlink--;
    touch_ctime();
    if (nlink == 0) TRY(fs().orphan_add(op, *this));
    return write_to_disk(op);
}

Result<void> Ext4Inode::unlink(const Name& name, Inode& victim) {
    Ext4Inode& file = as_ext4(victim);
    if ((file.disk_flags & kNotChangeable) || (disk_flags & kNotChangeable)) return Errno::EPERM;
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Ext4Directory::Found found = TRY(Ext4Directory(*this).find(name));
    if (found.entry().inode != file.number())
        return fs().fs_error("ext4_unlink", ino, "name leads elsewhere");
    TRY(Ext4Directory(*this).remove(op, found));
    touch_mtime();
    TRY(write_to_disk(op));
    return file.drop_name(op, false);
}

Result<void> Ext4Inode::rmdir(const Name& name, Inode& victim) {
    Ext4Inode& dir = as_ext4(victim);
    if ((dir.disk_flags & kNotChangeable) || (disk_flags & kNotChangeable)) return Errno::EPERM;
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Ext4Directory::Found found = TRY(Ext4Directory(*this).find(name));
    if (found.entry().inode != dir.number()) return fs().fs_error("ext4_rmdir", ino, "name leads elsewhere");
    if (!TRY(Ext4Directory(dir).is_empty())) return Errno::ENOTEMPTY;
    TRY(Ext4Directory(*this).remove(op, found));
    count_name(false);
    touch_mtime();
    TRY(write_to_disk(op));
    dir.size = 0;
    return dir.drop_name(op, true);
}

namespace {

/// ".." of a directory that moves.
Result<void> set_parent(Ext4Op& op, Ext4Inode& moved, u32 parent) {
    Ext4Directory dir(moved);
    Ext4Directory::Found up = TRY(dir.find(Name("..")));
    dir.replace(op, up, parent, S_IFDIR);
    return {};
}

Result<void> exchange(Ext4Op& op, Ext4Inode& from_dir, const Name& from, Ext4Inode& moved, Ext4Inode& to_dir,
                      const Name& to, Ext4Inode& other) {
    Ext4Directory first(from_dir), second(to_dir);
    Ext4Directory::Found a = TRY(first.find(from));
    Ext4Directory::Found b = TRY(second.find(to));
    first.replace(op, a, other.number(), other.mode);
    second.replace(op, b, moved.number(), moved.mode);
    if (&from_dir != &to_dir) {
        if (moved.is_dir()) TRY(set_parent(op, moved, to_dir.number()));
        if (other.is_dir()) TRY(set_parent(op, other, from_dir.number()));
        if (moved.is_dir() != other.is_dir()) {
            (moved.is_dir() ? to_dir : from_dir).count_name(true);
            (moved.is_dir() ? from_dir : to_dir).count_name(false);
        }
    }
    from_dir.touch_mtime();
    to_dir.touch_mtime();
    moved.touch_ctime();
    other.touch_ctime();
    for (Ext4Inode* changed : {&from_dir, &to_dir, &moved, &other}) TRY(changed->write_to_disk(op));
    return {};
}

}  // namespace

Result<void> Ext4Inode::rename(const Name& from, Inode& moved_inode, Inode& to_inode, const Name& to,
                               Inode* victim_inode, u32 rename_flags) {
    Ext4Inode& moved = as_ext4(moved_inode);
    Ext4Inode& to_dir = as_ext4(to_inode);
    Ext4Inode* victim = victim_inode ? &as_ext4(*victim_inode) : nullptr;
    if ((moved.disk_flags | disk_flags | (victim ? victim->disk_flags : 0)) & kNotChangeable)
        return Errno::EPERM;
    if (to_dir.disk_flags & kInodeImmutable) return Errno::EPERM;
    // What replaces a file has its data on the disk before its name says so (auto_da_alloc).
    if (victim && moved.pages && !(rename_flags & RENAME_EXCHANGE))
        (void)moved.pages->write_back(0, ~0ull, false);
    const bool crosses = this != &to_dir && moved.is_dir();
    RefPtr<Inode> whiteout;
    Ext4Op op(fs());
    TRY(op.begin(2 * kChangeCredits));
    if (rename_flags & RENAME_EXCHANGE) return exchange(op, *this, from, moved, to_dir, to, *victim);
    if (victim && victim->is_dir() && !TRY(Ext4Directory(*victim).is_empty())) return Errno::ENOTEMPTY;
    if (crosses && !victim && to_dir.nlink >= kLinkMax && !fs().has_ro_compat(kRoDirNlink))
        return Errno::EMLINK;
    Ext4Directory old_names(*this), new_names(to_dir);
    if (TRY(old_names.find(from)).entry().inode != moved.number()) {
        return fs().fs_error("ext4_rename", ino, "name leads elsewhere");
    }
    if (rename_flags & RENAME_WHITEOUT) {
        Ext4Inode* fresh = TRY(create(op, *this, S_IFCHR));
        TRY(fresh->write_to_disk(op));
        whiteout = fs().enter_inode(fresh);
    }
    if (victim) {
        Ext4Directory::Found there = TRY(new_names.find(to));
        new_names.replace(op, there, moved.number(), moved.mode);
    } else {
        Result<void> added = new_names.add(op, to, moved.number(), moved.mode);
        if (!added.ok()) {
            (void)to_dir.write_to_disk(op);
            if (whiteout) (void)as_ext4(*whiteout).drop_name(op, true);
            return added;
        }
    }
    // The new name may have moved the old one to another block.
    Ext4Directory::Found old = TRY(old_names.find(from));
    if (whiteout) {
        old_names.replace(op, old, static_cast<u32>(whiteout->ino), S_IFCHR);
    } else {
        TRY(old_names.remove(op, old));
    }
    if (crosses) TRY(set_parent(op, moved, to_dir.number()));
    if (moved.is_dir()) {
        if (victim) {
            count_name(false);
        } else if (crosses) {
            count_name(false);
            to_dir.count_name(true);
        }
    }
    touch_mtime();
    to_dir.touch_mtime();
    moved.touch_ctime();
    TRY(write_to_disk(op));
    if (this != &to_dir) TRY(to_dir.write_to_disk(op));
    TRY(moved.write_to_disk(op));
    return victim ? victim->drop_name(op, victim->is_dir()) : Result<void>();
}

Result<RefPtr<Inode>> Ext4Inode::tmpfile(u32 new_mode) {
    RefPtr<Ext4Inode> made;  // outlives the lock
    Ext4Op op(fs());
    TRY(op.begin(kChangeCredits));
    Ext4Inode* fresh = TRY(create(op, *this, new_mode));
    fresh->nlink = 0;
    Result<void> listed = fs().orphan_add(op, *fresh);
    if (!listed.ok()) return discard(op, fresh, listed.error());
    made = fs().enter_inode(fresh);
    return RefPtr<Inode>(made);
}

Result<void> Ext4Inode::iterate(DirContext& context) {
    if (!is_dir()) return Errno::ENOTDIR;
    Ext4DirReader reader;
    return reader.read(*this, context);
}
