// Declarations of the system call handlers that are about files. The rules are those of syscalls.h; the rows
// are in table.def.
#pragma once

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "core/result.h"
#include "mm/user_ptr.h"

using UserIovec = UserPtr<KernelIovec>;
using UserTimespec = UserPtr<KernelTimespec>;

// fs_open.cpp
SysResult sys_open(UserString path, int flags, u32 mode);
SysResult sys_openat(int dirfd, UserString path, int flags, u32 mode);
SysResult sys_creat(UserString path, u32 mode);
SysResult sys_close(int fd);
SysResult sys_close_range(u32 first, u32 last, u32 flags);
SysResult sys_pipe(UserPtr<i32> fds);
SysResult sys_pipe2(UserPtr<i32> fds, int flags);
SysResult sys_memfd_create(UserString name, u32 flags);

// fs_rw.cpp
SysResult sys_read(int fd, UserBytes buf, size_t count);
SysResult sys_write(int fd, UserBytes buf, size_t count);
SysResult sys_pread64(int fd, UserBytes buf, size_t count, loff_t offset);
SysResult sys_pwrite64(int fd, UserBytes buf, size_t count, loff_t offset);
SysResult sys_readv(int fd, UserIovec iov, u64 iovcnt);
SysResult sys_writev(int fd, UserIovec iov, u64 iovcnt);
SysResult sys_preadv(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 offset_high);
SysResult sys_pwritev(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 offset_high);
SysResult sys_preadv2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 offset_high, int flags);
SysResult sys_pwritev2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 offset_high, int flags);
SysResult sys_lseek(int fd, loff_t offset, u32 whence);

// fs_copy.cpp
SysResult sys_sendfile(int out_fd, int in_fd, UserPtr<UserOffset> offset, size_t count);
SysResult sys_copy_file_range(int in_fd, UserPtr<UserOffset> in_off, int out_fd, UserPtr<UserOffset> out_off,
                              size_t len, u32 flags);
SysResult sys_truncate(UserString path, loff_t length);
SysResult sys_ftruncate(int fd, loff_t length);
SysResult sys_fallocate(int fd, int mode, loff_t offset, loff_t len);
SysResult sys_fadvise64(int fd, loff_t offset, loff_t len, int advice);
SysResult sys_readahead(int fd, loff_t offset, size_t count);
SysResult sys_sync();
SysResult sys_fsync(int fd);
SysResult sys_fdatasync(int fd);
SysResult sys_syncfs(int fd);
SysResult sys_sync_file_range(int fd, loff_t offset, loff_t nbytes, u32 flags);

// fs_stat.cpp
SysResult sys_stat(UserString path, UserPtr<KernelStat> buf);
SysResult sys_lstat(UserString path, UserPtr<KernelStat> buf);
SysResult sys_fstat(int fd, UserPtr<KernelStat> buf);
SysResult sys_newfstatat(int dirfd, UserString path, UserPtr<KernelStat> buf, int flags);
SysResult sys_statx(int dirfd, UserString path, int flags, u32 mask, UserPtr<KernelStatx> buf);
SysResult sys_access(UserString path, int mode);
SysResult sys_faccessat(int dirfd, UserString path, int mode);
SysResult sys_faccessat2(int dirfd, UserString path, int mode, int flags);
SysResult sys_readlink(UserString path, UserBytes buf, int size);
SysResult sys_readlinkat(int dirfd, UserString path, UserBytes buf, int size);
SysResult sys_statfs(UserString path, UserPtr<KernelStatfs> buf);
SysResult sys_fstatfs(int fd, UserPtr<KernelStatfs> buf);

// fs_dir.cpp
SysResult sys_getdents(int fd, UserBytes dirp, u32 count);
SysResult sys_getdents64(int fd, UserBytes dirp, u32 count);
SysResult sys_getcwd(UserBytes buf, size_t size);
SysResult sys_chdir(UserString path);
SysResult sys_fchdir(int fd);
SysResult sys_chroot(UserString path);

