// Declarations of the system call handlers that are not about files; fs_syscalls.h has the others.
//
// Guarantees: each takes its arguments with the ABI's widths (the dispatcher narrows the registers) and
// returns the value for RAX or an Errno.
#pragma once

#include "abi/rusage.h"
#include "abi/signal.h"
#include "abi/system.h"
#include "core/result.h"
#include "core/types.h"
#include "mm/user_ptr.h"
#include "time/clock.h"

struct pt_regs;
/// The saved user registers of the running system call.
pt_regs* current_pt_regs();

// task/
SysResult sys_fork();
SysResult sys_vfork();
SysResult sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls);
SysResult sys_clone3(u64 args, u64 size);
SysResult sys_execve(UserString path, u64 argv, u64 envp);
SysResult sys_execveat(int dirfd, UserString path, u64 argv, u64 envp, int flags);
SysResult sys_exit(int code);
SysResult sys_exit_group(int code);
SysResult sys_wait4(pid_t pid, UserPtr<i32> status, int options, UserPtr<KRusage> usage);
SysResult sys_waitid(int type, pid_t id, UserPtr<KSigInfo> info, int options, UserPtr<KRusage> usage);
SysResult sys_unshare(u64 flags);
SysResult sys_setns(int fd, int type);
SysResult sys_pidfd_open(pid_t pid, u32 flags);
SysResult sys_pidfd_send_signal(int pidfd, int sig, UserPtr<KSigInfo> info, u32 flags);
SysResult sys_pidfd_getfd(int pidfd, int fd, u32 flags);
SysResult sys_futex(u64 address, int op, u32 value, u64 timeout, u64 address2, u32 value3);
SysResult sys_futex_waitv(u64 entries, u32 count, u32 flags, u64 timeout, clockid_t clock);
SysResult sys_set_robust_list(u64 head, u64 size);
SysResult sys_get_robust_list(pid_t pid, UserPtr<u64> head, UserPtr<u64> size);
SysResult sys_rseq(u64 area, u32 size, int flags, u32 signature);
SysResult sys_set_tid_address(u64 address);
SysResult sys_setsid();
SysResult sys_setpgid(pid_t pid, pid_t pgid);
SysResult sys_getpgid(pid_t pid);
SysResult sys_getpgrp();
SysResult sys_getsid(pid_t pid);
SysResult sys_getpid();
SysResult sys_getppid();
SysResult sys_gettid();
SysResult sys_prctl(int option, u64 a2, u64 a3, u64 a4, u64 a5);
SysResult sys_arch_prctl(int option, u64 address);
SysResult sys_modify_ldt(int function, UserBytes pointer, u64 size);
SysResult sys_personality(u32 persona);

// System V IPC
SysResult sys_shmget(i32 key, u64 size, int flags);
SysResult sys_shmat(int id, u64 address, int flags);
SysResult sys_shmdt(u64 address);
SysResult sys_shmctl(int id, int command, UserBytes buffer);
SysResult sys_semget(i32 key, int count, int flags);
SysResult sys_semop(int id, UserBytes ops, u32 count);
SysResult sys_semtimedop(int id, UserBytes ops, u32 count, u64 timeout);
SysResult sys_semctl(int id, int number, int command, u64 argument);
SysResult sys_msgget(i32 key, int flags);
SysResult sys_msgsnd(int id, u64 buffer, u64 size, int flags);
SysResult sys_msgrcv(int id, u64 buffer, u64 size, i64 type, int flags);
SysResult sys_msgctl(int id, int command, UserBytes buffer);

// POSIX message queues
SysResult sys_mq_open(UserString name, int flags, u32 mode, UserBytes attr);
SysResult sys_mq_unlink(UserString name);
SysResult sys_mq_timedsend(int fd, UserBytes text, u64 size, u32 priority, u64 timeout);
SysResult sys_mq_timedreceive(int fd, UserBytes text, u64 size, UserPtr<u32> priority, u64 timeout);
SysResult sys_mq_notify(int fd, UserBytes event);
SysResult sys_mq_getsetattr(int fd, UserBytes fresh, UserBytes old);

// Signals
SysResult sys_rt_sigaction(int sig, UserPtr<KSigAction> action, UserPtr<KSigAction> old, u64 size);
SysResult sys_rt_sigprocmask(int how, UserPtr<SigSet> set, UserPtr<SigSet> old, u64 size);
SysResult sys_rt_sigreturn();
SysResult sys_rt_sigpending(UserPtr<SigSet> set, u64 size);
SysResult sys_rt_sigtimedwait(UserPtr<SigSet> set, UserPtr<KSigInfo> info, UserPtr<timespec64> timeout,
                              u64 size);
SysResult sys_rt_sigqueueinfo(pid_t pid, int sig, UserPtr<KSigInfo> info);
SysResult sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, UserPtr<KSigInfo> info);
SysResult sys_rt_sigsuspend(UserPtr<SigSet> set, u64 size);
SysResult sys_sigaltstack(UserPtr<KSigAltStack> stack, UserPtr<KSigAltStack> old);
SysResult sys_signalfd(int fd, UserPtr<SigSet> mask, u64 size);
SysResult sys_signalfd4(int fd, UserPtr<SigSet> mask, u64 size, int flags);
SysResult sys_kill(pid_t pid, int sig);
SysResult sys_tkill(pid_t tid, int sig);
SysResult sys_tgkill(pid_t tgid, pid_t tid, int sig);
SysResult sys_pause();
SysResult sys_restart_syscall();

