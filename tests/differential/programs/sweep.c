// Every system call of table.def with bad pointers, lengths, descriptors and flags, and what it answers: a line each,
// "call argument=value …: result". First each argument alone is bad, then each two, which shows the order in which they
// are looked at. The other arguments are good: a descriptor of a file, the name of one, a buffer of zeros.
//
// Each call is made in a process of its own, in a group of its own, from the same state; one that does not return within
// 50 ms "blocks".
//
// usage: sweep FIRST LAST      the numbers of the calls
//        sweep all             of every number up to 450: whether there is such a call
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// What stands at fixed addresses, so that a value is a constant.
enum {
    BUFFER = 0x10000000,    // 64 KiB of zeros
    READ_ONLY = 0x10020000, // a page
    EDGE = 0x10030ffc,      // four bytes before what is not mapped
    ONES = 0x10040000,      // a page of 0xff
    NAMES = 0x10050000,     // 8 KiB each
    SHARED = 0x10080000,    // the result
    NOWHERE = 0x20000000,
};
enum { FILE_NAME, MISSING_NAME, EMPTY_NAME, BELOW_A_FILE, LOOP, LONG_NAME, LONG_PATH, DIRECTORY, NAME_COUNT };
#define NAME_AT(i) (NAMES + (i) * 0x2000)
#define KERNEL 0xffff888000000000l

struct value {
    const char *label;
    long number;
};
// The first of each is good; the two or three next are those that are tried in pairs.
static const struct value descriptors[] = {{"file", 10}, {"-1", -1}, {"dir", 11}, {"99", 99}, {"O_PATH", 12}, {"pipe", 13},
                                           {"read-only", 16}, {"write-only", 15}, {"tty", 17}, {"2^31", 1l << 31}, {0}};
static const struct value directories[] = {{"AT_FDCWD", -100}, {"-1", -1}, {"file", 10}, {"dir", 11}, {"99", 99}, {0}};
static const struct value paths[] = {{"file", NAME_AT(FILE_NAME)}, {"NULL", 0}, {"missing", NAME_AT(MISSING_NAME)},
                                     {"dir", NAME_AT(DIRECTORY)}, {"\"\"", NAME_AT(EMPTY_NAME)},
                                     {"file/x", NAME_AT(BELOW_A_FILE)}, {"loop", NAME_AT(LOOP)},
                                     {"long-name", NAME_AT(LONG_NAME)}, {"long-path", NAME_AT(LONG_PATH)},
                                     {"kernel", KERNEL}, {0}};
static const struct value pointers[] = {{"zeros", BUFFER}, {"NULL", 0}, {"nowhere", NOWHERE}, {"ones", ONES},
                                        {"kernel", KERNEL}, {"2^63", INT64_MIN}, {"read-only", READ_ONLY}, {"edge", EDGE},
                                        {"odd", BUFFER + 1}, {0}};
static const struct value sizes[] = {{"8", 8}, {"0", 0}, {"-1", -1}, {"2^31", 1l << 31}, {"1", 1}, {"2^40", 1l << 40},
                                     {"2^63", INT64_MIN}, {"4096", 4096}, {0}};
static const struct value numbers[] = {{"0", 0}, {"-1", -1}, {"12345", 12345}, {"1", 1}, {"2", 2}, {"3", 3}, {"4", 4},
                                       {"2^31-1", INT32_MAX}, {"-2^31", INT32_MIN}, {0}};
static const struct value words[] = {{"0", 0}, {"-1", -1}, {"2^30", 1l << 30}, {"1", 1}, {"2", 2}, {"4", 4}, {"8", 8},
                                     {"16", 16}, {"256", 256}, {"4096", 4096}, {"0x80000", 0x80000}, {"2^32", 1l << 32}, {0}};
static const struct value offsets[] = {{"0", 0}, {"-1", -1}, {"2^62", 1l << 62}, {"1", 1}, {"2^63", INT64_MIN}, {0}};
static const struct value processes[] = {{"0", 0}, {"99999999", 99999999}, {"-99999", -99999}, {"-2^31", INT32_MIN},
                                         {"1", 1}, {0}};
static const struct value signals[] = {{"0", 0}, {"-1", -1}, {"65", 65}, {"64", 64}, {"17", 17}, {0}};
static const struct value clocks[] = {{"0", 0}, {"-1", -1}, {"99", 99}, {"1", 1}, {"4", 4}, {"7", 7}, {"11", 11}, {0}};
static const struct value ids[] = {{"0", 0}, {"-1", -1}, {"12345", 12345}, {"2^32", 1l << 32}, {0}};

