/* What a kernel's operations cost, by the processor's time-stamp counter: tests/bench/kernels runs it on both kernels.
 *
 *   operations DIRECTORY          every operation; files are made in DIRECTORY
 *   operations DIRECTORY files    those on files only
 *   operations run N COMMAND…     COMMAND once to warm up, then N times
 *
 * A line for each: its name and the cycles that it took, all rounds divided by their number. Each operation runs a few
 * rounds first, so that caches are warm on both kernels; what sets up a round (a new mapping, say) is not counted. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096, kPages = 1024 };
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 }; /* of linux/futex.h, which musl does not bring */

static const char* program; /* for execve of ourselves */
static char path[512];      /* DIRECTORY/bench, a file of kPages pages */
static char directory[256];

static uint64_t now(void) {
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static void fail(const char* what) {
    fprintf(stderr, "operations: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void report(const char* name, uint64_t cycles, uint64_t count) {
    printf("%s %llu\n", name, (unsigned long long)((cycles + count / 2) / count));
    fflush(stdout);
}

/* Runs `once` a few times unmeasured, then `rounds` times measured. */
static void measure(const char* name, void (*once)(void), long rounds) {
    for (long r = 0; r < rounds / 8 + 1; ++r) once();
    const uint64_t begin = now();
    for (long r = 0; r < rounds; ++r) once();
    report(name, now() - begin, (uint64_t)rounds);
}

static void call(void) {
    syscall(SYS_getppid);
}

static void fork_wait(void) {
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) _exit(0);
    if (waitpid(child, 0, 0) != child) fail("waitpid");
}

static void run(char* const* words) {
    const pid_t child = fork();
    int status;
    if (child < 0) fail("fork");
    if (child == 0) {
        execvp(words[0], words);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child) fail("waitpid");
    if (status != 0) {
        fprintf(stderr, "operations: %s: status %x\n", words[0], status);
        exit(1);
    }
}

static void fork_exec_wait(void) {
    char* words[] = {(char*)program, "nothing", 0};
    run(words);
}

/* fork of a process that has touched much memory. */
static void fork_large(void) {
    enum { kBytes = 64 << 20 };
    char* at = mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("mmap");
    madvise(at, kBytes, MADV_NOHUGEPAGE);
    for (long page = 0; page < kBytes / kPage; ++page) at[page * kPage] = 1;
    measure("fork-wait-64m", fork_wait, 4);
    munmap(at, kBytes);
}

static void* thread_body(void* argument) {
    return argument;
}

static void thread_and_join(void) {
    pthread_t thread;
    if (pthread_create(&thread, 0, thread_body, 0) || pthread_join(thread, 0)) fail("pthread_create");
}

static void handler(int number) {
    (void)number;
}
static void send_signal(void) {
    kill(getpid(), SIGUSR1);
}

static char* protected_page;
static void protect(void) {
    if (mprotect(protected_page, kPage, PROT_READ) || mprotect(protected_page, kPage, PROT_READ | PROT_WRITE))
        fail("mprotect");
    *protected_page = 1;
}

static struct pollfd polled[64];
static void poll_all(void) {
    if (poll(polled, 64, 0) != 0) fail("poll");
}

static void poll_pipes(void) {
    int ends[64][2];
    for (int i = 0; i < 64; ++i) {
        if (pipe(ends[i])) fail("pipe");
        polled[i].fd = ends[i][0];
        polled[i].events = POLLIN;
    }
    measure("poll-64", poll_all, 1000);
    for (int i = 0; i < 64; ++i) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

/* Touches each page of new mappings of kPages pages; a figure is that of a page. */
static void faults(const char* name, int fd, int is_write) {
    uint64_t cycles = 0;
    enum { kRounds = 8 };
    for (int r = -1; r < kRounds; ++r) {
        volatile char* at = mmap(0, kPages * kPage, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
        if (at == MAP_FAILED) fail("mmap");
        madvise((void*)at, kPages * kPage, MADV_NOHUGEPAGE);
        char sum = 0;
        const uint64_t begin = now();
        for (long page = 0; page < kPages; ++page) {
            if (is_write)
                at[page * kPage] = 1;
            else
                sum += at[page * kPage];
        }
        const uint64_t took = now() - begin;
        if (sum == 99) puts("");
        if (r >= 0) cycles += took;
        if (munmap((void*)at, kPages * kPage)) fail("munmap");
    }
    report(name, cycles, (uint64_t)kRounds * kPages);
}

static void map_and_unmap(void) {
    char* at = mmap(0, 16 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("mmap");
    for (int page = 0; page < 16; ++page) at[page * kPage] = 1;
    munmap(at, 16 * kPage);
}

/* Two processes yield to each other. A figure is that of one time that the other came: who ran last is kept in memory
 * that both see. */
struct Shared {
    atomic_int last, turn;
    atomic_long switches;
    atomic_int is_done;
};

static struct Shared* shared_memory(void) {
    struct Shared* shared = mmap(0, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) fail("mmap");
    return shared;
}

static void yield_until_done(struct Shared* shared, int me) {
    while (!shared->is_done) {
        if (shared->last != me) {
            shared->last = me;
            shared->switches++;
        }
        sched_yield();
    }
}

static void context_switch(void) {
    enum { kSwitches = 20000 };
    struct Shared* shared = shared_memory();
    const pid_t child = fork();
    if (child == 0) {
        yield_until_done(shared, 1);
        _exit(0);
    }
    for (int r = 0; r < 100; ++r) sched_yield();
    const uint64_t begin = now();
    const long first = shared->switches;
    while (shared->switches - first < kSwitches) {
        if (shared->last != 2) {
            shared->last = 2;
            shared->switches++;
        }
        sched_yield();
    }
    const uint64_t took = now() - begin;
    const long count = shared->switches - first;
    shared->is_done = 1;
    waitpid(child, 0, 0);
    report("context-switch", took, (uint64_t)count);
}

static int there[2], back[2];

static void pipe_round(void) {
    char byte = 'x';
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("pipe");
}

static void pipe_round_trip(void) {
    if (pipe(there) || pipe(back)) fail("pipe");
    const pid_t child = fork();
    if (child == 0) {
        char byte;
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            if (write(back[1], &byte, 1) != 1) _exit(1);
        _exit(0);
    }
    measure("pipe-round-trip", pipe_round, 10000);
    close(there[1]);
    waitpid(child, 0, 0);
    close(there[0]);
    close(back[0]);
    close(back[1]);
}

static char buffer[65536];

static void pipe_transfer_round(void) {
    for (int piece = 0; piece < 16; ++piece)
        if (write(there[1], buffer, kPage) != kPage) fail("write");
    for (int piece = 0; piece < 16; ++piece)
        if (read(there[0], buffer, kPage) != kPage) fail("read");
}

static void pipe_transfer(void) {
    if (pipe(there)) fail("pipe");
    measure("pipe-64k", pipe_transfer_round, 200);
    close(there[0]);
    close(there[1]);
}

static struct Shared* ball;

static void futex_wait_for(int turn) {
    while (ball->turn != turn) syscall(SYS_futex, &ball->turn, FUTEX_WAIT, !turn, 0, 0, 0);
}

static void futex_give(int turn) {
    ball->turn = turn;
    syscall(SYS_futex, &ball->turn, FUTEX_WAKE, 1, 0, 0, 0);
}

static void futex_round(void) {
    futex_give(1);
    futex_wait_for(0);
}

static void futex_round_trip(void) {
    ball = shared_memory();
    const pid_t child = fork();
    if (child == 0) {
        for (;;) {
            futex_wait_for(1);
            if (ball->is_done) _exit(0);
            futex_give(0);
        }
    }
    measure("futex-round-trip", futex_round, 10000);
    ball->is_done = 1;
    futex_give(1);
    waitpid(child, 0, 0);
}

static int file;

static void read_page(void) {
    if (pread(file, buffer, kPage, kPage * 7) != kPage) fail("pread");
}
static void read_much(void) {
    if (pread(file, buffer, sizeof buffer, 0) != sizeof buffer) fail("pread");
}
static void write_page(void) {
    if (pwrite(file, buffer, kPage, kPage * 7) != kPage) fail("pwrite");
}
static void get_status(void) {
    struct stat status;
    if (stat(path, &status)) fail("stat");
}
static void open_and_close(void) {
    const int fd = open(path, O_RDONLY);
    if (fd < 0) fail("open");
    close(fd);
}

static void list_directory(void) {
    DIR* listed = opendir(directory);
    long count = 0;
    if (!listed) fail(directory);
    while (readdir(listed)) ++count;
    closedir(listed);
    if (count < 1000) fail("readdir");
}

static long created;

static void name_of(char* name, size_t size, long n) {
    snprintf(name, size, "%s/file-%ld", directory, n);
}

static void create_small(void) {
    char name[300];
    name_of(name, sizeof name, created++);
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0 || write(fd, buffer, 1024) != 1024 || close(fd)) fail(name);
}

static long removed;

static void remove_small(void) {
    char name[300];
    name_of(name, sizeof name, removed++);
    if (unlink(name)) fail(name);
}

static void make_file(void) {
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0) fail(path);
    for (long page = 0; page < kPages; ++page) {
        memset(buffer, (int)page, kPage);
        if (write(file, buffer, kPage) != kPage) fail("write");
    }
}

static void operations_on_processes(void) {
    measure("system-call", call, 20000);
    measure("fork-wait", fork_wait, 200);
    measure("fork-exec-wait", fork_exec_wait, 200);
    faults("fault-anonymous", -1, 1);
    measure("mmap-munmap-64k", map_and_unmap, 500);
    fork_large();
    measure("thread-join", thread_and_join, 200);
    signal(SIGUSR1, handler);
    measure("signal", send_signal, 2000);
    protected_page = mmap(0, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (protected_page == MAP_FAILED) fail("mmap");
    measure("mprotect", protect, 2000);
    poll_pipes();
    context_switch();
    pipe_round_trip();
    pipe_transfer();
    futex_round_trip();
}

static void operations_on_files(void) {
    make_file();
    faults("fault-file-read", file, 0);
    faults("fault-file-write", file, 1);
    measure("read-4k", read_page, 5000);
    measure("read-64k", read_much, 500);
    measure("write-4k", write_page, 5000);
    measure("stat", get_status, 5000);
    measure("open-close", open_and_close, 5000);
    measure("create-1k", create_small, 1000);
    measure("list-1000", list_directory, 20);
    measure("unlink-1k", remove_small, 1000);
}

int main(int argc, char** argv) {
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], "nothing") == 0) return 0;
    if (argc > 3 && strcmp(argv[1], "run") == 0) {
        const long rounds = atol(argv[2]);
        run(argv + 3);
        const uint64_t begin = now();
        for (long r = 0; r < rounds; ++r) run(argv + 3);
        const uint64_t took = now() - begin;
        fprintf(stderr, "%llu\n", (unsigned long long)((took + (uint64_t)rounds / 2) / (uint64_t)rounds));
        return 0;
    }
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: operations DIRECTORY [files] | operations run N COMMAND...\n");
        return 2;
    }
    snprintf(directory, sizeof directory, "%s", argv[1]);
    snprintf(path, sizeof path, "%s/bench", argv[1]);
    if (argc == 2) operations_on_processes();
    operations_on_files();
    return 0;
}
