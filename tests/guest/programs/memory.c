// mmap and its kin, brk, copy-on-write, shared memory, holes and ends of files.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static sigjmp_buf escape;
static void handler(int sig) { siglongjmp(escape, sig); }
static int touch(volatile char *p, int write) {
    int sig = sigsetjmp(escape, 1);
    if (sig) return sig;
    if (write) *p = 1;
    else (void)*p;
    return 0;
}
#define P 4096
static char *map(unsigned long n, int prot, int flags) { return mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0); }

int main(void) {
    const int rw = PROT_READ | PROT_WRITE;
    signal(SIGSEGV, handler);
    signal(SIGBUS, handler);
    char *a = map(8 * P, rw, MAP_PRIVATE);
    CHECK(a != MAP_FAILED && a[0] == 0 && a[8 * P - 1] == 0);
    for (int i = 0; i < 8; i++) a[i * P] = (char)(i + 1);
    CHECK(munmap(a + 2 * P, 2 * P) == 0);
    CHECK(touch(a + 2 * P, 0) == SIGSEGV && touch(a + 4 * P, 0) == 0 && touch(a + P, 1) == 0);
    CHECK(mprotect(a + 5 * P, P, PROT_READ) == 0);
    CHECK(touch(a + 5 * P, 1) == SIGSEGV && a[5 * P] == 6 && touch(a + 6 * P, 1) == 0);
    CHECK_ERROR(mprotect(a + P, 4 * P, rw), ENOMEM);
    CHECK_ERROR(syscall(SYS_mprotect, a + 1, P, rw), EINVAL);
    CHECK_ERROR(munmap(a + 1, P), EINVAL);
    CHECK_ERROR(munmap(a, 0), EINVAL);
    CHECK(munmap(a, 8 * P) == 0 && munmap(a, 8 * P) == 0);
    CHECK_ERROR((long)mmap(0, 0, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERROR((long)mmap(0, P, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERROR((long)mmap(0, P, rw, MAP_PRIVATE, -1, 0), EBADF);
    CHECK_ERROR((long)mmap(0, -4096ul, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    CHECK_ERROR((long)mmap((void *)0x7ffffffff000, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
    CHECK_ERROR((long)mmap((void *)123, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
    char *fixed = map(4 * P, rw, MAP_PRIVATE);
    CHECK_ERROR((long)mmap(fixed, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    memset(fixed, 'x', 4 * P);
    CHECK(mmap(fixed + P, P, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == fixed + P && fixed[P] == 0 && fixed[0] == 'x');

    // Files: private and shared, beyond the end, after a truncate.
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 3 * P; i++) write(fd, &(char){(char)('a' + i / P)}, 1);
    write(fd, "tail", 4);
    char *sh = mmap(0, 4 * P, rw, MAP_SHARED, fd, 0);
    char *pr = mmap(0, 4 * P, rw, MAP_PRIVATE, fd, 0);
    CHECK(sh[0] == 'a' && pr[P] == 'b' && sh[3 * P] == 't' && sh[3 * P + 4] == 0);
    sh[0] = 'S';
    pr[1] = 'P';
    char buffer[8];
    pread(fd, buffer, 4, 0);
    CHECK(buffer[0] == 'S' && buffer[1] == 'a');
    pwrite(fd, "W", 1, P);
    CHECK(sh[P] == 'W' && pr[P] == 'W' && pr[0] != 0);
    ftruncate(fd, P);
    CHECK(touch(sh + 2 * P, 0) == SIGBUS && touch(pr + 2 * P, 1) == SIGBUS && sh[0] == 'S' && pr[1] == 'P');
    ftruncate(fd, 2 * P);
    CHECK(sh[P] == 0);
    int ro = open("data", O_RDONLY);
    CHECK_ERROR((long)mmap(0, P, rw, MAP_SHARED, ro, 0), EACCES);
    char *ro_map = mmap(0, P, PROT_READ, MAP_SHARED, ro, 0);
    CHECK_ERROR(mprotect(ro_map, P, rw), EACCES);
    CHECK(mmap(0, P, rw, MAP_PRIVATE, ro, 0) != MAP_FAILED);
    CHECK_ERROR((long)mmap(0, P, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
    int dir = open("/", O_RDONLY);
    CHECK_ERROR((long)mmap(0, P, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
    close(fd);
    CHECK(sh[0] == 'S');
    unlink("data");
    CHECK(sh[0] == 'S' && touch(sh + 1, 1) == 0);

    // Shared anonymous memory and copy-on-write across several forks.
    volatile int *counter = (int *)map(P, rw, MAP_SHARED);
    char *cow = map(64 * P, rw, MAP_PRIVATE);
    for (int i = 0; i < 64; i++) cow[i * P] = 'o';
    int status, good = 1;
    for (int i = 0; i < 10; i++) {
        if (fork() == 0) {
            for (int j = 0; j < 64; j++) {
                if (cow[j * P] != 'o') _exit(1);
                cow[j * P] = (char)i;
            }
            __sync_fetch_and_add(counter, 1);
            if (fork() == 0) {
                for (int j = 0; j < 64; j++) if (cow[j * P] != (char)i) _exit(1);
                cow[0] = 'z';
                __sync_fetch_and_add(counter, 1);
                _exit(0);
            }
            wait(&status);
            _exit(status != 0 || cow[0] != (char)i);
        }
    }
    for (int i = 0; i < 10; i++) {
        wait(&status);
        if (status) good = 0;
    }
    CHECK(good && *counter == 20 && cow[0] == 'o' && cow[63 * P] == 'o');

    // mremap
    char *m = map(4 * P, rw, MAP_PRIVATE);
    memset(m, 'm', 4 * P);
    char *guard = mmap(m + 4 * P, P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(mremap(m, 4 * P, 2 * P, 0) == m && touch(m + 3 * P, 0) == SIGSEGV);
    char *bigger = mremap(m, 2 * P, 100 * P, MREMAP_MAYMOVE);
    CHECK(bigger != MAP_FAILED && bigger[0] == 'm' && bigger[2 * P - 1] == 'm' && bigger[2 * P] == 0 && bigger[100 * P - 1] == 0);
    CHECK_ERROR((long)mremap((void *)0x10000000, P, 2 * P, MREMAP_MAYMOVE), EFAULT);
    CHECK_ERROR((long)mremap(bigger + 1, P, 2 * P, MREMAP_MAYMOVE), EINVAL);
    char *target = map(200 * P, rw, MAP_PRIVATE);
    CHECK(mremap(bigger, 100 * P, 50 * P, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target && target[0] == 'm' && touch(bigger, 0) == SIGSEGV);
    (void)guard;

    // madvise, mincore, mlock
    memset(target, 'd', 4 * P);
    CHECK(madvise(target, 2 * P, MADV_DONTNEED) == 0 && target[0] == 0 && target[2 * P] == 'd');
    CHECK_ERROR(madvise(target, P, 12345), EINVAL);
    unsigned char vec[4];
    char *fresh = map(4 * P, rw, MAP_PRIVATE);
    fresh[P] = 1;
    CHECK(mincore(fresh, 4 * P, vec) == 0 && !(vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1));
    CHECK(mlock(fresh, 4 * P) == 0 && mincore(fresh, 4 * P, vec) == 0 && (vec[3] & 1) && munlock(fresh, 4 * P) == 0);

    // brk
    char *top = (char *)((syscall(SYS_brk, 0) + P - 1) & -P);
    CHECK(syscall(SYS_brk, top + 0x21000) == (long)top + 0x21000 && touch(top + 0x20000, 1) == 0);
    CHECK(syscall(SYS_brk, top) == (long)top && touch(top + 0x20000, 0) == SIGSEGV);
    CHECK(syscall(SYS_brk, 1) == syscall(SYS_brk, 0));

    // Limits, and a range that is far too large to be filled but may be reserved.
    struct rlimit limit = {64 << 20, 64 << 20};
    char *reserve = mmap(0, 1ul << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(reserve != MAP_FAILED && touch(reserve + (1ul << 35), 0) == SIGSEGV);
    CHECK(mprotect(reserve + (1ul << 35), P, rw) == 0 && touch(reserve + (1ul << 35), 1) == 0);
    munmap(reserve, 1ul << 36);
    setrlimit(RLIMIT_AS, &limit);
    CHECK_ERROR((long)map(128 << 20, rw, MAP_PRIVATE), ENOMEM);
    // Many areas
    char *many = map(2000 * P, PROT_READ, MAP_PRIVATE);
    int failures = 0;
    for (int i = 0; i < 2000; i += 2) failures += mprotect(many + i * P, P, rw) != 0;
    for (int i = 0; i < 2000; i += 2) failures += touch(many + i * P, 1) != 0 || touch(many + (i + 1) * P, 1) != SIGSEGV;
    CHECK(failures == 0 && munmap(many, 2000 * P) == 0);
    CHECK_END();
}
