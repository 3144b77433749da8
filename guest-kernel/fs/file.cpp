// Defaults of File, and reading and writing below the descriptor.
#include "fs/file.h"

#include "fs/dentry.h"
#include "fs/eventpoll.h"
#include "fs/file_locks.h"
#include "fs/notify.h"
#include "mm/user_ptr.h"
#include "task/task.h"

namespace {
constexpr size_t kMaxTransfer = 0x7ffff000;  // MAX_RW_COUNT: one call moves at most this much
}

File::~File() {
    if (inode) {
        if (path.dentry && !is_path_only()) {
            notify_path(path, writable() ? kInCloseWrite : kInCloseNowrite);
        }
        release_file_locks(*this);
        if (holds_write_access) inode->put_write_access();
    }
}

void File::release_watched() const {
    epoll_release(*this);
}

Result<size_t> File::read(IovIter&, loff_t&) {
    return inode->is_dir() ? Errno::EISDIR : Errno::EINVAL;
}
Result<size_t> File::write(IovIter&, loff_t&) {
    return Errno::EINVAL;
}
Result<long> File::ioctl(u32, u64) {
    return Errno::ENOTTY;
}
u32 File::poll(PollTable*) {
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

Result<void> File::allocate(int, loff_t, loff_t) {
    if (inode->is_dir()) return Errno::EISDIR;
    return inode->is_regular() ? Errno::EOPNOTSUPP : Errno::ENODEV;
}

Result<loff_t> File::seek(loff_t offset, int whence) {
    loff_t base;
    switch (whence) {
        case SEEK_SET:
            base = 0;
            break;
        case SEEK_CUR:
            base = position;
            break;
        case SEEK_END:
            base = static_cast<loff_t>(inode->size);
            break;
        case SEEK_DATA:
        case SEEK_HOLE:  // a file without holes: all data, one hole at its end
            if (offset < 0 || static_cast<u64>(offset) >= inode->size) return Errno::ENXIO;
            position = whence == SEEK_DATA ? offset : static_cast<loff_t>(inode->size);
            return loff_t{position};
        default:
            return Errno::EINVAL;
    }
    loff_t target;
    if (__builtin_add_overflow(base, offset, &target)) return Errno::EOVERFLOW;
    if (target < 0) return Errno::EINVAL;
    position = target;
    return loff_t{target};
}

bool DirContext::emit_dots(const Dentry& directory) {
    if (position == 0) {
        if (!emit(Name("."), directory.inode().ino, dt_type(S_IFDIR))) return false;
        position = 1;
    }
    if (position == 1) {
        RefPtr<Dentry> up = directory.parent();
        const Inode& parent = up ? up->inode() : directory.inode();
        if (!emit(Name(".."), parent.ino, dt_type(S_IFDIR))) return false;
        position = 2;
    }
    return true;
}

Result<size_t> file_read(File& file, IovIter& to, loff_t& position) {
    if (!file.readable()) return Errno::EBADF;
    if (!file.has_read()) return Errno::EINVAL;
    if (position < 0) return Errno::EINVAL;
    to.truncate(kMaxTransfer);
    current()->ioac.syscr++;
    const size_t n = TRY(file.read(to, position));
    current()->ioac.rchar += n;
    if (n > 0) notify_path(file.path, kInAccess);
    return size_t{n};
}

Result<size_t> file_write(File& file, IovIter& from, loff_t& position) {
    if (!file.writable()) return Errno::EBADF;
    if (!file.has_write()) return Errno::EINVAL;
    if (position < 0) return Errno::EINVAL;
    from.truncate(kMaxTransfer);
    current()->ioac.syscw++;
    const size_t n = TRY(file.write(from, position));
    current()->ioac.wchar += n;
    if (n > 0) notify_path(file.path, kInModify);
    return size_t{n};
}

Result<size_t> kernel_read(File& file, void* buffer, size_t size, loff_t& position) {
    IovIter it = IovIter::kernel(buffer, size);
    return file_read(file, it, position);
}

Result<size_t> kernel_write(File& file, const void* buffer, size_t size, loff_t& position) {
    IovIter it = IovIter::kernel(const_cast<void*>(buffer), size);
    return file_write(file, it, position);
}

extern "C" ssize_t vfs_read(File* file, u64 user_buffer, size_t count, loff_t* position) {
    if (file->has_read() && !access_ok(user_buffer, count)) return -static_cast<ssize_t>(Errno::EFAULT);
    IovIter it = IovIter::user(user_buffer, count);
    Result<size_t> n = file_read(*file, it, *position);
    return n.ok() ? static_cast<ssize_t>(n.value()) : -static_cast<ssize_t>(n.error());
}

extern "C" ssize_t vfs_write(File* file, u64 user_buffer, size_t count, loff_t* position) {
    if (file->has_write() && !access_ok(user_buffer, count)) return -static_cast<ssize_t>(Errno::EFAULT);
    IovIter it = IovIter::user(user_buffer, count);
    Result<size_t> n = file_write(*file, it, *position);
    return n.ok() ? static_cast<ssize_t>(n.value()) : -static_cast<ssize_t>(n.error());
}