// fs_names.cpp
SysResult sys_mkdir(UserString path, u32 mode);
SysResult sys_mkdirat(int dirfd, UserString path, u32 mode);
SysResult sys_mknod(UserString path, u32 mode, u32 dev);
SysResult sys_mknodat(int dirfd, UserString path, u32 mode, u32 dev);
SysResult sys_rmdir(UserString path);
SysResult sys_unlink(UserString path);
SysResult sys_unlinkat(int dirfd, UserString path, int flags);
SysResult sys_rename(UserString old_path, UserString new_path);
SysResult sys_renameat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path);
SysResult sys_renameat2(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, u32 flags);
SysResult sys_link(UserString old_path, UserString new_path);
SysResult sys_linkat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, int flags);
SysResult sys_symlink(UserString target, UserString path);
SysResult sys_symlinkat(UserString target, int dirfd, UserString path);

// fs_attr.cpp
SysResult sys_chmod(UserString path, u32 mode);
SysResult sys_fchmod(int fd, u32 mode);
SysResult sys_fchmodat(int dirfd, UserString path, u32 mode);
SysResult sys_chown(UserString path, u32 uid, u32 gid);
SysResult sys_lchown(UserString path, u32 uid, u32 gid);
SysResult sys_fchown(int fd, u32 uid, u32 gid);
SysResult sys_fchownat(int dirfd, UserString path, u32 uid, u32 gid, int flags);
SysResult sys_utime(UserString path, UserPtr<UserLong> times);
SysResult sys_utimes(UserString path, UserPtr<KernelTimeval> times);
SysResult sys_futimesat(int dirfd, UserString path, UserPtr<KernelTimeval> times);
SysResult sys_utimensat(int dirfd, UserString path, UserTimespec times, int flags);
SysResult sys_umask(u32 mask);

// fs_splice.cpp
SysResult sys_splice(int fd_in, UserPtr<i64> off_in, int fd_out, UserPtr<i64> off_out, size_t len, u32 flags);
SysResult sys_tee(int fd_in, int fd_out, size_t len, u32 flags);
SysResult sys_vmsplice(int fd, UserIovec iov, u64 count, u32 flags);

// process_vm.cpp
SysResult sys_process_vm_readv(pid_t pid, UserIovec local, u64 local_count, UserIovec remote,
                               u64 remote_count, u64 flags);
SysResult sys_process_vm_writev(pid_t pid, UserIovec local, u64 local_count, UserIovec remote,
                                u64 remote_count, u64 flags);
SysResult sys_kcmp(pid_t pid1, pid_t pid2, int type, u64 a, u64 b);

// fs_inotify.cpp
SysResult sys_inotify_init();
SysResult sys_inotify_init1(int flags);
SysResult sys_inotify_add_watch(int fd, UserString path, u32 mask);
SysResult sys_inotify_rm_watch(int fd, int wd);

// fs_xattr.cpp
SysResult sys_setxattr(UserString path, UserString name, UserBytes value, size_t size, int flags);
SysResult sys_lsetxattr(UserString path, UserString name, UserBytes value, size_t size, int flags);
SysResult sys_fsetxattr(int fd, UserString name, UserBytes value, size_t size, int flags);
SysResult sys_getxattr(UserString path, UserString name, UserBytes value, size_t size);
SysResult sys_lgetxattr(UserString path, UserString name, UserBytes value, size_t size);
SysResult sys_fgetxattr(int fd, UserString name, UserBytes value, size_t size);
SysResult sys_listxattr(UserString path, UserBytes list, size_t size);
SysResult sys_llistxattr(UserString path, UserBytes list, size_t size);
SysResult sys_flistxattr(int fd, UserBytes list, size_t size);
SysResult sys_removexattr(UserString path, UserString name);
SysResult sys_lremovexattr(UserString path, UserString name);
SysResult sys_fremovexattr(int fd, UserString name);

// fs_fd.cpp
SysResult sys_dup(int fd);
SysResult sys_dup2(int old_fd, int new_fd);
SysResult sys_dup3(int old_fd, int new_fd, int flags);
SysResult sys_fcntl(int fd, int command, u64 argument);
SysResult sys_flock(int fd, int operation);
SysResult sys_ioctl(int fd, u32 request, u64 argument);

// fs_poll.cpp
SysResult sys_poll(UserPtr<KernelPollfd> fds, u32 nfds, int timeout);
SysResult sys_ppoll(UserPtr<KernelPollfd> fds, u32 nfds, UserTimespec timeout, UserPtr<u64> sigmask,
                    size_t sigsetsize);
