// Areas of anonymous memory large enough for huge pages behave page by page: cut, protected, forked, moved, dropped.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define P 4096ul
#define H (2ul << 20)
#define PAGES (4 * H / P)

static sigjmp_buf escape;
static void handler(int sig) { siglongjmp(escape, sig); }
static int touch(volatile char *p, int write) {
    int sig = sigsetjmp(escape, 1);
    if (sig) return sig;
    if (write) *p = 1;
    else (void)*p;
    return 0;
}

/// Four huge pages' worth, aligned, each page with its number at its start and its end.
static char *filled(void) {
    char *raw = mmap(0, 5 * H, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) exit(2);
    char *a = (char *)(((unsigned long)raw + H - 1) & ~(H - 1));
    madvise(a, 4 * H, MADV_HUGEPAGE);
    for (unsigned long i = 0; i < PAGES; i++) *(unsigned *)(a + i * P) = *(unsigned *)(a + i * P + P - 4) = i + 1;
    return a;
}

/// Pages of [first, last) that do not hold their number plus `offset`.
static unsigned long wrong(const char *a, unsigned long first, unsigned long last, unsigned offset) {
    unsigned long count = 0;
    for (unsigned long i = first; i < last; i++)
        count += *(unsigned *)(a + i * P) != i + 1 + offset || *(unsigned *)(a + i * P + P - 4) != i + 1 + offset;
    return count;
}

static void cut(void) {
    char *a = filled();
    CHECK(munmap(a + 100 * P, 300 * P) == 0);
    CHECK(touch(a + 99 * P, 1) == 0 && touch(a + 100 * P, 0) == SIGSEGV && touch(a + 399 * P, 0) == SIGSEGV);
    *(a + 99 * P) = 100;
    CHECK(wrong(a, 0, 100, 0) == 0 && wrong(a, 400, PAGES, 0) == 0);
    CHECK(madvise(a + 700 * P, 400 * P, MADV_DONTNEED) == 0);
    int zero = 1;
    for (unsigned long i = 700; i < 1100; i++) zero &= *(unsigned *)(a + i * P) == 0;
    CHECK(zero && wrong(a, 400, 700, 0) == 0 && wrong(a, 1100, PAGES, 0) == 0);
    CHECK(munmap(a, 4 * H) == 0);
}

static void protect(void) {
    char *a = filled();
    CHECK(mprotect(a + 10 * P, P, PROT_READ) == 0 && mprotect(a + H, H, PROT_NONE) == 0);
    CHECK(touch(a + 10 * P, 1) == SIGSEGV && touch(a + 10 * P, 0) == 0 && touch(a + 11 * P, 0) == 0);
    CHECK(touch(a + H + 5 * P, 0) == SIGSEGV && mprotect(a + H, H, PROT_READ | PROT_WRITE) == 0);
    CHECK(wrong(a, 0, PAGES, 0) == 0);
    for (unsigned long i = 512; i < 1024; i++) *(unsigned *)(a + i * P) = *(unsigned *)(a + i * P + P - 4) = i + 8;
    CHECK(wrong(a, 512, 1024, 7) == 0);
    munmap(a, 4 * H);
}

static void fork_and_write(void) {
    char *a = filled();
    pid_t child = fork();
    if (child == 0) {
        for (unsigned long i = 3; i < PAGES; i += 7) *(unsigned *)(a + i * P) = 0;
        unsigned long changed = 0, bad = 0;
        for (unsigned long i = 0; i < PAGES; i++) {
            changed += *(unsigned *)(a + i * P) == 0;
            bad += *(unsigned *)(a + i * P + P - 4) != i + 1;
        }
        _exit(bad || changed != (PAGES - 3 + 6) / 7);
    }
    for (unsigned long i = 512; i < 1024; i++) *(unsigned *)(a + i * P) += 9, *(unsigned *)(a + i * P + P - 4) += 9;
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(wrong(a, 0, 512, 0) == 0 && wrong(a, 512, 1024, 9) == 0 && wrong(a, 1024, PAGES, 0) == 0);
    // Generations: each writes a page of its own and sees the others' as they were.
    int bad = 0;
    for (int n = 0; n < 6; n++) {
        child = fork();
        if (child == 0) {
            *(unsigned *)(a + n * 300 * P) = 4242;
            for (int other = 0; other < 6; other++)
                if (other != n && *(unsigned *)(a + other * 300 * P) == 4242) _exit(1);
            pid_t grandchild = fork();
            if (grandchild == 0) _exit(wrong(a, 1501, 1800, 0) != 0 || *(unsigned *)(a + n * 300 * P) != 4242);
            waitpid(grandchild, &status, 0);
            _exit(status != 0);
        }
        waitpid(child, &status, 0);
        bad += status != 0;
    }
    CHECK(bad == 0 && wrong(a, 0, 512, 0) == 0);
    munmap(a, 4 * H);
}

static void move(void) {
    char *a = filled();
    char *to = mmap(0, 6 * H, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *aligned = (char *)(((unsigned long)to + H - 1) & ~(H - 1));
    CHECK(mremap(a, 4 * H, 4 * H, MREMAP_MAYMOVE | MREMAP_FIXED, aligned) == aligned && wrong(aligned, 0, PAGES, 0) == 0);
    CHECK(touch(a, 0) == SIGSEGV);
    a = mremap(aligned, 4 * H, 4 * H, MREMAP_MAYMOVE | MREMAP_FIXED, aligned - 4 * H + 3 * P - 64 * H);
    CHECK(a != MAP_FAILED && wrong(a, 0, PAGES, 0) == 0);
    char *tail = mremap(a + 600 * P, 100 * P, 200 * P, MREMAP_MAYMOVE);
    CHECK(tail != MAP_FAILED && wrong(tail - 600 * P, 600, 700, 0) == 0 && tail[150 * P] == 0);
    CHECK(wrong(a, 0, 600, 0) == 0 && wrong(a, 700, PAGES, 0) == 0);
    munmap(a, 4 * H);
}

int main(void) {
    signal(SIGSEGV, handler);
    cut();
    protect();
    fork_and_write();
    move();
    CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
    CHECK_ERROR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
    char *a = filled();
    CHECK(wrong(a, 0, PAGES, 0) == 0);
    CHECK_END();
}
