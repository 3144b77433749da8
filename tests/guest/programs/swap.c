// Memory beyond the machine's goes to a swap area and comes back as it was: private, shared after fork, dropped, moved;
// swapoff brings all of it in. Needs the whole of a machine with a disk: for the guest only. The disk is /dev/vda.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define P 4096ul
#define MB (1ul << 20)
#define DISK "/dev/vda"

static long meminfo(const char *name) {
    static char text[8192];
    int fd = open("/proc/meminfo", O_RDONLY);
    long n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(fd);
    char *line = strstr(text, name);
    return line ? atol(line + strlen(name) + 1) : -1;
}

/// What mkswap(8) writes: version 1, all of the disk but the first page.
static int make_swap(unsigned long size) {
    static char page[P];
    unsigned *words = (unsigned *)(page + 1024);
    words[0] = 1;
    words[1] = size / P - 1;
    memcpy(page + P - 10, "SWAPSPACE2", 10);
    int fd = open(DISK, O_WRONLY);
    int ok = fd >= 0 && pwrite(fd, page, P, 0) == P && fsync(fd) == 0;
    close(fd);
    return ok;
}

static void fill(char *memory, unsigned long pages, unsigned seed) {
    for (unsigned long i = 0; i < pages; i++) {
        unsigned *page = (unsigned *)(memory + i * P);
        for (int k = 0; k < 1024; k += 64) page[k] = (unsigned)i * 2654435761u + seed + (unsigned)k;
    }
}
static unsigned long wrong(const char *memory, unsigned long first, unsigned long last, unsigned seed) {
    unsigned long count = 0;
    for (unsigned long i = first; i < last; i++) {
        const unsigned *page = (const unsigned *)(memory + i * P);
        int good = 1;
        for (int k = 0; k < 1024; k += 64) good &= page[k] == (unsigned)i * 2654435761u + seed + (unsigned)k;
        count += !good;
    }
    return count;
}

int main(void) {
    struct sysinfo info;
    CHECK_ERROR(swapon(DISK, 0), EINVAL);  // no mark
    int fd = open(DISK, O_RDONLY);
    const unsigned long disk = lseek(fd, 0, SEEK_END);
    close(fd);
    CHECK(disk >= 128 * MB && make_swap(disk));
    CHECK_ERROR(swapon("/tmp/none", 0), ENOENT);
    CHECK_ERROR(swapon("/tmp", 0), EISDIR);
    CHECK_ERROR(swapon("/dev/null", 0), EINVAL);
    CHECK_ERROR(swapon(DISK, 0x80000), EINVAL);
    CHECK_ERROR(swapoff(DISK), EINVAL);
    CHECK(swapon(DISK, SWAP_FLAG_PREFER | 5) == 0);
    CHECK_ERROR(swapon(DISK, 0), EBUSY);
    CHECK(meminfo("SwapTotal") == (long)(disk / 1024 - 4) && meminfo("SwapFree") == meminfo("SwapTotal"));
    CHECK(sysinfo(&info) == 0 && info.totalswap == disk - P);

    const unsigned long size = (unsigned long)meminfo("MemTotal") * 1024 / P * P + 24 * MB, pages = size / P;
    char *a = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(a != MAP_FAILED);
    fill(a, pages, 1);
    CHECK(meminfo("SwapFree") < meminfo("SwapTotal") - 24 * 1024);
    CHECK(wrong(a, 0, pages, 1) == 0);
    // A child shares what is out; each writes its own half.
    pid_t child = fork();
    if (child == 0) {
        unsigned long bad = wrong(a, 0, 512, 1);
        fill(a, 256, 7);
        bad += wrong(a, 0, 256, 7) + wrong(a, 256, 512, 1) + wrong(a, pages - 512, pages, 1);
        _exit(bad != 0);
    }
    fill(a + (pages - 256) * P, 256, 9);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(wrong(a, 0, pages - 256, 1) == 0 && wrong(a + (pages - 256) * P, 0, 256, 9) == 0);
    CHECK(mprotect(a, 64 * P, PROT_READ) == 0 && wrong(a, 0, 64, 1) == 0);
    CHECK(madvise(a, 1024 * P, MADV_DONTNEED) == 0 && a[P] == 0);
    char *to = mmap(0, 2048 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mremap(a + 1024 * P, 1024 * P, 1024 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
    CHECK(wrong(to - 1024 * P, 1024, 2048, 1) == 0);
    CHECK(munmap(a + size / 2 / P * P, size - size / 2 / P * P) == 0);
    const long used = meminfo("SwapTotal") - meminfo("SwapFree");
    CHECK(swapoff(DISK) == 0 && meminfo("SwapTotal") == 0 && meminfo("SwapCached") == 0 && used >= 0);
    CHECK(wrong(a, 2048, size / 2 / P, 1) == 0 && wrong(to - 1024 * P, 1024, 2048, 1) == 0);
    CHECK_END();
}
