// Reading directories, and where the process stands.
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "syscall/fs_syscalls.h"

namespace {

// Writes records of getdents64 (struct linux_dirent64) or getdents (struct linux_dirent) as entries come. A record is
// written when the next one comes: where that is stands in it (d_off).
class UserDirents final : public DirContext {
  public:
    UserDirents(UserBytes buf, size_t size, bool wide) : buf_(buf), size_(size), wide_(wide) {}

    bool emit(const Name& name, u64 ino, u8 type) override {
        const size_t header = wide_ ? 19 : 2 * word_ + 2;
        const size_t length = align_up(header + name.length + (wide_ ? 1 : 2), word_);
        // The kernel's count is an int: one that is negative as such holds nothing.
        if (static_cast<i32>(size_) < 0 || used_ + waiting_ + length > size_) {
            if (used_ + waiting_ == 0) trouble = Errno::EINVAL;
            return false;
        }
        if (word_ == 4 && ino >> 32) {
            trouble = Errno::EOVERFLOW;
            return false;
        }
        if (!write_waiting()) return false;
        const u16 record_length = static_cast<u16>(length);
        memset(record_ + length - 8, 0, 8);  // behind the name
        memcpy(record_, &ino, word_);
        memcpy(record_ + 2 * word_, &record_length, 2);
        if (wide_) {
            record_[18] = type;
            memcpy(record_ + 19, name.text, name.length);
        } else {
            memcpy(record_ + header, name.text, name.length);
            record_[length - 1] = type;
        }
        waiting_ = length;
        waiting_position_ = position;
        return true;
    }

    /// The last record; position is where reading goes on.
    bool write_waiting() {
        if (waiting_ == 0) return true;
        memcpy(record_ + word_, &position, word_);
        const bool written = UserBytes(buf_.address() + used_).copy_out(record_, waiting_).ok();
        if (written) {
            used_ += waiting_;
        } else {
            trouble = Errno::EFAULT;
            position = waiting_position_;  // it was not read
        }
        waiting_ = 0;
        return written;
    }

    size_t used() const { return used_; }
    Errno trouble = Errno::OK;

  private:
    UserBytes buf_;
    size_t size_;
    bool wide_;
    size_t word_ = wide_ ? 8 : user_size<UserWord>();  // of d_ino and d_off
    size_t used_ = 0;
    size_t waiting_ = 0;  // bytes of the record that is to be written
    loff_t waiting_position_ = 0;
    u8 record_[align_up(19 + NAME_MAX + 2, 8)];
};

SysResult read_directory(int fd, UserBytes dirp, u32 count, bool wide) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->inode->is_dir()) return Errno::ENOTDIR;
    if (!access_ok(dirp.address(), count)) return Errno::EFAULT;
    UserDirents out(dirp, count, wide);
    MutexGuard position_guard(file->position_lock);
    MutexGuard guard(file->inode->lock);
    if (file->inode->nlink == 0) return Errno::ENOENT;
    out.position = file->position;
    out.dentry = file->path.dentry.get();
    Result<void> listed = file->iterate(out);
    out.write_waiting();
    file->position = out.position;
    if (listed.ok()) notify_path(file->path, kInAccess);
    if (out.used() > 0) return static_cast<long>(out.used());
    if (out.trouble != Errno::OK) return out.trouble;
    TRY(std::move(listed));
    return 0L;
}

Result<Path> directory_to_enter(UserString path) {
    KString text = TRY(copy_path(path.address()));
    Path place = TRY(lookup_at(AT_FDCWD, text.c_str(), kWalkFollow | kWalkDirectory));
    TRY(inode_permission(place.inode(), kMayExec));
    return place;
}

}  // namespace

SysResult sys_getdents64(int fd, UserBytes dirp, u32 count) {
    return read_directory(fd, dirp, count, true);
}

SysResult sys_getdents(int fd, UserBytes dirp, u32 count) {
    return read_directory(fd, dirp, count, false);
}

SysResult sys_getcwd(UserBytes buf, size_t size) {
    const Path root = current()->fs->root();
    const Path cwd = current()->fs->cwd();
    if (!cwd.dentry->is_root() && !cwd.dentry->hashed()) return Errno::ENOENT;
    bool reachable = true;
    KString text = TRY(path_text(cwd, root, &reachable));
    KString full;
    if (!reachable) TRY(full.append("(unreachable)"));
    TRY(full.append(text.c_str(), text.size()));
    if (full.size() + 1 > size) return Errno::ERANGE;
    TRY(buf.copy_out(full.c_str(), full.size() + 1));
    return static_cast<long>(full.size() + 1);
}

SysResult sys_chdir(UserString path) {
    current()->fs->set_cwd(TRY(directory_to_enter(path)));
    return 0L;
}

SysResult sys_fchdir(int fd) {
    RefPtr<File> file = TRY(get_file_or_path(fd));
    if (!file->inode->is_dir()) return Errno::ENOTDIR;
    TRY(inode_permission(*file->inode, kMayExec));
    current()->fs->set_cwd(file->path);
    return 0L;
}

SysResult sys_chroot(UserString path) {
    Path place = TRY(directory_to_enter(path));
    if (!current_cred().has_here(kCapSysChroot)) return Errno::EPERM;
    current()->fs->set_root(std::move(place));
    return 0L;
}
