// The calls of sockets where there is none: what is checked first, and what is said of a family that does not exist.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define NO_FAMILY 19  // was AF_ECONET, which Linux has no more

int main(void) {
    int fds[2], file = open("/dev/null", O_RDWR), path = open("/", O_PATH), bad = 999;
    char buffer[8];
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    struct msghdr message = {0};
    struct mmsghdr messages[1] = {0};
    void *nowhere = (void *)-1;

    CHECK_ERROR(socket(NO_FAMILY, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERROR(socket(NO_FAMILY, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), EAFNOSUPPORT);
    CHECK_ERROR(syscall(SYS_socket, NO_FAMILY, SOCK_STREAM | 0x100, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_socket, NO_FAMILY, 11, 0), EINVAL);
    CHECK_ERROR(socket(-1, 11, 0), EAFNOSUPPORT);
    CHECK_ERROR(socket(1000, SOCK_STREAM, 0), EAFNOSUPPORT);
    CHECK_ERROR(socketpair(NO_FAMILY, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
    CHECK_ERROR(syscall(SYS_socketpair, NO_FAMILY, 11, 0, fds), EINVAL);
    CHECK_ERROR(syscall(SYS_socketpair, NO_FAMILY, SOCK_STREAM, 0, nowhere), EFAULT);
    CHECK_ERROR(syscall(SYS_socketpair, NO_FAMILY, SOCK_STREAM | 0x100, 0, nowhere), EINVAL);
    // No descriptor has been used up.
    fds[0] = dup(file);
    CHECK(fds[0] == path + 1);
    close(fds[0]);

    const int descriptors[] = {file, path, bad};
    for (int i = 0; i < 3; i++) {
        int fd = descriptors[i], error = i == 0 ? ENOTSOCK : EBADF;
        CHECK_ERROR(bind(fd, (struct sockaddr *)&address, sizeof(address)), error);
        CHECK_ERROR(bind(fd, nowhere, -1), error);
        CHECK_ERROR(listen(fd, 1), error);
        CHECK_ERROR(accept(fd, 0, 0), error);
        CHECK_ERROR(accept4(fd, 0, 0, SOCK_CLOEXEC), error);
        CHECK_ERROR(syscall(SYS_accept4, fd, 0, 0, 1), i == 0 ? EINVAL : EBADF);
        CHECK_ERROR(connect(fd, (struct sockaddr *)&address, sizeof(address)), error);
        CHECK_ERROR(connect(fd, (struct sockaddr *)&address, -1), i == 0 ? EINVAL : EBADF);
        CHECK_ERROR(connect(fd, (struct sockaddr *)&address, 129), i == 0 ? EINVAL : EBADF);
        CHECK_ERROR(connect(fd, nowhere, 16), i == 0 ? EFAULT : EBADF);
        CHECK_ERROR(getsockname(fd, (struct sockaddr *)&address, &length), error);
        CHECK_ERROR(getpeername(fd, (struct sockaddr *)&address, &length), error);
        CHECK_ERROR(shutdown(fd, 99), error);
        CHECK_ERROR(sendto(fd, buffer, 1, 0, 0, 0), error);
        CHECK_ERROR(sendto(fd, nowhere, 100, 0, 0, 0), EFAULT);
        CHECK_ERROR(recvfrom(fd, buffer, 1, 0, 0, 0), error);
        CHECK_ERROR(recvfrom(fd, nowhere, 100, 0, 0, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_sendmsg, fd, &message, 0), error);
        CHECK_ERROR(syscall(SYS_sendmsg, fd, &message, 1u << 31), EINVAL);
        CHECK_ERROR(syscall(SYS_recvmsg, fd, &message, 0), error);
        CHECK_ERROR(syscall(SYS_recvmsg, fd, &message, 1u << 31), EINVAL);
        CHECK_ERROR(syscall(SYS_sendmmsg, fd, messages, 1, 0), error);
        CHECK_ERROR(syscall(SYS_recvmmsg, fd, messages, 1, 0, 0), error);
        CHECK_ERROR(syscall(SYS_recvmmsg, fd, messages, 1, 0, nowhere), EFAULT);
        CHECK_ERROR(syscall(SYS_recvmmsg, fd, messages, 1, 0, (long[]){0, -1}), EINVAL);
        CHECK_ERROR(getsockopt(fd, SOL_SOCKET, SO_TYPE, buffer, &length), error);
        CHECK_ERROR(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, buffer, 4), error);
    }
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){path + 2, path + 2});
    CHECK_ERROR(socketpair(NO_FAMILY, SOCK_STREAM, 0, fds), EMFILE);
    CHECK_END();
}
