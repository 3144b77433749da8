// Names of flags and values. The numbers are the Linux x86-64 ABI's, from the host's headers, which are the
// same.
#include "emulator/guestos/syscalls/flag_sets.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <asm/prctl.h>
#include <cstring>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/ioctl_names.h"

namespace orrery {
namespace {

struct Name {
    const char* text;
    u64 value;
    u64 mask = 0;  // of a field of several bits; 0: `value` itself is the mask
};
using Names = std::vector<Name>;

#define N(name)                         \
    Name {                              \
#name, static_cast < u64>(name) \
    }
#define F(name, mask)                                             \
    Name {                                                        \
#name, static_cast < u64>(name), static_cast < u64>(mask) \
    }

const std::map<std::string, Names>& flag_sets() {
    static const std::map<std::string, Names> sets = {
        {"open",
         {F(O_RDONLY, O_ACCMODE),
          F(O_WRONLY, O_ACCMODE),
          F(O_RDWR, O_ACCMODE),
          N(O_CREAT),
          N(O_EXCL),
          N(O_NOCTTY),
          N(O_TRUNC),
          N(O_APPEND),
          N(O_NONBLOCK),
          {"O_SYNC", 04010000},
          N(O_DSYNC),
          N(O_ASYNC),
          N(O_DIRECT),
          {"O_LARGEFILE", 0100000},
          N(O_NOFOLLOW),
          N(O_NOATIME),
          N(O_CLOEXEC),
          N(O_PATH),
          {"O_TMPFILE", 020200000},
          N(O_DIRECTORY)}},
        {"pipe", {N(O_NONBLOCK), N(O_CLOEXEC), N(O_DIRECT)}},
        {"mmap_prot",
         {F(PROT_NONE, ~0ull), N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN),
          N(PROT_GROWSUP)}},
        {"mmap_flags",
         {F(MAP_SHARED, MAP_TYPE),
          F(MAP_PRIVATE, MAP_TYPE),
          F(MAP_SHARED_VALIDATE, MAP_TYPE),
          N(MAP_FIXED),
          N(MAP_ANONYMOUS),
          {"MAP_32BIT", 0x40},
          N(MAP_NORESERVE),
          N(MAP_POPULATE),
          N(MAP_NONBLOCK),
          N(MAP_GROWSDOWN),
          N(MAP_DENYWRITE),
          N(MAP_EXECUTABLE),
          N(MAP_LOCKED),
          N(MAP_STACK),
          N(MAP_HUGETLB),
          N(MAP_SYNC),
          N(MAP_FIXED_NOREPLACE)}},
        {"mremap", {N(MREMAP_MAYMOVE), N(MREMAP_FIXED), {"MREMAP_DONTUNMAP", 4}}},
        {"msync", {N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC)}},
        {"access", {F(F_OK, ~0ull), N(R_OK), N(W_OK), N(X_OK)}},
        {"wait",
         {N(WNOHANG),
          N(WUNTRACED),
          N(WEXITED),
          N(WCONTINUED),
          N(WNOWAIT),
          {"__WNOTHREAD", 0x20000000},
          {"__WALL", 0x40000000},
          {"__WCLONE", 0x80000000}}},
        {"at",
         {N(AT_SYMLINK_NOFOLLOW),
          N(AT_REMOVEDIR),
          N(AT_SYMLINK_FOLLOW),
          {"AT_NO_AUTOMOUNT", 0x800},
          {"AT_EMPTY_PATH", 0x1000},
          {"AT_STATX_FORCE_SYNC", 0x2000},
          {"AT_STATX_DONT_SYNC", 0x4000}}},
        {"faccessat", {N(AT_SYMLINK_NOFOLLOW), {"AT_EACCESS", 0x200}, {"AT_EMPTY_PATH", 0x1000}}},
        {"clone",
         {N(CLONE_VM),
          N(CLONE_FS),
          N(CLONE_FILES),
          N(CLONE_SIGHAND),
          {"CLONE_PIDFD", 0x1000},
          N(CLONE_PTRACE),
          N(CLONE_VFORK),
          N(CLONE_PARENT),
          N(CLONE_THREAD),
          N(CLONE_NEWNS),
          N(CLONE_SYSVSEM),
          N(CLONE_SETTLS),
          N(CLONE_PARENT_SETTID),
          N(CLONE_CHILD_CLEARTID),
          N(CLONE_DETACHED),
          N(CLONE_UNTRACED),
          N(CLONE_CHILD_SETTID),
          {"CLONE_NEWCGROUP", 0x02000000},
          N(CLONE_NEWUTS),
          N(CLONE_NEWIPC),
          N(CLONE_NEWUSER),
          N(CLONE_NEWPID),
          N(CLONE_NEWNET),
          N(CLONE_IO)}},
        {"poll",
         {N(POLLIN),
          N(POLLPRI),
          N(POLLOUT),
          {"POLLRDNORM", 0x40},
          {"POLLWRNORM", 0x100},
          {"POLLRDBAND", 0x80},
          {"POLLWRBAND", 0x200},
          N(POLLERR),
          N(POLLHUP),
          N(POLLNVAL),
          {"POLLMSG", 0x400},
          {"POLLREMOVE", 0x1000},
          {"POLLRDHUP", 0x2000}}},
        {"epoll",
         {N(EPOLLIN), N(EPOLLPRI), N(EPOLLOUT), N(EPOLLRDNORM), N(EPOLLWRNORM), N(EPOLLERR), N(EPOLLHUP),
          N(EPOLLRDHUP), N(EPOLLEXCLUSIVE), N(EPOLLWAKEUP), N(EPOLLONESHOT), N(EPOLLET)}},
        {"epoll_create", {N(EPOLL_CLOEXEC)}},
        {"eventfd", {{"EFD_SEMAPHORE", 1}, {"EFD_CLOEXEC", 02000000}, {"EFD_NONBLOCK", 04000}}},
        {"timerfd", {{"TFD_CLOEXEC", 02000000}, {"TFD_NONBLOCK", 04000}}},
        {"timerfd_settime", {{"TFD_TIMER_ABSTIME", 1}, {"TFD_TIMER_CANCEL_ON_SET", 2}}},
        {"memfd", {{"MFD_CLOEXEC", 1}, {"MFD_ALLOW_SEALING", 2}, {"MFD_HUGETLB", 4}}},
        {"close_range", {{"CLOSE_RANGE_UNSHARE", 2}, {"CLOSE_RANGE_CLOEXEC", 4}}},
        {"getrandom", {N(GRND_NONBLOCK), N(GRND_RANDOM), {"GRND_INSECURE", 4}}},
        {"clock_nanosleep", {{"TIMER_ABSTIME", 1}}},
        {"mount", {N(MS_RDONLY),    N(MS_NOSUID),      N(MS_NODEV),
                   N(MS_NOEXEC),    N(MS_SYNCHRONOUS), N(MS_REMOUNT),
                   N(MS_MANDLOCK),  N(MS_DIRSYNC),     {"MS_NOSYMFOLLOW", 256},
                   N(MS_NOATIME),   N(MS_NODIRATIME),  N(MS_BIND),
                   N(MS_MOVE),      N(MS_REC),         N(MS_SILENT),
                   N(MS_POSIXACL),  N(MS_UNBINDABLE),  N(MS_PRIVATE),
                   N(MS_SLAVE),     N(MS_SHARED),      N(MS_RELATIME),
                   N(MS_KERNMOUNT), N(MS_I_VERSION),   N(MS_STRICTATIME),
                   N(MS_LAZYTIME)}},
        {"umount", {N(MNT_FORCE), N(MNT_DETACH), N(MNT_EXPIRE), N(UMOUNT_NOFOLLOW)}},
        {"fallocate",
         {{"FALLOC_FL_KEEP_SIZE", 1},
          {"FALLOC_FL_PUNCH_HOLE", 2},
          {"FALLOC_FL_COLLAPSE_RANGE", 8},
          {"FALLOC_FL_ZERO_RANGE", 16},
          {"FALLOC_FL_INSERT_RANGE", 32}}},
        {"rename", {{"RENAME_NOREPLACE", 1}, {"RENAME_EXCHANGE", 2}, {"RENAME_WHITEOUT", 4}}},
        {"fd", {N(FD_CLOEXEC)}},
        {"flock", {{"LOCK_SH", 1}, {"LOCK_EX", 2}, {"LOCK_NB", 4}, {"LOCK_UN", 8}}},
        {"statx",
         {{"STATX_TYPE", 1},
          {"STATX_MODE", 2},
          {"STATX_NLINK", 4},
          {"STATX_UID", 8},
          {"STATX_GID", 0x10},
          {"STATX_ATIME", 0x20},
          {"STATX_MTIME", 0x40},
          {"STATX_CTIME", 0x80},
          {"STATX_INO", 0x100},
          {"STATX_SIZE", 0x200},
          {"STATX_BLOCKS", 0x400},
          {"STATX_BTIME", 0x800},
          {"STATX_MNT_ID", 0x1000},
          {"STATX_DIOALIGN", 0x2000}}},
        {"sa",
         {{"SA_RESTORER", 0x04000000},
          {"SA_ONSTACK", 0x08000000},
          {"SA_RESTART", 0x10000000},
          {"SA_NODEFER", 0x40000000},
          {"SA_RESETHAND", 0x80000000},
          {"SA_NOCLDSTOP", 1},
          {"SA_NOCLDWAIT", 2},
          {"SA_SIGINFO", 4}}},
        {"splice",
         {{"SPLICE_F_MOVE", 1}, {"SPLICE_F_NONBLOCK", 2}, {"SPLICE_F_MORE", 4}, {"SPLICE_F_GIFT", 8}}},
        {"statfs",
         {{"ST_VALID", 0x20},
          {"ST_RDONLY", 1},
          {"ST_NOSUID", 2},
          {"ST_NODEV", 4},
          {"ST_NOEXEC", 8},
          {"ST_SYNCHRONOUS", 0x10},
          {"ST_MANDLOCK", 0x40},
          {"ST_NOATIME", 0x400},
          {"ST_NODIRATIME", 0x800},
          {"ST_RELATIME", 0x1000}}},
        {"xattr", {{"XATTR_CREATE", 1}, {"XATTR_REPLACE", 2}}},
        {"ss", {{"SS_ONSTACK", 1}, {"SS_DISABLE", 2}}},
        {"futex_flags", {{"FUTEX_PRIVATE_FLAG", 128}, {"FUTEX_CLOCK_REALTIME", 256}}},
    };
    return sets;
}

