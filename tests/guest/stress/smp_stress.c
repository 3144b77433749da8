// Many processes and threads at once, each checking its own results: fork and copy-on-write, mmap and TLB flushes,
// pipes, signals, futexes, exec and exit of threads, files. Ends with status 0 and one line if nothing was wrong.
//
// usage: smp_stress [ROUNDS [SEED]]
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

static unsigned seed_state;
static const char *self;

static unsigned draw(unsigned below) {
    seed_state = seed_state * 1103515245 + 12345;
    return (seed_state >> 16) % below;
}

static void wrong(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    dprintf(1, "WRONG %.*s (errno %d)\n", n, text, errno);
    _exit(9);
}
#define NEED(condition) \
    do {                \
        if (!(condition)) wrong("%s:%d: %s", __func__, __LINE__, #condition); \
    } while (0)

/// Waits for `pid` and wants this wait status.
static void reap(pid_t pid, int status) {
    int found = -1;
    pid_t got;
    while ((got = waitpid(pid, &found, 0)) == -1 && errno == EINTR) {
    }
    if (got != pid || found != status) wrong("waitpid(%d): %d, status %x instead of %x", pid, got, found, status);
}

static void *shared_page(void) {
    void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(p != MAP_FAILED);
    return p;
}

// A tree of processes: each tells the sum of its children's numbers by its exit status.
static int tree(int depth) {
    if (depth == 0) return 1;
    pid_t children[3];
    for (int i = 0; i < 3; i++) {
        children[i] = fork();
        NEED(children[i] >= 0);
        if (children[i] == 0) _exit(tree(depth - 1));
    }
    int sum = 0;
    for (int i = 0; i < 3; i++) {
        int status;
        while (waitpid(children[i], &status, 0) == -1) NEED(errno == EINTR);
        NEED(WIFEXITED(status));
        sum += WEXITSTATUS(status);
    }
    return sum;
}
static void test_tree(void) {
    NEED(tree(3) == 27);
}

// A snapshot by fork stays as it was while the parent's thread writes on.
static volatile int cow_stop;
static volatile uint64_t *cow_words;
enum { kCowPages = 8 };
static void *cow_writer(void *unused) {
    for (uint64_t n = 1; !cow_stop; n++) {
        for (int i = 0; i < kCowPages; i++) cow_words[i * 512] = n;
    }
    return unused;
}
static void test_cow(void) {
    pthread_t writer;
    cow_words = mmap(0, kCowPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cow_stop = 0;
    NEED(pthread_create(&writer, 0, cow_writer, 0) == 0);
    for (int round = 0; round < 4; round++) {
        pid_t child = fork();
        NEED(child >= 0);
        if (child == 0) {
            uint64_t seen[kCowPages];
            for (int i = 0; i < kCowPages; i++) seen[i] = cow_words[i * 512];
            // Written in turn: a snapshot at one moment cannot be out of step.
            for (int i = 1; i < kCowPages; i++) NEED(seen[i] == seen[i - 1] || seen[i] + 1 == seen[i - 1]);
            for (int again = 0; again < 200; again++) {
                for (int i = 0; i < kCowPages; i++) NEED(cow_words[i * 512] == seen[i]);
                if (again % 50 == 0) sched_yield();
            }
            for (int i = 0; i < kCowPages; i++) cow_words[i * 512] = 7;
            for (int i = 0; i < kCowPages; i++) NEED(cow_words[i * 512] == 7);
            _exit(3);
        }
        reap(child, 3 << 8);
    }
    cow_stop = 1;
    pthread_join(writer, 0);
    munmap((void *)cow_words, kCowPages * 4096);
}

// After mprotect, and after munmap, no other CPU can write any more.
static volatile uint32_t *guarded;
static volatile int guard_stop;
static __thread sigjmp_buf guard_jump;
static void on_fault(int sig) {
    (void)sig;
    siglongjmp(guard_jump, 1);
}
static void *guard_writer(void *number) {
    uint32_t n = 0;
    volatile uint32_t *mine = guarded + (long)number * 1024;
    while (!guard_stop) {
        if (sigsetjmp(guard_jump, 1)) sched_yield();
        while (!guard_stop) *mine = ++n;
    }
    return 0;
}
static void test_protect(void) {
    enum { kWriters = 3 };
    pthread_t writers[kWriters];
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, 0);
    guarded = mmap(0, kWriters * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guard_stop = 0;
    for (long i = 0; i < kWriters; i++) NEED(pthread_create(&writers[i], 0, guard_writer, (void *)i) == 0);
    for (int round = 0; round < 20; round++) {
        NEED(mprotect((void *)guarded, kWriters * 4096, PROT_READ) == 0);
        uint32_t seen[kWriters];
        for (int i = 0; i < kWriters; i++) seen[i] = guarded[i * 1024];
        for (int again = 0; again < 100; again++) {
            for (int i = 0; i < kWriters; i++) NEED(guarded[i * 1024] == seen[i]);
        }
        NEED(mprotect((void *)guarded, kWriters * 4096, PROT_READ | PROT_WRITE) == 0);
        if (round % 4 == 0) NEED(madvise((void *)guarded, kWriters * 4096, MADV_DONTNEED) == 0);
        for (int spin = 0; spin < 300; spin++) __asm__ volatile("pause");
    }
    guard_stop = 1;
    for (int i = 0; i < kWriters; i++) pthread_join(writers[i], 0);
    munmap((void *)guarded, kWriters * 4096);
    signal(SIGSEGV, SIG_DFL);
}

// Threads map, fill, check and unmap at once in one address space; fresh memory is zero.
static void *mapper(void *number) {
    unsigned n = (unsigned)(long)number;
    for (int round = 0; round < 25; round++) {
        size_t pages = 1 + (n * 7 + round) % 9;
        uint32_t *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        NEED(p != MAP_FAILED);
        for (size_t i = 0; i < pages * 1024; i += 128) {
            NEED(p[i] == 0);
            p[i] = n << 16 | round;
        }
        if (round % 5 == 0) sched_yield();
        if (round % 3 == 0) {
            p = mremap(p, pages * 4096, (pages + 4) * 4096, MREMAP_MAYMOVE);
            NEED(p != MAP_FAILED);
            for (size_t i = pages * 1024; i < (pages + 4) * 1024; i += 128) NEED(p[i] == 0);
        }
        for (size_t i = 0; i < pages * 1024; i += 128) NEED(p[i] == (n << 16 | round));
        NEED(munmap(p, (pages + (round % 3 == 0 ? 4 : 0)) * 4096) == 0);
    }
    return 0;
}
static void test_map(void) {
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) NEED(pthread_create(&threads[i], 0, mapper, (void *)(i + 1)) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
}

// Writers fill one pipe with records, readers take them: each record whole, each exactly once.
struct record {
    uint32_t writer, number, check[6];
};
static void test_pipe(void) {
    enum { kWriters = 3, kReaders = 2, kRecords = 120 };
    int ends[2], results[2];
    NEED(pipe(ends) == 0 && pipe(results) == 0);
    pid_t writers[kWriters], readers[kReaders];
    for (int w = 0; w < kWriters; w++) {
        if ((writers[w] = fork()) == 0) {
            close(ends[0]);
            for (unsigned n = 0; n < kRecords; n++) {
                struct record r = {w, n, {w ^ n, w + n, n, n, n, ~n}};
                NEED(write(ends[1], &r, sizeof r) == sizeof r);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < kReaders; i++) {
        if ((readers[i] = fork()) == 0) {
            close(ends[1]);
            uint64_t sums[kWriters] = {0};
            struct record r;
            ssize_t got;
            while ((got = read(ends[0], &r, sizeof r)) > 0) {
                NEED(got == sizeof r && r.writer < kWriters);
                NEED(r.check[0] == (r.writer ^ r.number) && r.check[5] == ~r.number);
                sums[r.writer] += r.number + 1;
            }
            NEED(got == 0);
            NEED(write(results[1], sums, sizeof sums) == sizeof sums);
            _exit(0);
        }
    }
    close(ends[0]);
    close(ends[1]);
    uint64_t total[kWriters] = {0};
    for (int i = 0; i < kReaders; i++) {
        uint64_t sums[kWriters];
        NEED(read(results[0], sums, sizeof sums) == sizeof sums);
        for (int w = 0; w < kWriters; w++) total[w] += sums[w];
    }
    for (int w = 0; w < kWriters; w++) NEED(total[w] == (uint64_t)kRecords * (kRecords + 1) / 2);
    for (int w = 0; w < kWriters; w++) reap(writers[w], 0);
    for (int i = 0; i < kReaders; i++) reap(readers[i], 0);
    close(results[0]);
    close(results[1]);
}

// Queued signals arrive all and in order; SIGKILL and SIGSTOP reach whoever runs.
static volatile sig_atomic_t rt_count, rt_sum;
static void on_rt(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    if (info->si_value.sival_int != rt_count) wrong("signal %d came as number %d", info->si_value.sival_int, rt_count);
    rt_count++;
    rt_sum += info->si_value.sival_int;
}
static void test_signals(void) {
    volatile int *ready = shared_page();
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO};
        sigaction(SIGRTMIN, &action, 0);
        rt_count = rt_sum = 0;
        *ready = 1;
        while (rt_count < 40) {
            if (rt_count % 2) getppid();
        }
        NEED(rt_sum == 40 * 39 / 2);
        _exit(5);
    }
    while (!*ready) sched_yield();
    for (int i = 0; i < 40; i++) {
        union sigval value = {.sival_int = i};
        while (sigqueue(child, SIGRTMIN, value) != 0) NEED(errno == EAGAIN);
    }
    reap(child, 5 << 8);
    child = fork();
    if (child == 0) {
        for (;;) (*ready)++;
    }
    int status;
    NEED(kill(child, SIGSTOP) == 0);
    NEED(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    int before = *ready;
    for (int i = 0; i < 200; i++) sched_yield();
    NEED(*ready == before);
    NEED(kill(child, SIGCONT) == 0);
    NEED(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    while (*ready == before) sched_yield();
    NEED(kill(child, SIGKILL) == 0);
    reap(child, SIGKILL);
    munmap((void *)ready, 4096);
}

// A lock and a turnstile of futexes between processes, and a timed wait that nobody ends.
static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout) {
    return syscall(SYS_futex, word, op, value, timeout, 0, 0);
}
static void futex_lock(uint32_t *word) {
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0) futex(word, FUTEX_WAIT, 2, 0);
}
static void futex_unlock(uint32_t *word) {
    if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2) futex(word, FUTEX_WAKE, 1, 0);
}
static void test_futex(void) {
    enum { kProcesses = 4, kRounds = 150 };
    struct {
        uint32_t lock, counter, turn, quiet;
    } *s = shared_page();
    pid_t children[kProcesses];
    for (unsigned c = 0; c < kProcesses; c++) {
        if ((children[c] = fork()) != 0) continue;
        for (int i = 0; i < kRounds; i++) {
            futex_lock(&s->lock);
            uint32_t old = s->counter;
            if (i % 16 == 0) sched_yield();
            s->counter = old + 1;
            futex_unlock(&s->lock);
        }
        for (unsigned i = 0; i < 20; i++) {
            uint32_t turn;
            while ((turn = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE)) % kProcesses != c)
                futex(&s->turn, FUTEX_WAIT, turn, 0);
            __atomic_add_fetch(&s->turn, 1, __ATOMIC_RELEASE);
            futex(&s->turn, FUTEX_WAKE, 100, 0);
        }
        struct timespec little = {0, 300000};
        NEED(futex(&s->quiet, FUTEX_WAIT, 0, &little) == -1 && errno == ETIMEDOUT);
        _exit(0);
    }
    for (unsigned c = 0; c < kProcesses; c++) reap(children[c], 0);
    NEED(s->counter == kProcesses * kRounds && s->turn == kProcesses * 20 && s->lock == 0);
    munmap(s, 4096);
}

