// splice, tee and vmsplice between pipes, files and memory.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char b[200000], c[200000];

int main(void) {
    int p[2], q[2];
    pipe(p), pipe(q);
    int f = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644), g = open("g", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < (int)sizeof(b); i++) b[i] = i * 7 + i / 251;
    write(f, b, sizeof(b));
    loff_t at = 100;
    CHECK(splice(f, &at, p[1], 0, 5000, 0) == 5000 && at == 5100 && lseek(f, 0, SEEK_CUR) == sizeof(b));
    CHECK(tee(p[0], q[1], 1 << 20, 0) == 5000);
    CHECK(read(q[0], c, sizeof(c)) == 5000 && memcmp(c, b + 100, 5000) == 0);
    loff_t to = 7;
    CHECK(splice(p[0], 0, g, &to, 1 << 20, 0) == 5000 && to == 5007 && lseek(g, 0, SEEK_CUR) == 0);
    CHECK(pread(g, c, sizeof(c), 7) == 5000 && memcmp(c, b + 100, 5000) == 0);
    lseek(f, 0, SEEK_SET);
    CHECK(splice(f, 0, p[1], 0, 1 << 20, SPLICE_F_NONBLOCK) == 65536 && lseek(f, 0, SEEK_CUR) == 65536);
    CHECK_ERROR(splice(f, 0, p[1], 0, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK(splice(p[0], 0, q[1], 0, 10000, 0) == 10000);
    CHECK(read(q[0], c, 10000) == 10000 && memcmp(c, b, 10000) == 0);
    CHECK(splice(p[0], 0, g, 0, 1 << 20, 0) == 55536 && lseek(g, 0, SEEK_CUR) == 55536);
    CHECK_ERROR(splice(p[0], 0, g, 0, 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_ERROR(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK(splice(p[0], 0, g, 0, 0, 0) == 0);
    lseek(f, 0, SEEK_END);
    CHECK(splice(f, 0, p[1], 0, 10, 0) == 0);
    CHECK_ERROR(splice(f, 0, g, 0, 10, 0), EINVAL);
    CHECK_ERROR(splice(p[0], 0, p[1], 0, 10, 0), EINVAL);
    CHECK_ERROR(splice(p[1], 0, g, 0, 10, 0), EBADF);
    CHECK_ERROR(splice(-1, 0, g, 0, 10, 0), EBADF);
    CHECK_ERROR(splice(p[0], &at, g, 0, 10, 0), ESPIPE);
    CHECK_ERROR(splice(f, 0, p[1], &at, 10, 0), ESPIPE);
    CHECK_ERROR(splice(p[0], 0, g, 0, 10, 64), EINVAL);
    CHECK_ERROR(tee(f, q[1], 1, 0), EINVAL);
    at = -1;
    CHECK_ERROR(splice(f, &at, p[1], 0, 10, 0), EINVAL);
    int a = open("g", O_WRONLY | O_APPEND);
    write(p[1], "x", 1);
    CHECK_ERROR(splice(p[0], 0, a, 0, 1, 0), EINVAL);
    CHECK(read(p[0], c, 1) == 1);

    struct iovec v[2] = {{b, 10}, {b + 100, 20}};
    CHECK(vmsplice(p[1], v, 2, 0) == 30);
    struct iovec w[1] = {{c, 100}};
    CHECK(vmsplice(p[0], w, 1, 0) == 30 && memcmp(c, b, 10) == 0 && memcmp(c + 10, b + 100, 20) == 0);
    CHECK_ERROR(vmsplice(f, v, 2, 0), EBADF);
    CHECK_ERROR(vmsplice(p[1], v, 2, 64), EINVAL);
    CHECK_ERROR(vmsplice(p[1], (void*)8, 2, 0), EFAULT);

    pid_t child = fork();
    if (child == 0) {
        close(p[1]);
        lseek(g, 0, SEEK_SET), ftruncate(g, 0);
        long n, total = 0;
        while ((n = splice(p[0], 0, g, 0, 1 << 20, 0)) > 0) total += n;
        _exit(n == 0 && total == sizeof(b) ? 0 : 1);
    }
    close(p[0]);
    lseek(f, 0, SEEK_SET);
    long n, total = 0;
    while ((n = splice(f, 0, p[1], 0, 1 << 20, 0)) > 0) total += n;
    CHECK(n == 0 && total == sizeof(b));
    close(p[1]);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(pread(g, c, sizeof(c), 0) == sizeof(b) && memcmp(b, c, sizeof(b)) == 0);
    signal(SIGPIPE, SIG_IGN);
    close(q[0]);
    lseek(f, 0, SEEK_SET);
    CHECK_ERROR(splice(f, 0, q[1], 0, 10, 0), EPIPE);
    CHECK_END();
}
