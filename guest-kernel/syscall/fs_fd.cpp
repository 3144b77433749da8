// Descriptors: dup, fcntl, flock, ioctl.
#include "abi/termios.h"
#include "fs/cred.h"
#include "fs/file_locks.h"
#include "fs/files_struct.h"
#include "fs/pipe.h"
#include "fs/tmpfs/tmpfs.h"
#include "syscall/fs_syscalls.h"

namespace {

SysResult set_status_flags(File& file, int wanted) {
    constexpr int kSettable = O_APPEND | O_ASYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;
    if ((wanted & O_NOATIME) && !(file.flags & O_NOATIME)) TRY(owner_or_capable(*file.inode));
    TRY(file.check_flags(wanted));
    __atomic_store_n(&file.flags, (file.flags & ~kSettable) | (wanted & kSettable & ~O_ASYNC),
                     __ATOMIC_RELAXED);
    return 0L;
}

SysResult lock_command(File& file, int command, u64 argument) {
    UserPtr<KernelFlock> user(argument);
    KernelFlock lock = TRY(user.read());
    TRY(fcntl_lock(file, command, lock));
    if (command == F_GETLK || command == F_OFD_GETLK) TRY(user.write(lock));
    return 0L;
}

// Seals live on memfd files (memfd_create(2)).
SysResult seal_command(File& file, int command, u64 argument) {
    constexpr u32 kAll = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    MemoryObject* object = file.inode->memory_object();
    if (!object || file.inode->sb->magic != 0x01021994) return Errno::EINVAL;
    TmpfsInode& inode = static_cast<TmpfsInode&>(*file.inode);
    if (command == F_GET_SEALS) return long{inode.seals};
    if (!file.writable()) return Errno::EPERM;
    if (argument & ~u64{kAll}) return Errno::EINVAL;
    MutexGuard guard(inode.lock);
    if (inode.seals & F_SEAL_SEAL) return Errno::EPERM;
    if ((argument & F_SEAL_WRITE) && !object->mappings.lock()->empty()) return Errno::EBUSY;
    inode.seals |= static_cast<u32>(argument);
    return 0L;
}

}  // namespace

SysResult sys_dup(int fd) {
    RefPtr<File> file = TRY(get_file_or_path(fd));
    return long{TRY(current()->files->install(std::move(file), false))};
}

SysResult sys_dup3(int old_fd, int new_fd, int flags) {
    if (flags & ~O_CLOEXEC) return Errno::EINVAL;
    if (old_fd == new_fd) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file_or_path(old_fd));
    TRY(current()->files->install_at(new_fd, std::move(file), (flags & O_CLOEXEC) != 0));
    return long{new_fd};
}

SysResult sys_dup2(int old_fd, int new_fd) {
    if (old_fd == new_fd) {
        TRY(get_file_or_path(old_fd));
        return long{new_fd};
    }
    return sys_dup3(old_fd, new_fd, 0);
}

SysResult sys_fcntl(int fd, int command, u64 argument) {
    FilesStruct& files = *current()->files;
    RefPtr<File> file = TRY(files.get(fd, true));
    const int value = static_cast<int>(argument);
    switch (command) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return long{TRY(files.install(std::move(file), command == F_DUPFD_CLOEXEC, value))};
        case F_GETFD:
            return TRY(files.cloexec(fd)) ? long{FD_CLOEXEC} : 0L;
        case F_SETFD:
            TRY(files.set_cloexec(fd, (value & FD_CLOEXEC) != 0));
            return 0L;
        case F_GETFL:
            return long{file->flags | (file->is_path_only() ? 0 : O_LARGEFILE)};
        default:
            break;
    }
    if (file->is_path_only()) return Errno::EBADF;
    switch (command) {
        case F_SETFL:
            return set_status_flags(*file, value);
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
        case F_OFD_GETLK:
        case F_OFD_SETLK:
        case F_OFD_SETLKW:
            return lock_command(*file, command, argument);
        case F_GETOWN:
            return long{file->owner_pid};
        case F_SETOWN:
            file->owner_pid = value;
            return 0L;
        case F_GETSIG:
            return long{file->owner_signal};
        case F_SETSIG:
            if (value < 0 || value > kSigMax) return Errno::EINVAL;
            file->owner_signal = value;
            return 0L;
        case F_SETPIPE_SZ:
        case F_GETPIPE_SZ: {
            Pipe* pipe = pipe_of(*file);
            if (!pipe) return Errno::EBADF;
            if (command == F_GETPIPE_SZ) return static_cast<long>(pipe->capacity());
            if (value < 0) return Errno::EINVAL;
            return static_cast<long>(TRY(pipe->resize(static_cast<u32>(value))));
        }
        case F_ADD_SEALS:
        case F_GET_SEALS:
            return seal_command(*file, command, argument);
        default:
            return Errno::EINVAL;
    }
}

SysResult sys_flock(int fd, int operation) {
    if (operation & LOCK_MAND) return 0L;
    if (!flock_valid(operation)) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    TRY(flock_file(*file, operation));
    return 0L;
}

SysResult sys_ioctl(int fd, u32 request, u64 argument) {
    RefPtr<File> file = TRY(get_file(fd));
    switch (request) {
        case FIOCLEX:
        case FIONCLEX:
            TRY(current()->files->set_cloexec(fd, request == FIOCLEX));
            return 0L;
        case FIONBIO: {
            const bool on = TRY(UserPtr<i32>(argument).read()) != 0;
            __atomic_store_n(&file->flags, on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK,
                             __ATOMIC_RELAXED);
            return 0L;
        }
        case FIONREAD:
            if (file->inode->is_regular()) {
                TRY(UserPtr<i32>(argument).write(
                    static_cast<i32>(static_cast<i64>(file->inode->size) - file->position)));
                return 0L;
            }
            break;
        case FIBMAP: {  // where a block of the file is on its disk: no file system here tells
            if (!file->inode->is_regular()) break;
            if (!current_cred().has(kCapSysRawio)) return Errno::EPERM;
            TRY(UserPtr<i32>(argument).read());
            return Errno::EINVAL;
        }
        default:
            break;
    }
    return file->ioctl(request, argument);
}
