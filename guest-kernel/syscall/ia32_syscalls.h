// Declarations of the system calls that only 32-bit programs have; the rows are in table_ia32.def. The rules are those of
// syscalls.h, but every argument is a register of 32 bits.
#pragma once

#include "abi/signal.h"
#include "mm/user_ptr.h"
#include "syscall/fs_syscalls.h"

// arch/x86_64/tls.cpp, ldt.cpp, ia32_signal.cpp
SysResult sys_set_thread_area(u64 user_desc);
SysResult sys_get_thread_area(u64 user_desc);
SysResult ia32_sigreturn();
SysResult ia32_rt_sigreturn();

// ia32_files.cpp: offsets in two registers, and structures of their own
SysResult ia32_llseek(int fd, u32 high, u32 low, UserPtr<i64> result, u32 whence);
SysResult ia32_truncate64(UserString path, u32 low, u32 high);
SysResult ia32_ftruncate64(int fd, u32 low, u32 high);
SysResult ia32_pread64(int fd, UserBytes buf, u32 count, u32 low, u32 high);
SysResult ia32_pwrite64(int fd, UserBytes buf, u32 count, u32 low, u32 high);
SysResult ia32_preadv(int fd, UserIovec iov, u32 count, u32 low, u32 high);
SysResult ia32_pwritev(int fd, UserIovec iov, u32 count, u32 low, u32 high);
SysResult ia32_preadv2(int fd, UserIovec iov, u32 count, u32 low, u32 high, int flags);
SysResult ia32_pwritev2(int fd, UserIovec iov, u32 count, u32 low, u32 high, int flags);
SysResult ia32_readahead(int fd, u32 low, u32 high, u32 count);
SysResult ia32_sync_file_range(int fd, u32 low, u32 high, u32 bytes_low, u32 bytes_high, u32 flags);
SysResult ia32_fallocate(int fd, int mode, u32 low, u32 high, u32 length_low, u32 length_high);
SysResult ia32_fadvise64(int fd, u32 low, u32 high, u32 length, int advice);
SysResult ia32_fadvise64_64(int fd, u32 low, u32 high, u32 length_low, u32 length_high, int advice);
SysResult ia32_fcntl64(int fd, int command, u32 argument);
SysResult ia32_statfs64(UserString path, u32 size, UserPtr<KernelStatfs> buf);
SysResult ia32_fstatfs64(int fd, u32 size, UserPtr<KernelStatfs> buf);
SysResult ia32_select(u64 arguments);
SysResult ia32_mmap(u64 arguments);
SysResult ia32_mmap2(u64 address, u64 length, u64 prot, u64 flags, int fd, u32 page_offset);
SysResult ia32_umount(UserString target);

// ia32_process.cpp
SysResult ia32_clone(u64 flags, u64 stack, u64 parent_tid, u64 tls, u64 child_tid);
SysResult ia32_waitpid(pid_t pid, UserPtr<i32> status, int options);
SysResult ia32_nice(int increment);
SysResult ia32_stime(UserPtr<UserLong> time);
SysResult ia32_set_robust_list(u64 head, u32 size);
SysResult ia32_get_robust_list(pid_t pid, UserPtr<u32> head, UserPtr<u32> size);
SysResult ia32_old_getrlimit(int resource, u64 limit);
SysResult ia32_olduname(u64 name);
SysResult ia32_socketcall(int call, u64 arguments);
SysResult ia32_signal(int sig, u32 handler);
SysResult ia32_sigaction(int sig, u64 action, u64 old);
SysResult ia32_sigprocmask(int how, UserPtr<u32> set, UserPtr<u32> old);
SysResult ia32_sigpending(UserPtr<u32> set);
SysResult ia32_sigsuspend(int, int, u32 mask);
SysResult ia32_sgetmask();
SysResult ia32_ssetmask(u32 mask);

// ia32_ipc.cpp
SysResult ia32_ipc(u32 call, int first, u32 second, u32 third, u64 pointer, u32 fifth);

// ia32_uid16.cpp: users and groups of 16 bits
SysResult ia32_chown16(UserString path, u16 uid, u16 gid);
SysResult ia32_lchown16(UserString path, u16 uid, u16 gid);
SysResult ia32_fchown16(int fd, u16 uid, u16 gid);
SysResult ia32_setuid16(u16 uid);
SysResult ia32_setgid16(u16 gid);
SysResult ia32_setreuid16(u16 ruid, u16 euid);
SysResult ia32_setregid16(u16 rgid, u16 egid);
SysResult ia32_setresuid16(u16 ruid, u16 euid, u16 suid);
SysResult ia32_setresgid16(u16 rgid, u16 egid, u16 sgid);
SysResult ia32_getresuid16(UserPtr<u16> ruid, UserPtr<u16> euid, UserPtr<u16> suid);
SysResult ia32_getresgid16(UserPtr<u16> rgid, UserPtr<u16> egid, UserPtr<u16> sgid);
SysResult ia32_setfsuid16(u16 uid);
SysResult ia32_setfsgid16(u16 gid);
SysResult ia32_getgroups16(int size, UserPtr<u16> list);
SysResult ia32_setgroups16(int size, UserPtr<u16> list);
SysResult ia32_getuid16();
SysResult ia32_getgid16();
SysResult ia32_geteuid16();
SysResult ia32_getegid16();