// Threads that spin or sleep while another ends the process, or makes it another program.
static volatile int finished;
static void *spinner(void *how) {
    while (!finished) {
        if ((long)how % 2) {
            struct timespec long_time = {1000, 0};
            nanosleep(&long_time, 0);
        }
    }
    return 0;
}
static void *ender(void *how) {
    if ((long)how == 0) syscall(SYS_exit_group, 21);
    execl(self, self, "--exit", "22", (char *)0);
    return 0;
}
static void test_threads_end(void) {
    for (long how = 0; how < 2; how++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t t;
            for (long i = 0; i < 4; i++) pthread_create(&t, 0, spinner, (void *)i);
            pthread_create(&t, 0, ender, (void *)how);
            if (draw(2)) syscall(SYS_exit, 3);
            for (;;) sched_yield();
        }
        reap(child, (int)(21 + how) << 8);
    }
    pid_t child = vfork();
    if (child == 0) {
        execl(self, self, "--exit", "23", (char *)0);
        _exit(1);
    }
    reap(child, 23 << 8);
}

// Names: one of several creators wins each; renames and unlinks leave nothing behind.
static void test_names(const char *directory) {
    enum { kProcesses = 4, kNames = 12 };
    int *wins = shared_page();
    pid_t children[kProcesses];
    for (int c = 0; c < kProcesses; c++) {
        if ((children[c] = fork()) != 0) continue;
        for (int i = 0; i < kNames; i++) {
            char name[128], other[128];
            struct stat st;
            snprintf(name, sizeof name, "%s/n%d", directory, i);
            snprintf(other, sizeof other, "%s/m%d-%d", directory, i, c);
            int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
            if (fd >= 0) {
                __atomic_add_fetch(&wins[i], 1, __ATOMIC_RELAXED);
                NEED(write(fd, name, sizeof name) == sizeof name);
                NEED(close(fd) == 0);
                if (i % 3 == 0) NEED(rename(name, other) == 0 && stat(other, &st) == 0 && unlink(other) == 0);
            } else {
                NEED(errno == EEXIST);
            }
            stat(name, &st);
        }
        _exit(0);
    }
    for (int c = 0; c < kProcesses; c++) reap(children[c], 0);
    for (int i = 0; i < kNames; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/n%d", directory, i);
        if (i % 3)
            NEED(wins[i] == 1 && unlink(name) == 0);
        else
            NEED(wins[i] >= 1 && unlink(name) == -1 && errno == ENOENT);
    }
    munmap(wins, 4096);
}