static const struct {
    const char *prefix;
    const struct value *values;
} kinds[] = {{"fd", descriptors}, {"dirfd", directories}, {"path", paths}, {"str", paths}, {"strv", pointers},
             {"addr", pointers}, {"bytes", pointers}, {"out", pointers}, {"in:", pointers}, {"inout", pointers},
             {"size", sizes}, {"off", offsets}, {"pid", processes}, {"signal", signals}, {"clock", clocks}, {"uid", ids},
             {"gid", ids}, {"flags", words}, {"mode", words}, {"hex", words}, {"octal", words}, {"", numbers}};

static const struct call {
    long number;
    const char *name;
    int count;
    const char *arguments;
} calls[] = {
#define SYSCALL(number, name, handler, count, arguments, ...) {number, #name, count, arguments},
#include "table.def"
};

struct argument {
    char name[32];
    const struct value *values;
};

/// "fd:fd buf:out_bytes(ret) -> addr" as names and the values to be tried.
static void parse(const struct call *call, struct argument *out) {
    const char *at = call->arguments;
    for (int i = 0; i < call->count; i++) {
        const char *colon = strchr(at, ':');
        snprintf(out[i].name, sizeof out[i].name, "%.*s", (int)(colon - at), at);
        size_t best = sizeof kinds / sizeof *kinds - 1;
        for (size_t k = 0; k + 1 < sizeof kinds / sizeof *kinds; k++) {
            size_t length = strlen(kinds[k].prefix);
            if (!strncmp(colon + 1, kinds[k].prefix, length) &&
                (best == sizeof kinds / sizeof *kinds - 1 || length > strlen(kinds[best].prefix)))
                best = k;
        }
        out[i].values = kinds[best].values;
        at = strchr(colon, ' ');
        at = at ? at + 1 : "";
    }
}