// Memory
SysResult sys_mmap(u64 address, u64 length, u64 prot, u64 flags, int fd, u64 offset);
SysResult sys_munmap(u64 address, u64 length);
SysResult sys_mprotect(u64 address, u64 length, u64 prot);
SysResult sys_mremap(u64 address, u64 old_length, u64 new_length, u64 flags, u64 new_address);
SysResult sys_brk(u64 address);
SysResult sys_madvise(u64 address, u64 length, int advice);
SysResult sys_msync(u64 address, u64 length, int flags);
SysResult sys_mincore(u64 address, u64 length, UserBytes vector);
SysResult sys_mlock(u64 address, u64 length);
SysResult sys_mlock2(u64 address, u64 length, int flags);
SysResult sys_munlock(u64 address, u64 length);
SysResult sys_mlockall(int flags);
SysResult sys_munlockall();

// Credentials
SysResult sys_getuid();
SysResult sys_geteuid();
SysResult sys_getgid();
SysResult sys_getegid();
SysResult sys_setuid(uid_t uid);
SysResult sys_setgid(gid_t gid);
SysResult sys_setreuid(uid_t ruid, uid_t euid);
SysResult sys_setregid(gid_t rgid, gid_t egid);
SysResult sys_setresuid(uid_t ruid, uid_t euid, uid_t suid);
SysResult sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid);
SysResult sys_getresuid(UserPtr<uid_t> ruid, UserPtr<uid_t> euid, UserPtr<uid_t> suid);
SysResult sys_getresgid(UserPtr<gid_t> rgid, UserPtr<gid_t> egid, UserPtr<gid_t> sgid);
SysResult sys_setfsuid(uid_t uid);
SysResult sys_setfsgid(gid_t gid);
SysResult sys_getgroups(int size, UserPtr<gid_t> list);
SysResult sys_setgroups(int size, UserPtr<gid_t> list);
SysResult sys_capget(UserPtr<KCapHeader> header, UserPtr<KCapData> data);
SysResult sys_capset(UserPtr<KCapHeader> header, UserPtr<KCapData> data);

// Time
SysResult sys_clock_gettime(clockid_t clock, UserPtr<timespec64> time);
SysResult sys_clock_settime(clockid_t clock, UserPtr<timespec64> time);
SysResult sys_clock_getres(clockid_t clock, UserPtr<timespec64> resolution);
SysResult sys_clock_nanosleep(clockid_t clock, int flags, UserPtr<timespec64> request,
                              UserPtr<timespec64> left);
SysResult sys_nanosleep(UserPtr<timespec64> request, UserPtr<timespec64> left);
SysResult sys_gettimeofday(UserPtr<KTimeval> time, u64 zone);
SysResult sys_settimeofday(UserPtr<KTimeval> time, u64 zone);
SysResult sys_time(UserPtr<UserLong> time);
SysResult sys_times(UserPtr<KTms> times);
SysResult sys_alarm(u32 seconds);
SysResult sys_setitimer(int which, UserPtr<KItimerval> value, UserPtr<KItimerval> old);
SysResult sys_getitimer(int which, UserPtr<KItimerval> value);
SysResult sys_timer_create(clockid_t clock, u64 event, UserPtr<i32> id);
SysResult sys_timer_settime(i32 id, int flags, UserPtr<KItimerspec> value, UserPtr<KItimerspec> old);
SysResult sys_timer_gettime(i32 id, UserPtr<KItimerspec> value);
SysResult sys_timer_getoverrun(i32 id);
SysResult sys_timer_delete(i32 id);

// Scheduling
SysResult sys_sched_yield();
SysResult sys_sched_setparam(pid_t pid, UserPtr<i32> param);
SysResult sys_sched_getparam(pid_t pid, UserPtr<i32> param);
SysResult sys_sched_setscheduler(pid_t pid, int policy, UserPtr<i32> param);
SysResult sys_sched_getscheduler(pid_t pid);
SysResult sys_sched_get_priority_max(int policy);
SysResult sys_sched_get_priority_min(int policy);
SysResult sys_sched_rr_get_interval(pid_t pid, UserPtr<timespec64> interval);
SysResult sys_sched_setaffinity(pid_t pid, u32 size, UserPtr<u64> mask);
SysResult sys_sched_getaffinity(pid_t pid, u32 size, UserPtr<u64> mask);
SysResult sys_sched_setattr(pid_t pid, u64 attr, u32 flags);
SysResult sys_sched_getattr(pid_t pid, u64 attr, u32 size, u32 flags);
SysResult sys_ioprio_set(int which, int who, int priority);
SysResult sys_ioprio_get(int which, int who);
SysResult sys_adjtimex(UserBytes timex);
SysResult sys_clock_adjtime(clockid_t clock, UserBytes timex);
SysResult sys_getpriority(int which, int who);
SysResult sys_setpriority(int which, int who, int value);
SysResult sys_getcpu(UserPtr<u32> cpu, UserPtr<u32> node, u64 unused);

// System
SysResult sys_membarrier(int command, u32 flags, int cpu);
SysResult sys_uname(UserPtr<KUtsname> name);
SysResult sys_sethostname(UserPtr<char> name, int length);
SysResult sys_setdomainname(UserPtr<char> name, int length);
SysResult sys_sysinfo(UserPtr<KSysinfo> info);
SysResult sys_getrusage(int who, UserPtr<KRusage> usage);
SysResult sys_getrlimit(int resource, UserPtr<KRlimit> limit);
SysResult sys_setrlimit(int resource, UserPtr<KRlimit> limit);
SysResult sys_prlimit64(pid_t pid, int resource, UserPtr<KRlimit> fresh, UserPtr<KRlimit> old);
SysResult sys_getrandom(UserBytes buffer, u64 size, u32 flags);
SysResult sys_syslog(int type, UserPtr<char> buffer, int size);
SysResult sys_reboot(u32 magic1, u32 magic2, u32 command, UserString argument);
