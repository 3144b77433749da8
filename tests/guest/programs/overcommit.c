// Promises of memory: vm.overcommit_memory's three modes, Committed_AS, RLIMIT_DATA for mappings. Changes the machine's
// settings: for the guest only.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define MB (1ul << 20)

static long meminfo(const char *name) {
    char text[8192] = "";
    int fd = open("/proc/meminfo", O_RDONLY);
    read(fd, text, sizeof(text) - 1);
    close(fd);
    char *line = strstr(text, name);
    return line ? atol(line + strlen(name) + 1) / 1024 : -1;
}
static int set(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    int rc = write(fd, text, strlen(text)) == (long)strlen(text) ? 0 : errno;
    close(fd);
    return rc;
}
#define MODE "/proc/sys/vm/overcommit_memory"
static char *map(unsigned long size, int prot, int flags) {
    return mmap(0, size, prot, MAP_ANONYMOUS | flags, -1, 0);
}
static int near(long value, long expected) { return value >= expected - 1 && value <= expected + 1; }

int main(void) {
    const int rw = PROT_READ | PROT_WRITE;
    const long total = meminfo("MemTotal"), before = meminfo("Committed_AS");
    CHECK(total > 0 && before >= 0 && set(MODE, "3") == EINVAL);
    char *a = map(64 * MB, rw, MAP_PRIVATE);
    CHECK(a != MAP_FAILED && near(meminfo("Committed_AS"), before + 64));
    CHECK(mprotect(a, 32 * MB, PROT_READ) == 0 && near(meminfo("Committed_AS"), before + 64));
    pid_t child = fork();
    if (child == 0) _exit(!near(meminfo("Committed_AS"), before + 128));
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(munmap(a + 16 * MB, 16 * MB) == 0 && near(meminfo("Committed_AS"), before + 48));
    munmap(a, 64 * MB);
    CHECK(near(meminfo("Committed_AS"), before));
    char *b = map(64 * MB, PROT_READ, MAP_PRIVATE);
    CHECK(near(meminfo("Committed_AS"), before) && mprotect(b, 16 * MB, rw) == 0);
    CHECK(near(meminfo("Committed_AS"), before + 16) && munmap(b, 64 * MB) == 0);
    char *s = map(32 * MB, rw, MAP_SHARED);
    CHECK(near(meminfo("Committed_AS"), before + 32) && munmap(s, 32 * MB) == 0);
    char *n = map(64 * MB, rw, MAP_PRIVATE | MAP_NORESERVE);
    CHECK(n != MAP_FAILED && near(meminfo("Committed_AS"), before) && munmap(n, 64 * MB) == 0);

    CHECK_ERROR((long)map((total + 64) * MB, rw, MAP_PRIVATE), ENOMEM);
    char *large = map((total + 64) * MB, PROT_NONE, MAP_PRIVATE);
    CHECK(large != MAP_FAILED);
    CHECK_ERROR(mprotect(large, (total + 64) * MB, rw), ENOMEM);
    munmap(large, (total + 64) * MB);
    CHECK(set(MODE, "1") == 0);
    large = map((total + 64) * MB, rw, MAP_PRIVATE);
    CHECK(large != MAP_FAILED && munmap(large, (total + 64) * MB) == 0);
    CHECK(set(MODE, "2") == 0);
    CHECK_ERROR((long)map((total / 2 + 16) * MB, rw, MAP_PRIVATE), ENOMEM);
    CHECK_ERROR((long)map((total / 2 + 16) * MB, rw, MAP_PRIVATE | MAP_NORESERVE), ENOMEM);
    CHECK_ERROR((long)map((total / 2 + 16) * MB, rw, MAP_SHARED), ENOMEM);
    CHECK(set("/proc/sys/vm/overcommit_ratio", "90") == 0);
    large = map((total / 2 + 16) * MB, rw, MAP_PRIVATE);
    CHECK(large != MAP_FAILED && munmap(large, (total / 2 + 16) * MB) == 0);
    CHECK(set("/proc/sys/vm/overcommit_ratio", "50") == 0 && set(MODE, "0") == 0);

    struct rlimit limit = {32 * MB, 32 * MB};
    CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
    CHECK_ERROR((long)map(40 * MB, rw, MAP_PRIVATE), ENOMEM);
    CHECK(map(40 * MB, PROT_READ, MAP_PRIVATE) != MAP_FAILED && map(40 * MB, rw, MAP_SHARED) != MAP_FAILED);
    CHECK_END();
}
