// Two processes that share a frame, as /proc/PID/pagemap says: of a shared mapping, of a private one after fork until one
// writes, of one file mapped by both.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t entry(void *address) {
    uint64_t value = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);
    if (fd < 0 || pread(fd, &value, 8, (uintptr_t)address / 4096 * 8) != 8) printf("no pagemap\n"), exit(1);
    close(fd);
    return value;
}

static uint64_t frame(void *address) {
    return entry(address) & ((1ull << 55) - 1);
}

int main(void) {
    char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *private = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, 4096);
    char *file = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared[0] = private[0] = file[0] = 1;
    printf("present %d, not touched %d\n", (int)(entry(private) >> 63), (int)(entry(private + 4096) >> 63));
    printf("file or shared anonymous: %d %d, private: %d\n", (int)(entry(file) >> 61 & 1), (int)(entry(shared) >> 61 & 1),
           (int)(entry(private) >> 61 & 1));
    uint64_t mine[] = {frame(shared), frame(private), frame(file)};
    printf("frames are told: %d\n", mine[0] && mine[1] && mine[2]);
    fflush(stdout);
    if (!fork()) {
        char *again = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        (void)*(volatile char *)again;
        printf("shared: %s\n", frame(shared) == mine[0] ? "one frame" : "two");
        printf("private, before a write: %s\n", frame(private) == mine[1] ? "one frame" : "two");
        private[0] = 2;
        printf("private, after it: %s\n", frame(private) == mine[1] ? "one frame" : "two");
        printf("file: %s, and mapped again privately: %s\n", frame(file) == mine[2] ? "one frame" : "two",
               frame(again) == mine[2] ? "one frame" : "two");
        return 0;
    }
    wait(0);
    printf("the parent's byte is %d, in the frame it had: %d\n", private[0], frame(private) == mine[1]);
    return 0;
}