// A file that shrinks and grows under a mapping: what comes back is zero.
static volatile int file_stop;
static volatile unsigned char *file_bytes;
static void *file_reader(void *unused) {
    while (!file_stop) {
        if (sigsetjmp(guard_jump, 1)) sched_yield();
        while (!file_stop) {
            for (int page = 0; page < 4; page++) {
                unsigned char c = file_bytes[page * 4096 + 5];
                if (c != 0 && c != 0x5a) wrong("a page of a file holds %x", c);
            }
        }
    }
    return unused;
}
static void test_truncate(const char *directory) {
    char name[128];
    static char page[4 * 4096];
    pthread_t reader;
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGBUS, &action, 0);
    snprintf(name, sizeof name, "%s/shrinks", directory);
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    NEED(fd >= 0 && unlink(name) == 0);
    memset(page, 0x5a, sizeof page);
    file_bytes = mmap(0, sizeof page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    file_stop = 0;
    NEED(pthread_create(&reader, 0, file_reader, 0) == 0);
    for (int round = 0; round < 15; round++) {
        NEED(pwrite(fd, page, sizeof page, 0) == sizeof page);
        for (int spin = 0; spin < 100; spin++) __asm__ volatile("pause");
        NEED(ftruncate(fd, 0) == 0 && ftruncate(fd, sizeof page) == 0);
        for (int i = 0; i < 4; i++) NEED(file_bytes[i * 4096 + 5] == 0);
    }
    file_stop = 1;
    pthread_join(reader, 0);
    munmap((void *)file_bytes, sizeof page);
    close(fd);
    signal(SIGBUS, SIG_DFL);
}