const std::map<std::string, Names>& enumerations() {
    static const std::map<std::string, Names> sets = {
        {"seek", {N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE)}},
        {"fcntl_cmd", {N(F_DUPFD),         N(F_GETFD),      N(F_SETFD),      N(F_GETFL),     N(F_SETFL),
                       N(F_GETLK),         N(F_SETLK),      N(F_SETLKW),     N(F_SETOWN),    N(F_GETOWN),
                       N(F_SETSIG),        N(F_GETSIG),     N(F_SETOWN_EX),  N(F_GETOWN_EX), N(F_OFD_GETLK),
                       N(F_OFD_SETLK),     N(F_OFD_SETLKW), N(F_SETLEASE),   N(F_GETLEASE),  N(F_NOTIFY),
                       N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS)}},
        {"sig_how", {N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK)}},
        {"madvise",
         {N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED),
          N(MADV_FREE), N(MADV_REMOVE), N(MADV_DONTFORK), N(MADV_DOFORK), N(MADV_HUGEPAGE),
          N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP)}},
        {"fadvise",
         {{"POSIX_FADV_NORMAL", 0},
          {"POSIX_FADV_RANDOM", 1},
          {"POSIX_FADV_SEQUENTIAL", 2},
          {"POSIX_FADV_WILLNEED", 3},
          {"POSIX_FADV_DONTNEED", 4},
          {"POSIX_FADV_NOREUSE", 5}}},
        {"prctl",
         {N(PR_SET_PDEATHSIG),
          N(PR_GET_PDEATHSIG),
          N(PR_GET_DUMPABLE),
          N(PR_SET_DUMPABLE),
          N(PR_GET_KEEPCAPS),
          N(PR_SET_KEEPCAPS),
          N(PR_SET_NAME),
          N(PR_GET_NAME),
          N(PR_GET_SECCOMP),
          N(PR_CAPBSET_READ),
          N(PR_CAPBSET_DROP),
          N(PR_SET_TIMERSLACK),
          N(PR_GET_TIMERSLACK),
          N(PR_SET_MM),
          N(PR_SET_CHILD_SUBREAPER),
          N(PR_GET_CHILD_SUBREAPER),
          N(PR_SET_NO_NEW_PRIVS),
          N(PR_GET_NO_NEW_PRIVS),
          N(PR_CAP_AMBIENT),
          {"PR_SET_VMA", 0x53564d41}}},
        {"arch_prctl",
         {N(ARCH_SET_GS),
          N(ARCH_SET_FS),
          N(ARCH_GET_FS),
          N(ARCH_GET_GS),
          {"ARCH_CET_STATUS", 0x3001},
          {"ARCH_CET_DISABLE", 0x3002}}},
        {"futex_op",
         {N(FUTEX_WAIT), N(FUTEX_WAKE), N(FUTEX_FD), N(FUTEX_REQUEUE), N(FUTEX_CMP_REQUEUE), N(FUTEX_WAKE_OP),
          N(FUTEX_LOCK_PI), N(FUTEX_UNLOCK_PI), N(FUTEX_TRYLOCK_PI), N(FUTEX_WAIT_BITSET),
          N(FUTEX_WAKE_BITSET)}},
        {"rlimit_resource",
         {N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA), N(RLIMIT_STACK), N(RLIMIT_CORE), N(RLIMIT_RSS),
          N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), N(RLIMIT_AS), N(RLIMIT_LOCKS),
          N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE), N(RLIMIT_NICE), N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME)}},
        {"reboot",
         {{"LINUX_REBOOT_CMD_RESTART", 0x01234567},
          {"LINUX_REBOOT_CMD_HALT", 0xCDEF0123},
          {"LINUX_REBOOT_CMD_CAD_ON", 0x89ABCDEF},
          {"LINUX_REBOOT_CMD_CAD_OFF", 0},
          {"LINUX_REBOOT_CMD_POWER_OFF", 0x4321FEDC},
          {"LINUX_REBOOT_CMD_RESTART2", 0xA1B2C3D4},
          {"LINUX_REBOOT_MAGIC1", 0xfee1dead},
          {"LINUX_REBOOT_MAGIC2", 672274793}}},
        {"itimer_which", {{"ITIMER_REAL", 0}, {"ITIMER_VIRTUAL", 1}, {"ITIMER_PROF", 2}}},
        {"rusage_who", {{"RUSAGE_SELF", 0}, {"RUSAGE_CHILDREN", 0xffffffff}, {"RUSAGE_THREAD", 1}}},
        {"sched_policy",
         {{"SCHED_OTHER", 0},
          {"SCHED_FIFO", 1},
          {"SCHED_RR", 2},
          {"SCHED_BATCH", 3},
          {"SCHED_IDLE", 5},
          {"SCHED_DEADLINE", 6}}},
        {"clock",
         {N(CLOCK_REALTIME), N(CLOCK_MONOTONIC), N(CLOCK_PROCESS_CPUTIME_ID), N(CLOCK_THREAD_CPUTIME_ID),
          N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE), N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME),
          N(CLOCK_REALTIME_ALARM), N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI)}},
        {"epoll_op", {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD)}},
        {"priority_which", {{"PRIO_PROCESS", 0}, {"PRIO_PGRP", 1}, {"PRIO_USER", 2}}},
        {"wait_id", {{"P_ALL", 0}, {"P_PID", 1}, {"P_PGID", 2}, {"P_PIDFD", 3}}},
        {"rlock", {{"F_RDLCK", 0}, {"F_WRLCK", 1}, {"F_UNLCK", 2}}},
        {"syslog",
         {{"SYSLOG_ACTION_CLOSE", 0},
          {"SYSLOG_ACTION_OPEN", 1},
          {"SYSLOG_ACTION_READ", 2},
          {"SYSLOG_ACTION_READ_ALL", 3},
          {"SYSLOG_ACTION_READ_CLEAR", 4},
          {"SYSLOG_ACTION_CLEAR", 5},
          {"SYSLOG_ACTION_CONSOLE_OFF", 6},
          {"SYSLOG_ACTION_CONSOLE_ON", 7},
          {"SYSLOG_ACTION_CONSOLE_LEVEL", 8},
          {"SYSLOG_ACTION_SIZE_UNREAD", 9},
          {"SYSLOG_ACTION_SIZE_BUFFER", 10}}},
        {"fs_magic",
         {{"TMPFS_MAGIC", 0x01021994},
          {"PROC_SUPER_MAGIC", 0x9fa0},
          {"SYSFS_MAGIC", 0x62656572},
          {"DEVPTS_SUPER_MAGIC", 0x1cd1},
          {"PIPEFS_MAGIC", 0x50495045},
          {"RAMFS_MAGIC", 0x858458f6},
          {"EXT2_SUPER_MAGIC", 0xef53}}},
    };
    return sets;
}
#undef N
#undef F

