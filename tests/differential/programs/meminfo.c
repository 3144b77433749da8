// Each number of /proc/meminfo moves when it should: what is done, and which line rises by about that much.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 16 << 20 };

static long line(const char *name) {
    char text[256];
    long value = -1;
    FILE *file = fopen("/proc/meminfo", "r");
    while (fgets(text, sizeof text, file))
        if (!strncmp(text, name, strlen(name)) && text[strlen(name)] == ':') value = atol(text + strlen(name) + 1);
    fclose(file);
    return value;
}

static void rose(const char *what, const char *name, long before, long by) {
    long after = line(name);
    if (before < 0 || after < 0)
        printf("%s: no line %s\n", what, name);
    else
        printf("%s: %s %s\n", what, name, labs(after - before - by) <= labs(by) / 4 + 1024 ? "moves" : "does not");
}

int main(void) {
    const char *names[] = {"MemFree", "MemAvailable", "AnonPages", "Shmem", "Mapped", "PageTables", "Mlocked", "Committed_AS",
                           "Active(anon)", "Unevictable", "Cached", "VmallocUsed", "KernelStack", "Inactive(anon)"};
    enum { COUNT = sizeof names / sizeof *names };
    long before[COUNT];
#define TAKE() for (int i = 0; i < COUNT; i++) before[i] = line(names[i])
#define ROSE(what, name, by) \
    for (int i = 0; i < COUNT; i++) \
        if (!strcmp(names[i], name)) rose(what, name, before[i], by)
    TAKE();
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ROSE("mapped", "Committed_AS", SIZE / 1024);
    ROSE("mapped", "AnonPages", 0);
    memset(p, 1, SIZE);
    ROSE("touched", "AnonPages", SIZE / 1024);
    ROSE("touched", "MemFree", -SIZE / 1024);
    ROSE("touched", "MemAvailable", -SIZE / 1024);
    TAKE();
    mlock(p, 4 << 20);
    ROSE("locked", "Mlocked", 4096);
    ROSE("locked", "Unevictable", 4096);
    TAKE();
    munmap(p, SIZE);
    ROSE("unmapped", "AnonPages", -SIZE / 1024);
    ROSE("unmapped", "MemFree", SIZE / 1024);
    ROSE("unmapped", "Mlocked", -4096);
    ROSE("unmapped", "Committed_AS", -SIZE / 1024);
    TAKE();
    char *s = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(s, 1, SIZE);
    ROSE("shared", "Shmem", SIZE / 1024);
    ROSE("shared", "Mapped", SIZE / 1024);
    ROSE("shared", "Cached", SIZE / 1024);
    ROSE("shared", "AnonPages", 0);
    TAKE();
    munmap(s, SIZE);
    ROSE("unmapped", "Shmem", -SIZE / 1024);
    ROSE("unmapped", "Cached", -SIZE / 1024);
    TAKE();
    int fd = open("file", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < SIZE / 4096; i++) write(fd, before, sizeof before) > 0, lseek(fd, i * 4096l, SEEK_SET);
    ROSE("a file in memory", "Shmem", SIZE / 1024);
    TAKE();
    unlink("file"), close(fd);
    ROSE("removed", "Shmem", -SIZE / 1024);
    TAKE();
    p = mmap(0, 4l << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long at = 0; at < 4l << 30; at += 2 << 20) (void)*(volatile char *)(p + at);
    ROSE("page tables", "PageTables", 8192);
    return 0;
}