// A thread goes to each CPU that it may use.
static void test_affinity(void) {
    cpu_set_t all, one, now;
    NEED(sched_getaffinity(0, sizeof all, &all) == 0);
    for (int cpu = 0; cpu < 64; cpu++) {
        if (!CPU_ISSET(cpu, &all)) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        NEED(sched_setaffinity(0, sizeof one, &one) == 0);
        unsigned at = 99;
        NEED(syscall(SYS_getcpu, &at, 0, 0) == 0 && at == (unsigned)cpu);
        sched_yield();
        NEED(syscall(SYS_getcpu, &at, 0, 0) == 0 && at == (unsigned)cpu);
        NEED(sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &one));
    }
    NEED(sched_setaffinity(0, sizeof all, &all) == 0);
}

// Timers that end sleeps, and an interval timer whose signals do.
static volatile sig_atomic_t alarms;
static void on_alarm(int sig) {
    (void)sig;
    alarms++;
}
static void test_timers(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, 0);
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    alarms = 0;
    NEED(setitimer(ITIMER_REAL, &often, 0) == 0);
    for (int i = 0; i < 10; i++) {
        struct timespec start, end, nap = {0, 100000 + draw(800000)};
        clock_gettime(CLOCK_MONOTONIC, &start);
        int rc = nanosleep(&nap, 0);
        clock_gettime(CLOCK_MONOTONIC, &end);
        long long passed = (end.tv_sec - start.tv_sec) * 1000000000ll + end.tv_nsec - start.tv_nsec;
        if (rc == 0) NEED(passed >= nap.tv_nsec);
    }
    while (alarms < 3) sched_yield();
    NEED(setitimer(ITIMER_REAL, &never, 0) == 0);
    signal(SIGALRM, SIG_DFL);
}