void join(std::string& text, const char* separator, const std::string& word) {
    if (!text.empty()) text += separator;
    text += word;
}

}  // namespace

bool is_flag_set(const std::string& set) {
    return flag_sets().count(set) != 0;
}
bool is_enumeration(const std::string& set) {
    return set == "ioctl_cmd" || enumerations().count(set) != 0;
}

std::string flags_text(const std::string& set, u64 value) {
    const auto found = flag_sets().find(set);
    if (found == flag_sets().end()) return value == 0 ? "0" : fmt::format("{:#x}", value);
    if (set == "clone") {
        // The low byte is the signal that the parent gets.
        std::string words;
        u64 flags = value & ~u64{0xff};
        for (const Name& name : found->second) {
            if ((flags & name.value) == 0) continue;
            join(words, "|", name.text);
            flags &= ~name.value;
        }
        if (flags != 0) join(words, "|", fmt::format("{:#x}", flags));
        if ((value & 0xff) != 0) join(words, "|", signal_text(value & 0xff));
        return words.empty() ? "0" : words;
    }
    std::string text;
    u64 rest = value;
    for (const Name& name : found->second) {
        const u64 mask = name.mask != 0 ? name.mask : name.value;
        if (name.mask != 0 ? (value & mask) != name.value
                           : (rest & name.value) != name.value || name.value == 0)
            continue;
        join(text, "|", name.text);
        rest &= ~(name.mask == ~u64{0} ? name.value : mask);
    }
    if (rest != 0) join(text, "|", fmt::format("{:#x}", rest));
    return text.empty() ? "0" : text;
}

