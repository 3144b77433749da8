// Pools of huge pages: nr_hugepages, MAP_HUGETLB private and shared, reservations, what cannot be cut;
// hugetlbfs; and that large anonymous memory comes by huge pages. Changes the machine's settings: for the guest only.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define P 4096ul
#define H (2ul << 20)
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static sigjmp_buf escape;
static void handler(int sig) { siglongjmp(escape, sig); }
static int touch(volatile char *p, int write) {
    int sig = sigsetjmp(escape, 1);
    if (sig) return sig;
    if (write) *p = 1;
    else (void)*p;
    return 0;
}

static long number(const char *path) {
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    if (read(fd, text, sizeof(text) - 1) <= 0) return -1;
    close(fd);
    return atol(text);
}
static int set_number(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    int rc = write(fd, text, strlen(text)) == (long)strlen(text) ? 0 : errno;
    close(fd);
    return rc;
}
#define POOL "/proc/sys/vm/nr_hugepages"

static char *map(unsigned long size, int flags) {
    return mmap(0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}
static long faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void pools(void) {
    CHECK(number(POOL) == 0);
    CHECK_ERROR((long)map(H, MAP_PRIVATE), ENOMEM);
    CHECK_ERROR((long)map(H, MAP_PRIVATE | 22 << MAP_HUGE_SHIFT), EINVAL);
    CHECK(set_number(POOL, "x") == EINVAL && set_number(POOL, "4\n") == 0 && number(POOL) == 4);
    CHECK_ERROR((long)map(5 * H, MAP_PRIVATE), ENOMEM);
    char *a = map(4 * H, MAP_PRIVATE | 21 << MAP_HUGE_SHIFT);
    CHECK(a != MAP_FAILED && ((unsigned long)a & (H - 1)) == 0);
    CHECK_ERROR((long)map(H, MAP_PRIVATE), ENOMEM);  // all are promised
    long before = faults();
    int clean = 1;
    for (unsigned long i = 0; i < 4 * H; i += P) clean &= a[i] == 0;
    for (unsigned long i = 0; i < 4 * H; i += P) a[i] = 7;
    CHECK(clean && faults() - before >= 8 && faults() - before < 12);
    CHECK_ERROR(munmap(a, P), EINVAL);
    CHECK_ERROR(mprotect(a, P, PROT_READ), EINVAL);
    CHECK_ERROR((long)mremap(a, 4 * H, 5 * H, MREMAP_MAYMOVE), EINVAL);
    CHECK(mprotect(a + H, H, PROT_READ) == 0 && touch(a + H, 1) == SIGSEGV && a[H] == 7 && touch(a + 2 * H, 1) == 0);
    CHECK(munmap(a + H, 2 * H) == 0 && touch(a + H, 0) == SIGSEGV && a[3 * H] == 7);
    char *b = map(2 * H, MAP_PRIVATE);
    CHECK(b != MAP_FAILED && b[0] == 0 && b[2 * H - 1] == 0);
    munmap(b, 2 * H);
    CHECK(set_number(POOL, "1") == 0 && number(POOL) == 1);  // one of the two in use is surplus now
    CHECK_ERROR((long)map(H, MAP_PRIVATE), ENOMEM);
    munmap(a, H);
    munmap(a + 3 * H, H);
    CHECK(number(POOL) == 1);
    CHECK(set_number(POOL, "0") == 0 && number(POOL) == 0);
}

static void shared_and_forked(void) {
    set_number(POOL, "4");
    char *s = map(2 * H, MAP_SHARED);
    char *p = map(H, MAP_PRIVATE);
    s[0] = p[0] = 1;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, handler);
        s[0] = 5;
        s[H] = 6;
        int sig = touch(p, 1);         // one is left in the pool
        if (sig || p[0] != 1) _exit(1);
        _exit(touch(p + P, 1) != 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0 && s[0] == 5 && s[H] == 6 && p[0] == 1);
    munmap(s, 2 * H);
    munmap(p, H);
    set_number(POOL, "1");
    p = map(H, MAP_PRIVATE);
    p[0] = 1;
    child = fork();
    if (child == 0) {
        signal(SIGBUS, handler);
        _exit(touch(p, 0) == 0 && touch(p, 1) == SIGBUS ? 0 : 1);  // no page for a copy
    }
    waitpid(child, &status, 0);
    CHECK(status == 0 && p[0] == 1);
    char *q = mmap(0, 2 * H, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q = (char *)(((unsigned long)q + H - 1) & ~(H - 1));
    CHECK(mremap(p, H, H, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q && q[0] == 1 && touch(p, 0) == SIGSEGV);
    munmap(q, H);
    p = map(H, MAP_PRIVATE);  // reserved, and moved before its page is there
    q = mmap(0, 2 * H, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    q = (char *)(((unsigned long)q + H - 1) & ~(H - 1));
    CHECK(mremap(p, H, H, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
    CHECK_ERROR((long)map(H, MAP_PRIVATE), ENOMEM);
    CHECK(touch(q, 1) == 0 && q[0] == 1);
    munmap(q, H);
    CHECK(set_number("/proc/sys/vm/nr_overcommit_hugepages", "2") == 0);
    p = map(3 * H, MAP_PRIVATE);
    CHECK(p != MAP_FAILED && touch(p, 1) == 0 && touch(p + 2 * H, 1) == 0 && number(POOL) == 1);
    munmap(p, 3 * H);
    CHECK(number(POOL) == 1 && set_number(POOL, "0") == 0);
}

static void files(void) {
    set_number(POOL, "4");
    mkdir("/tmp/huge", 0755);
    CHECK_ERROR(mount("none", "/tmp/huge", "hugetlbfs", 0, "pagesize=3M"), EINVAL);
    CHECK(mount("none", "/tmp/huge", "hugetlbfs", 0, "pagesize=2M,size=4M,mode=700") == 0);
    struct statfs fs;
    CHECK(statfs("/tmp/huge", &fs) == 0 && fs.f_type == 0x958458f6 && fs.f_bsize == H && fs.f_blocks == 2 && fs.f_bfree == 2);
    int fd = open("/tmp/huge/a", O_RDWR | O_CREAT, 0600);
    CHECK_ERROR(write(fd, "x", 1), EINVAL);
    CHECK_ERROR(ftruncate(fd, H + P), EINVAL);
    CHECK(ftruncate(fd, H) == 0);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size == H && st.st_blksize == H && st.st_blocks == 0);
    CHECK_ERROR((long)mmap(0, H, PROT_READ, MAP_SHARED, fd, P), EINVAL);
    char *a = mmap(0, H, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(a != MAP_FAILED && ((unsigned long)a & (H - 1)) == 0);
    memcpy(a + 3 * P, "words", 6);
    char text[8] = "";
    CHECK(pread(fd, text, 6, 3 * P) == 6 && strcmp(text, "words") == 0 && fstat(fd, &st) == 0 && st.st_blocks == 4096);
    char *p = mmap(0, H, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(p != MAP_FAILED && strcmp(p + 3 * P, "words") == 0);
    p[3 * P] = 'W';
    CHECK(strcmp(p + 3 * P, "Words") == 0 && strcmp(a + 3 * P, "words") == 0);
    CHECK(statfs("/tmp/huge", &fs) == 0 && fs.f_bfree == 0);
    CHECK(ftruncate(fd, 0) == 0 && touch(a, 0) == SIGBUS);
    CHECK(munmap(a, H) == 0 && munmap(p, H) == 0 && close(fd) == 0 && unlink("/tmp/huge/a") == 0);
    CHECK(umount("/tmp/huge") == 0);
    fd = memfd_create("m", MFD_HUGETLB | 21u << MAP_HUGE_SHIFT);
    CHECK(fd >= 0 && ftruncate(fd, 2 * H) == 0);
    a = mmap(0, 2 * H, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(a != MAP_FAILED && touch(a + H, 1) == 0 && pread(fd, text, 1, H) == 1 && text[0] == 1);
    CHECK_ERROR(memfd_create("m", 21u << MAP_HUGE_SHIFT), EINVAL);
    CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, H, H) == 0 && a[H] == 0);
    munmap(a, 2 * H);
    close(fd);
    CHECK(set_number(POOL, "0") == 0 && number(POOL) == 0);
}

#define HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"
static void transparent(void) {
    mkdir("/sys", 0755);
    CHECK(mount("sysfs", "/sys", "sysfs", 0, 0) == 0);
    CHECK(set_number(THP, "sometimes") == EINVAL && set_number(THP, "always") == 0);
    char text[64] = "";
    int fd = open(THP, O_RDONLY);
    CHECK(read(fd, text, sizeof(text) - 1) > 0 && strcmp(text, "[always] madvise never\n") == 0);
    close(fd);
    char *raw = mmap(0, 5 * H, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *a = (char *)(((unsigned long)raw + H - 1) & ~(H - 1));
    long before = faults();
    memset(a, 1, 4 * H);
    CHECK(faults() - before <= 6);
    CHECK(madvise(a, 4 * H, MADV_DONTNEED) == 0 && madvise(a, 2 * H, MADV_NOHUGEPAGE) == 0);
    before = faults();
    memset(a, 1, H);
    CHECK(faults() - before >= 512);
    before = faults();
    memset(a + 3 * H, 1, H);
    CHECK(faults() - before <= 3);
    CHECK(set_number(THP, "madvise") == 0 && madvise(a, 4 * H, MADV_DONTNEED) == 0 && madvise(a + H, H, MADV_HUGEPAGE) == 0);
    before = faults();
    memset(a + H, 1, H);
    CHECK(faults() - before <= 3);
    before = faults();
    memset(a + 2 * H, 1, H);
    CHECK(faults() - before >= 512);
    CHECK(set_number(THP, "never") == 0);
    CHECK(set_number(HUGE "nr_hugepages", "3") == 0 && number(POOL) == 3 && number(HUGE "free_hugepages") == 3);
    char *p = map(2 * H, MAP_PRIVATE);
    CHECK(p != MAP_FAILED && number(HUGE "resv_hugepages") == 2 && touch(p, 1) == 0);
    CHECK(number(HUGE "resv_hugepages") == 1 && number(HUGE "free_hugepages") == 2);
    CHECK(set_number(HUGE "nr_hugepages", "0") == 0 && number(HUGE "nr_hugepages") == 2);
    CHECK(number(HUGE "surplus_hugepages") == 2 && munmap(p, 2 * H) == 0 && number(HUGE "nr_hugepages") == 0);
}


int main(void) {
    signal(SIGSEGV, handler);
    pools();
    shared_and_forked();
    signal(SIGBUS, handler);
    files();
    transparent();
    CHECK_END();
}
