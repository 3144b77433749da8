// Core files: when one is written, and what is in it: notes of every thread, the process and its files, and memory.
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char marker[64] = "somewhere in the data";
static char* mapped;

static void limit_core(rlim_t n) {
    struct rlimit r = {n, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &r);
}
static void* sleeps(void* unused) {
    for (;;) pause();
}
static void crash(void) {
    strcpy(marker, "changed before the crash");
    mapped = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(mapped + 8192, "in a mapping");
    pthread_t thread;
    pthread_create(&thread, 0, sleeps, 0);
    usleep(10000);
    *(volatile int*)0x1234 = 1;
}
static int run(void (*what)(void), rlim_t limit) {
    unlink("core");
    pid_t child = fork();
    if (child == 0) {
        limit_core(limit);
        what();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    char with_pid[32];
    snprintf(with_pid, sizeof(with_pid), "core.%d", child);
    rename(with_pid, "core");
    return status;
}
static void quits(void) { raise(SIGQUIT); }
static void terminates(void) { raise(SIGTERM); }
static void not_dumpable(void) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    raise(SIGQUIT);
}

static char* core;
static size_t core_size;
// What the core says is at `address`.
static const char* at(const void* address, const char* otherwise) {
    Elf64_Ehdr* h = (void*)core;
    Elf64_Phdr* p = (void*)(core + h->e_phoff);
    for (int i = 0; i < h->e_phnum; i++) {
        unsigned long offset = (unsigned long)address - p[i].p_vaddr;
        if (p[i].p_type == PT_LOAD && offset < p[i].p_filesz) return core + p[i].p_offset + offset;
    }
    return otherwise;
}

int main(void) {
    CHECK(run(crash, RLIM_INFINITY) == (SIGSEGV | 0x80));
    int fd = open("core", O_RDONLY);
    struct stat st;
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600);
    core_size = st.st_size;
    core = mmap(0, core_size, PROT_READ, MAP_PRIVATE, fd, 0);
    Elf64_Ehdr* h = (void*)core;
    CHECK(memcmp(core, ELFMAG, 4) == 0 && h->e_type == ET_CORE && h->e_machine == EM_X86_64);
    Elf64_Phdr* p = (void*)(core + h->e_phoff);
    CHECK(p[0].p_type == PT_NOTE);
    int threads = 0, fpregs = 0, files = 0, auxv = 0;
    for (char* n = core + p[0].p_offset; n < core + p[0].p_offset + p[0].p_filesz;) {
        Elf64_Nhdr* note = (void*)n;
        char* data = n + sizeof(*note) + (note->n_namesz + 3) / 4 * 4;
        if (note->n_type == NT_PRSTATUS) {
            struct elf_prstatus* s = (void*)data;
            if (threads++ == 0) CHECK(s->pr_cursig == SIGSEGV && s->pr_info.si_signo == SIGSEGV && s->pr_fpvalid && s->pr_ppid == getpid());
        }
        if (note->n_type == NT_PRPSINFO) {
            struct elf_prpsinfo* s = (void*)data;
            CHECK(note->n_descsz == 136 && strncmp(s->pr_fname, "coredump", 8) == 0 && s->pr_ppid == getpid());
        }
        if (note->n_type == NT_FPREGSET) fpregs += note->n_descsz == 512;
        if (note->n_type == NT_AUXV) auxv++;
        if (note->n_type == 0x53494749) CHECK(((siginfo_t*)data)->si_addr == (void*)0x1234);
        if (note->n_type == 0x46494c45) files = *(long*)data > 0 && ((long*)data)[1] == 4096;
        n = data + (note->n_descsz + 3) / 4 * 4;
    }
    CHECK(threads == 2 && fpregs == 2 && files && auxv == 1);
    CHECK(strcmp(at(marker, ""), "changed before the crash") == 0);
    char* where = *(char**)at(&mapped, "\0\0\0\0\0\0\0");
    CHECK(strcmp(at(where + 8192, ""), "in a mapping") == 0);
    close(fd);

    CHECK(run(quits, RLIM_INFINITY) == (SIGQUIT | 0x80) && access("core", F_OK) == 0);
    CHECK(run(quits, 0) == SIGQUIT && access("core", F_OK) != 0);
    CHECK(run(terminates, RLIM_INFINITY) == SIGTERM && access("core", F_OK) != 0);
    CHECK(run(not_dumpable, RLIM_INFINITY) == SIGQUIT && access("core", F_OK) != 0);
    unlink("core");
    CHECK_END();
}