std::string enumeration_text(const std::string& set, u64 value) {
    if (set == "ioctl_cmd") return ioctl_text(value & 0xffffffff);
    const auto found = enumerations().find(set);
    const u64 narrow = value & 0xffffffff;
    if (set == "futex_op") {
        std::string text = fmt::format("{:#x}", narrow & 127);
        for (const Name& name : found->second)
            if (name.value == (narrow & 127)) text = name.text;
        if ((narrow & 128) != 0) text += "_PRIVATE";
        if ((narrow & 256) != 0) text += "|FUTEX_CLOCK_REALTIME";
        return text;
    }
    if (found != enumerations().end())
        for (const Name& name : found->second)
            if (name.value == narrow) return name.text;
    return narrow < 0x10000 ? fmt::format("{}", narrow) : fmt::format("{:#x}", narrow);
}

std::string signal_text(u64 number) {
    if (number >= 32 && number <= 64) return number == 32 ? "SIGRTMIN" : fmt::format("SIGRT_{}", number - 32);
    const char* name = number < 32 ? sigabbrev_np(static_cast<int>(number)) : nullptr;
    return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("{}", number);
}

std::string signal_set_text(u64 mask) {
    // strace names the smaller half.
    const bool inverted = __builtin_popcountll(mask) >= 43;
    if (inverted) mask = ~mask;
    std::string text;
    for (unsigned signal = 1; signal <= 64; ++signal)
        if ((mask >> (signal - 1) & 1) != 0) join(text, " ", signal_text(signal).substr(3));
    return fmt::format("{}[{}]", inverted ? "~" : "", text);
}