static void map(long address, size_t size, int fill, int protection) {
    char *p = mmap((void *)address, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(p, fill, size);
    mprotect(p, size, protection);
}

static void set_up_memory(void) {
    map(BUFFER, 0x10000, 0, PROT_READ | PROT_WRITE);
    map(READ_ONLY, 0x1000, 0, PROT_READ);
    map(EDGE & ~0xfff, 0x1000, 0, PROT_READ | PROT_WRITE);
    map(ONES, 0x1000, 0xff, PROT_READ | PROT_WRITE);
    map(NAMES, NAME_COUNT * 0x2000, 0, PROT_READ | PROT_WRITE);
    const char *names[] = {"file", "missing", "", "file/x", "loop", 0, 0, "dir"};
    for (int i = 0; i < NAME_COUNT; i++)
        if (names[i]) strcpy((char *)(long)NAME_AT(i), names[i]);
    memset((char *)NAME_AT(LONG_NAME), 'n', 300);
    for (int i = 0; i < 5000; i++) ((char *)NAME_AT(LONG_PATH))[i] = i % 2 ? '/' : 'p';
    mmap((void *)SHARED, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void put(int fd, int at) {
    if (fd != at) dup2(fd, at), close(fd);
}

/// The files and descriptors that every call finds.
static void set_up_files(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    write(fd, "0123456789abcdef", 16);
    lseek(fd, 0, SEEK_SET);
    put(fd, 10);
    mkdir("dir", 0755);
    symlink("loop", "loop");
    put(open("dir", O_RDONLY), 11);
    put(open("file", O_PATH), 12);
    int ends[2];
    pipe(ends);
    put(ends[0], 13);
    put(ends[1], 14);
    put(open("file", O_WRONLY), 15);
    put(open("file", O_RDONLY), 16);
    put(open("/dev/ptmx", O_RDWR | O_NOCTTY), 17);
}

static long raw(long number, const long *a) {
    register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    long result = number;
    __asm__ volatile("syscall" : "+a"(result) : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

static volatile struct {
    long is_there, result;
} *const shared = (void *)SHARED;

/// What a call answers, as a word.
static const char *answer(int how, int status) {
    static char text[32];
    static const char *const names[] = {[EPERM] = "EPERM", [ENOENT] = "ENOENT", [ESRCH] = "ESRCH", [EIO] = "EIO", [ENXIO] = "ENXIO",
        [E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC", [EBADF] = "EBADF", [ECHILD] = "ECHILD", [EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM",
        [EACCES] = "EACCES", [EFAULT] = "EFAULT", [ENOTBLK] = "ENOTBLK", [EBUSY] = "EBUSY", [EEXIST] = "EEXIST", [EXDEV] = "EXDEV",
        [ENODEV] = "ENODEV", [ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR", [EINVAL] = "EINVAL", [ENOTTY] = "ENOTTY", [EFBIG] = "EFBIG",
        [ENOSPC] = "ENOSPC", [ESPIPE] = "ESPIPE", [EROFS] = "EROFS", [EPIPE] = "EPIPE", [ERANGE] = "ERANGE", [ENAMETOOLONG] = "ENAMETOOLONG",
        [ENOSYS] = "ENOSYS", [ENOTEMPTY] = "ENOTEMPTY", [ELOOP] = "ELOOP", [EOVERFLOW] = "EOVERFLOW", [ENOTSOCK] = "ENOTSOCK",
        [EOPNOTSUPP] = "EOPNOTSUPP", [EAFNOSUPPORT] = "EAFNOSUPPORT", [ENODATA] = "ENODATA", [EBADFD] = "EBADFD"};
    if (how) return "blocks";
    if (!shared->is_there) {
        if (WIFSIGNALED(status))
            snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
        else
            snprintf(text, sizeof text, "ended %d", WEXITSTATUS(status));
        return text;
    }
    long error = -shared->result;
    if (error > 0 && error < 4096) {
        if (error < (long)(sizeof names / sizeof *names) && names[error]) return names[error];
        snprintf(text, sizeof text, "errno %ld", error);
        return text;
    }
    return shared->result ? "more than 0" : "0";
}

static const char *try(long number, const long *arguments) {
    shared->is_there = 0;
    pid_t pid = fork();
    if (!pid) {
        setpgid(0, 0);
        set_up_files();
        pid_t me = getpid();
        long result = raw(number, arguments);
        if (getpid() != me) _exit(0);
        shared->result = result;
        shared->is_there = 1;
        raw(231, (long[6]){0});
    }
    setpgid(pid, pid);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    int status = 0, how = 0;
    while (waitpid(pid, &status, WNOHANG) == 0)
        if (sigtimedwait(&set, 0, &(struct timespec){0, 50000000}) < 0 && errno == EAGAIN) {
            how = waitpid(pid, &status, WNOHANG) == 0;
            break;
        }
    kill(-pid, SIGKILL);
    if (how) kill(pid, SIGKILL), waitpid(pid, &status, 0);
    while (waitpid(-1, 0, WNOHANG) > 0) {}
    return answer(how, status);
}

static void sweep(const struct call *call) {
    struct argument arguments[6];
    long values[6] = {0};
    parse(call, arguments);
    for (int i = 0; i < call->count; i++) values[i] = arguments[i].values[0].number;
    printf("%s: %s\n", call->name, try(call->number, values));
    for (int i = 0; i < call->count; i++) {
        for (const struct value *v = arguments[i].values + 1; v->label; v++) {
            values[i] = v->number;
            printf("%s %s=%s: %s\n", call->name, arguments[i].name, v->label, try(call->number, values));
            for (int j = i + 1; j < call->count && v < arguments[i].values + 4; j++) {
                for (const struct value *w = arguments[j].values + 1; w < arguments[j].values + 3; w++) {
                    values[j] = w->number;
                    printf("%s %s=%s %s=%s: %s\n", call->name, arguments[i].name, v->label, arguments[j].name, w->label,
                           try(call->number, values));
                }
                values[j] = arguments[j].values[0].number;
            }
        }
        values[i] = arguments[i].values[0].number;
    }
    fflush(stdout);
    while (!umount2("file", MNT_DETACH) || !umount2("dir", MNT_DETACH)) {}
    system("cd ..; /bin/busybox rm -rf case.d/* 2>/dev/null");
}

/// Ends, makes processes or stops the machine by being called at all; they have their own cases.
static int is_left_out(long number) {
    static const long out[] = {15, 57, 58, 60, 169, 231};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        if (out[i] == number) return 1;
    return 0;
}

int main(int argc, char **argv) {
    struct rlimit core = {0, 0};
    sigset_t set;
    setrlimit(RLIMIT_CORE, &core);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, 0);
    set_up_memory();
    if (argc == 2) {
        for (long number = 0; number <= 450; number++)
            if (!is_left_out(number)) printf("%ld: %s\n", number, strcmp(try(number, (long[]){-1, -1, -1, -1, -1, -1}), "ENOSYS") ? "there" : "ENOSYS");
        return 0;
    }
    if (argc < 3) return 2;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number >= atol(argv[1]) && calls[i].number <= atol(argv[2]) && !is_left_out(calls[i].number)) sweep(&calls[i]);
    return 0;
}
