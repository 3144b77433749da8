// Copying up: a file of a lower tree comes into the upper one, with its data, attributes and the directories above it.
//
// A regular file is made without a name, filled, and then linked; the others are made in the work directory and moved.
#include "core/string.h"
#include "core/unique.h"
#include "fs/file.h"
#include "fs/overlay/overlay.h"
#include "fs/xattr.h"
#include "sched/sched.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

constexpr size_t kPiece = 64 * 1024;

struct Buffer {
    u8* bytes = static_cast<u8*>(kmalloc(kPiece));
    ~Buffer() { kfree(bytes); }
};

bool all_zero(const u8* bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) return false;
    }
    return true;
}

Result<void> write_all(File& to, u8* bytes, size_t size, loff_t at) {
    while (size > 0) {
        IovIter it = IovIter::kernel(bytes, size);
        const size_t n = TRY(to.write(it, at));
        if (n == 0) return Errno::EIO;
        bytes += n;
        size -= n;
    }
    return {};
}

/// Pieces that are zero become holes.
Result<void> copy_data(Inode& from, Inode& to) {
    RefPtr<File> source = TRY(from.open(O_RDONLY));
    RefPtr<File> target = TRY(to.open(O_WRONLY));
    target->flags = O_WRONLY;
    Buffer buffer;
    if (!buffer.bytes) return Errno::ENOMEM;
    loff_t at = 0;
    for (;;) {
        IovIter it = IovIter::kernel(buffer.bytes, kPiece);
        const loff_t start = at;
        const size_t n = TRY(source->read(it, at));
        if (n == 0) break;
        if (!all_zero(buffer.bytes, n)) TRY(write_all(*target, buffer.bytes, n, start));
        if (fatal_signal_pending(current())) return Errno::EINTR;
        cond_resched();
    }
    OvlRealGuard guard(to);
    return to.size < static_cast<u64>(at) ? to.set_size(static_cast<u64>(at)) : Result<void>();
}

Result<void> copy_xattrs(Inode& from, Inode& to) {
    KString names;
    TRY(from.listxattr(names));
    for (size_t at = 0; at < names.size();) {
        const char* name = names.c_str() + at;
        at += strlen(name) + 1;
        if (ovl_is_own_xattr(name)) continue;
        Vec<u8> value;
        TRY(value.resize(TRY(from.getxattr(name, nullptr, 0)) + 1));
        const size_t size = TRY(from.getxattr(name, value.data(), value.size() - 1));
        OvlRealGuard guard(to);
        const Result<void> set = to.setxattr(name, value.data(), size, 0);
        if (!set.ok() && set.error() != Errno::EOPNOTSUPP) return set.error();
    }
    return {};
}

/// A directory's times, put back when what was done in it is no change that a program made.
class KeptTimes {
  public:
    explicit KeptTimes(Inode& inode) : inode_(inode), mtime_(inode.mtime), ctime_(inode.ctime) {}
    ~KeptTimes() {
        OvlRealGuard guard(inode_);
        inode_.mtime = mtime_;
        inode_.ctime = ctime_;
        (void)inode_.attributes_changed(true).ok();
    }

  private:
    Inode& inode_;
    timespec64 mtime_, ctime_;
};

}  // namespace

Result<void> OvlInode::copy_up(bool with_data) {
    if (upper()) return {};
    if (!ovl().has_upper()) return Errno::EROFS;
    MutexGuard guard(ovl().changes);
    return copy_up_locked(with_data);
}

Result<void> OvlInode::copy_up_locked(bool with_data) {
    if (!ovl().has_upper()) return Errno::EROFS;
    while (!upper()) {
        OvlInode* at = this;
        while (at->parent_ && !at->parent_->upper()) at = at->parent_.get();
        TRY(at->copy_up_one(with_data || at != this));
    }
    return {};
}

Result<void> OvlInode::copy_up_one(bool with_data) {
    if (!parent_ || (unlinked_ && !is_regular())) return Errno::ESTALE;
    Dentry& dir = *parent_->upper();
    KeptTimes kept(dir.inode());
    set_upper(is_regular() ? TRY(copy_regular(dir, with_data)) : TRY(copy_other(dir)));
    return {};
}

/// Attributes last, since writing changes some.
Result<void> OvlInode::copy_attributes(Inode& to) {
    Inode& from = lowers_[0]->inode();
    TRY(copy_xattrs(from, to));
    OvlRealGuard guard(to);
    to.uid = from.uid;
    to.gid = from.gid;
    to.mode = from.mode;
    to.atime = from.atime;
    to.mtime = from.mtime;
    to.touch_ctime();
    return to.attributes_changed(false);
}

Result<RefPtr<Dentry>> OvlInode::copy_regular(Dentry& dir, bool with_data) {
    Inode& from = lowers_[0]->inode();
    RefPtr<Inode> fresh = TRY(dir.inode().tmpfile(S_IFREG | (from.mode & S_IALLUGO)));
    if (with_data) TRY(copy_data(from, *fresh));
    TRY(copy_attributes(*fresh));
    if (unlinked_) return Dentry::make_detached(std::move(fresh), name_.c_str());
    OvlRealGuard guard(dir.inode());
    const Name name(name_.c_str(), name_.size());
    TRY(dir.inode().link(name, *fresh));
    return Dentry::add(dir, name, std::move(fresh));
}

Result<RefPtr<Inode>> OvlInode::make_like(Inode& dir, const Name& name) {
    Inode& from = lowers_[0]->inode();
    if (from.is_dir()) return dir.mkdir(name, from.mode);
    if (!from.is_symlink()) return dir.mknod(name, from.mode, from.rdev);
    return dir.symlink(name, TRY(from.readlink()).c_str());
}

Result<RefPtr<Dentry>> OvlInode::copy_other(Dentry& dir) {
    Inode& work = ovl().work->inode();
    char text[24];
    ovl().next_work_name(text);
    const Name temporary(text), name(name_.c_str(), name_.size());
    RefPtr<Inode> fresh;
    {
        OvlRealGuard guard(work);
        fresh = TRY(make_like(work, temporary));
    }
    Result<void> done = copy_attributes(*fresh);
    OvlRealGuard first(work);
    OvlRealGuard second(dir.inode());
    if (done.ok()) done = work.rename(temporary, *fresh, dir.inode(), name, nullptr, 0);
    if (!done.ok()) {
        (void)(fresh->is_dir() ? work.rmdir(temporary, *fresh) : work.unlink(temporary, *fresh)).ok();
        return done.error();
    }
    return Dentry::add(dir, name, std::move(fresh));
}