static void run(int which, const char *directory) {
    switch (which) {
        case 0: return test_tree();
        case 1: return test_cow();
        case 2: return test_protect();
        case 3: return test_map();
        case 4: return test_pipe();
        case 5: return test_signals();
        case 6: return test_futex();
        case 7: return test_threads_end();
        case 8: return test_names(directory);
        case 9: return test_truncate(directory);
        case 10: return test_affinity();
        default: return test_timers();
    }
}

int main(int argc, char **argv) {
    enum { kTests = 12, kAtOnce = 6 };
    if (argc == 3 && !strcmp(argv[1], "--exit")) return atoi(argv[2]);
    self = "/proc/self/exe";
    char path[256];
    ssize_t n = readlink(self, path, sizeof path - 1);
    if (n > 0) path[n] = 0, self = path;
    int rounds = argc > 1 ? atoi(argv[1]) : 2;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    for (int round = 0; round < rounds; round++) {
        pid_t workers[kAtOnce];
        for (int w = 0; w < kAtOnce; w++) {
            fflush(stdout);
            if ((workers[w] = fork()) != 0) continue;
            seed_state = seed * 7919 + (unsigned)(round * kAtOnce + w) * 104729;
            char directory[64];
            snprintf(directory, sizeof directory, "/tmp/smp-%d", getpid());
            NEED(mkdir(directory, 0700) == 0);
            unsigned first = draw(kTests);
            for (unsigned t = 0; t < kTests / 2; t++) run((first + t * 5) % kTests, directory);
            NEED(rmdir(directory) == 0);
            _exit(0);
        }
        for (int w = 0; w < kAtOnce; w++) reap(workers[w], 0);
    }
    printf("smp_stress: %d rounds, nothing wrong\n", rounds);
    return 0;
}
