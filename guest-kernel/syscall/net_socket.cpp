// The calls of sockets (socket(2)), in a kernel without an address family: sockets cannot be made, and no descriptor is
// one. They check what Linux checks first, in its order (net/socket.c), and answer EAFNOSUPPORT, EBADF or ENOTSOCK.
#include "fs/files_struct.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"
#include "time/clock.h"

namespace {

constexpr int kFamilies = 46;     // AF_MAX
constexpr int kSocketTypes = 11;  // SOCK_MAX
constexpr int kTypeMask = 0xf;    // of the type argument; the rest are flags
constexpr int kSocketFlags = O_CLOEXEC | O_NONBLOCK;
constexpr int kMaxAddress = 128;  // sizeof(struct sockaddr_storage)
constexpr u32 kCompatMessage = 1u << 31;

/// What a call says of `fd` that finds no socket there.
SysResult not_a_socket(int fd) {
    TRY(get_file(fd));
    return Errno::ENOTSOCK;
}

Result<void> check_type(int type) {
    return type & ~kTypeMask & ~kSocketFlags ? Result<void>(Errno::EINVAL) : Result<void>();
}

SysResult no_family(int family, int type) {
    if (family < 0 || family >= kFamilies) return Errno::EAFNOSUPPORT;
    return (type & kTypeMask) >= kSocketTypes ? Errno::EINVAL : Errno::EAFNOSUPPORT;
}

Result<int> free_descriptor(int from) {
    FilesStruct& files = *current()->files;
    while (files.next_open(from) == from) from++;
    if (static_cast<u64>(from) >= task_rlimit(kRlimitNofile)) return Errno::EMFILE;
    return from;
}

}  // namespace

SysResult sys_socket(int family, int type, int /*protocol*/) {
    TRY(check_type(type));
    return no_family(family, type);
}

SysResult sys_socketpair(int family, int type, int /*protocol*/, UserPtr<i32> fds) {
    TRY(check_type(type));
    // The numbers are handed out before the sockets are made.
    i32 both[2];
    both[0] = TRY(free_descriptor(0));
    both[1] = TRY(free_descriptor(both[0] + 1));
    TRY(fds.copy_out(both, sizeof(both)));
    return no_family(family, type);
}

SysResult sys_connect(int fd, UserBytes address, int length) {
    TRY(get_file(fd));
    if (length < 0 || length > kMaxAddress) return Errno::EINVAL;
    u8 copy[kMaxAddress];
    TRY(address.copy_in(copy, static_cast<size_t>(length)));
    return Errno::ENOTSOCK;
}

SysResult sys_accept(int fd, u64 /*address*/, u64 /*length*/) {
    return not_a_socket(fd);
}

SysResult sys_accept4(int fd, u64 /*address*/, u64 /*length*/, int flags) {
    TRY(get_file(fd));
    return flags & ~kSocketFlags ? Errno::EINVAL : Errno::ENOTSOCK;
}

SysResult sys_sendto(int fd, UserBytes buffer, u64 size, u32 /*flags*/, u64 /*address*/, int /*length*/) {
    if (!access_ok(buffer.address(), min<u64>(size, 0x7ffff000))) return Errno::EFAULT;
    return not_a_socket(fd);
}

SysResult sys_recvfrom(int fd, UserBytes buffer, u64 size, u32 /*flags*/, u64 /*address*/, u64 /*length*/) {
    if (!access_ok(buffer.address(), min<u64>(size, 0x7ffff000))) return Errno::EFAULT;
    return not_a_socket(fd);
}

SysResult sys_sendmsg(int fd, u64 /*message*/, u32 flags) {
    return flags & kCompatMessage ? SysResult(Errno::EINVAL) : not_a_socket(fd);
}

SysResult sys_recvmsg(int fd, u64 /*message*/, u32 flags) {
    return flags & kCompatMessage ? SysResult(Errno::EINVAL) : not_a_socket(fd);
}

SysResult sys_sendmmsg(int fd, u64 /*messages*/, u32 /*count*/, u32 flags) {
    return flags & kCompatMessage ? SysResult(Errno::EINVAL) : not_a_socket(fd);
}

SysResult sys_recvmmsg(int fd, u64 /*messages*/, u32 /*count*/, u32 flags, UserTimespec timeout) {
    if (flags & kCompatMessage) return Errno::EINVAL;
    if (!timeout.is_null()) {
        const KernelTimespec t = TRY(timeout.read());
        if (!timespec_valid({t.tv_sec, t.tv_nsec})) return Errno::EINVAL;
    }
    return not_a_socket(fd);
}

SysResult sys_shutdown(int fd, int /*how*/) {
    return not_a_socket(fd);
}

SysResult sys_bind(int fd, u64 /*address*/, int /*length*/) {
    return not_a_socket(fd);
}

SysResult sys_listen(int fd, int /*backlog*/) {
    return not_a_socket(fd);
}

SysResult sys_getsockname(int fd, u64 /*address*/, u64 /*length*/) {
    return not_a_socket(fd);
}

SysResult sys_getpeername(int fd, u64 /*address*/, u64 /*length*/) {
    return not_a_socket(fd);
}

SysResult sys_setsockopt(int fd, int /*level*/, int /*option*/, u64 /*value*/, int length) {
    return length < 0 ? SysResult(Errno::EINVAL) : not_a_socket(fd);
}

SysResult sys_getsockopt(int fd, int /*level*/, int /*option*/, u64 /*value*/, u64 /*length*/) {
    return not_a_socket(fd);
}