SysResult sys_select(int nfds, UserPtr<u64> readfds, UserPtr<u64> writefds, UserPtr<u64> exceptfds,
                     UserPtr<KernelTimeval> timeout);
SysResult sys_pselect6(int nfds, UserPtr<u64> readfds, UserPtr<u64> writefds, UserPtr<u64> exceptfds,
                       UserTimespec timeout, UserPtr<UserWord> sigmask_and_size);

// fs_event.cpp
SysResult sys_epoll_create(int size);
SysResult sys_epoll_create1(int flags);
SysResult sys_epoll_ctl(int epfd, int op, int fd, UserPtr<KernelEpollEvent> event);
SysResult sys_epoll_wait(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, int timeout);
SysResult sys_epoll_pwait(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, int timeout,
                          UserPtr<u64> sigmask, size_t sigsetsize);
SysResult sys_epoll_pwait2(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, UserTimespec timeout,
                           UserPtr<u64> sigmask, size_t sigsetsize);
SysResult sys_eventfd(u32 initial);
SysResult sys_eventfd2(u32 initial, int flags);

// fs_timerfd.cpp
struct KernelItimerspecFs {  // struct itimerspec
    KernelTimespec interval;
    KernelTimespec value;
};
template <>
struct Ia32Layout<KernelItimerspecFs> : Ia32ItimerspecLayout<KernelItimerspecFs, KernelTimespec> {};
SysResult sys_timerfd_create(int clock, int flags);
SysResult sys_timerfd_settime(int fd, int flags, UserPtr<KernelItimerspecFs> fresh,
                              UserPtr<KernelItimerspecFs> old);
SysResult sys_timerfd_gettime(int fd, UserPtr<KernelItimerspecFs> current_value);

// fs_mount.cpp
SysResult sys_mount(UserString source, UserString target, UserString type, u64 flags, UserString data);
SysResult sys_umount2(UserString target, int flags);
SysResult sys_swapon(UserString path, int flags);
SysResult sys_swapoff(UserString path);
SysResult sys_openat2(int dirfd, UserString path, u64 how, u64 size);
SysResult sys_fsopen(UserString name, u32 flags);
SysResult sys_fspick(int dirfd, UserString path, u32 flags);
SysResult sys_fsconfig(int fd, u32 command, UserString key, UserString value, int aux);
SysResult sys_fsmount(int fd, u32 flags, u32 attributes);
SysResult sys_open_tree(int dirfd, UserString path, u32 flags);
SysResult sys_move_mount(int from_dirfd, UserString from_path, int to_dirfd, UserString to_path, u32 flags);
SysResult sys_mount_setattr(int dirfd, UserString path, u32 flags, u64 attr, u64 size);
SysResult sys_pivot_root(UserString new_root, UserString put_old);

// net_socket.cpp
SysResult sys_socket(int family, int type, int protocol);
SysResult sys_socketpair(int family, int type, int protocol, UserPtr<i32> fds);
SysResult sys_connect(int fd, UserBytes address, int length);
SysResult sys_accept(int fd, u64 address, u64 length);
SysResult sys_accept4(int fd, u64 address, u64 length, int flags);
SysResult sys_sendto(int fd, UserBytes buffer, u64 size, u32 flags, u64 address, int length);
SysResult sys_recvfrom(int fd, UserBytes buffer, u64 size, u32 flags, u64 address, u64 length);
SysResult sys_sendmsg(int fd, u64 message, u32 flags);
SysResult sys_recvmsg(int fd, u64 message, u32 flags);
SysResult sys_sendmmsg(int fd, u64 messages, u32 count, u32 flags);
SysResult sys_recvmmsg(int fd, u64 messages, u32 count, u32 flags, UserTimespec timeout);
SysResult sys_shutdown(int fd, int how);
SysResult sys_bind(int fd, u64 address, int length);
SysResult sys_listen(int fd, int backlog);
SysResult sys_getsockname(int fd, u64 address, u64 length);
SysResult sys_getpeername(int fd, u64 address, u64 length);
SysResult sys_setsockopt(int fd, int level, int option, u64 value, int length);
SysResult sys_getsockopt(int fd, int level, int option, u64 value, u64 length);