std::string errno_name(int error) {
    // Only inside the kernel: a call that is begun again after a signal.
    if (error == 512) return "ERESTARTSYS";
    if (error == 513) return "ERESTARTNOINTR";
    if (error == 514) return "ERESTARTNOHAND";
    if (error == 516) return "ERESTART_RESTARTBLOCK";
    const char* name = strerrorname_np(error);
    return name != nullptr ? name : fmt::format("ERRNO_{}", error);
}

std::string errno_text(int error) {
    const char* description = strerrordesc_np(error);
    return fmt::format("{} ({})", errno_name(error), description != nullptr ? description : "unknown error");
}

std::string file_mode_text(u64 mode) {
    const char* type = "";
    switch (mode & S_IFMT) {
        case S_IFREG:
            type = "S_IFREG|";
            break;
        case S_IFDIR:
            type = "S_IFDIR|";
            break;
        case S_IFCHR:
            type = "S_IFCHR|";
            break;
        case S_IFBLK:
            type = "S_IFBLK|";
            break;
        case S_IFIFO:
            type = "S_IFIFO|";
            break;
        case S_IFLNK:
            type = "S_IFLNK|";
            break;
        case S_IFSOCK:
            type = "S_IFSOCK|";
            break;
        default:
            break;
    }
    std::string text = type;
    if ((mode & S_ISUID) != 0) text += "S_ISUID|";
    if ((mode & S_ISGID) != 0) text += "S_ISGID|";
    if ((mode & S_ISVTX) != 0) text += "S_ISVTX|";
    return fmt::format("{}0{:o}", text, mode & 0777);
}

}  // namespace orrery
