// openat2(2): which flags it refuses, and walks that may not leave a directory, a mount, or follow links.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

struct how {
    uint64_t flags, mode, resolve, more;
};

static int dir;

static long try(const char *path, uint64_t flags, uint64_t resolve) {
    struct how how = {flags, 0, resolve, 0};
    long fd = syscall(437, dir, path, &how, 24);
    if (fd >= 0) close(fd);
    return fd < 0 ? -1 : 0;
}

int main(void) {
    mkdir("d", 0755), mkdir("d/e", 0755), close(open("d/f", O_CREAT | O_WRONLY, 0644)), close(open("out", O_CREAT | O_WRONLY, 0644));
    symlink("f", "d/link"), symlink("../out", "d/up"), symlink("/f", "d/absolute");
    symlink("/proc/self/exe", "d/exe");
    dir = open("d", O_RDONLY | O_DIRECTORY);
    struct how how = {0};
    CHECK_ERROR(syscall(437, dir, "f", &how, 16), EINVAL);
    CHECK_ERROR(syscall(437, dir, "f", &how, 5000), E2BIG);
    CHECK_ERROR(syscall(437, dir, "f", 8, 24), EFAULT);
    how.more = 1;
    CHECK_ERROR(syscall(437, dir, "f", &how, 32), E2BIG);
    how.more = 0, how.mode = 0600;
    CHECK_ERROR(syscall(437, dir, "f", &how, 24), EINVAL);
    how.mode = 010000, how.flags = O_CREAT;
    CHECK_ERROR(syscall(437, dir, "new", &how, 24), EINVAL);
    how.mode = 0600;
    CHECK(syscall(437, dir, "new", &how, 32) >= 0 && access("d/new", F_OK) == 0);
    CHECK_ERROR(try("f", 1ull << 40, 0), EINVAL);
    CHECK_ERROR(try("f", O_PATH | O_RDWR, 0), EINVAL);
    CHECK_ERROR(try("f", 0, 0x40), EINVAL);
    CHECK_ERROR(try("f", 0, 8 | 16), EINVAL);
    CHECK(try("f", 0, 0) == 0 && try("link", 0, 0) == 0 && try("up", 0, 0) == 0);
    CHECK_ERROR(try("link", 0, 4), ELOOP);
    CHECK(try("f", 0, 4) == 0 && try("link", O_PATH | O_NOFOLLOW, 4) == 0);
    CHECK_ERROR(try("up", 0, 8), EXDEV);
    CHECK_ERROR(try("../out", 0, 8), EXDEV);
    CHECK_ERROR(try("e/../../out", 0, 8), EXDEV);
    CHECK_ERROR(try("/f", 0, 8), EXDEV);
    CHECK_ERROR(try("absolute", 0, 8), EXDEV);
    CHECK(try("e/../f", 0, 8) == 0 && try("link", 0, 8) == 0);
    CHECK(try("/f", 0, 16) == 0 && try("absolute", 0, 16) == 0 && try("../../f", 0, 16) == 0);
    CHECK_ERROR(try("up", 0, 16), ENOENT);
    CHECK_ERROR(try("exe", 0, 2), ELOOP);
    CHECK_ERROR(try("exe", 0, 1), EXDEV);
    CHECK(try("exe", 0, 0) == 0 && try("e/../f", 0, 1) == 0);
    CHECK_ERROR(try("/proc/self/status", 0, 1), EXDEV);
    CHECK_END();
}
