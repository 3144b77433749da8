// The vDSO, found by AT_SYSINFO_EHDR: an ELF object with versioned symbols whose functions agree with the system
// calls; and where things lie: at random, unless personality(2) says no.
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static const char* base;

static void* find(const char* name) {
    const Elf64_Ehdr* h = (void*)base;
    const Elf64_Phdr* p = (void*)(base + h->e_phoff);
    const Elf64_Dyn* dynamic = 0;
    const Elf64_Sym* symbols = 0;
    const char* strings = 0;
    const uint16_t* versions = 0;
    const Elf64_Verdef* definitions = 0;
    const uint32_t* hash = 0;
    for (int i = 0; i < h->e_phnum; i++)
        if (p[i].p_type == PT_DYNAMIC) dynamic = (void*)(base + p[i].p_offset);
    if (!dynamic) return 0;
    for (; dynamic->d_tag; dynamic++) {
        const void* at = base + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_SYMTAB) symbols = at;
        if (dynamic->d_tag == DT_STRTAB) strings = at;
        if (dynamic->d_tag == DT_HASH) hash = at;
        if (dynamic->d_tag == DT_VERSYM) versions = at;
        if (dynamic->d_tag == DT_VERDEF) definitions = at;
    }
    for (uint32_t i = 0; hash && i < hash[1]; i++) {
        if (strcmp(strings + symbols[i].st_name, name)) continue;
        const Elf64_Verdef* d = definitions;
        while (d->vd_ndx != (versions[i] & 0x7fff)) d = (void*)((char*)d + d->vd_next);
        const Elf64_Verdaux* aux = (void*)((char*)d + d->vd_aux);
        if (strcmp(strings + aux->vda_name, "LINUX_2.6") == 0) return (void*)(base + symbols[i].st_value);
    }
    return 0;
}
static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000ll + t.tv_nsec; }

// Addresses of a stack variable, the heap, a mapping and the vDSO in a fresh image of this program.
struct places {
    uintptr_t stack, heap, map, vdso;
};
static struct places places_in_child(unsigned long persona) {
    struct places places = {0};
    int p[2];
    pipe(p);
    if (fork() == 0) {
        personality(persona);
        dup2(p[1], 1);
        execl("/proc/self/exe", "vdso", "places", (char*)0);
        _exit(1);
    }
    read(p[0], &places, sizeof(places));
    wait(0);
    close(p[0]), close(p[1]);
    return places;
}

int main(int argc, char** argv) {
    base = (void*)getauxval(AT_SYSINFO_EHDR);
    if (argc > 1) {
        struct places places = {(uintptr_t)&argc, (uintptr_t)sbrk(0), 0, (uintptr_t)base};
        places.map = syscall(SYS_mmap, 0, 4096, 0, 0x22, -1, 0);
        write(1, &places, sizeof(places));
        return 0;
    }
    CHECK(base && memcmp(base, ELFMAG, SELFMAG) == 0 && ((Elf64_Ehdr*)base)->e_type == ET_DYN);
    int (*gettime)(clockid_t, struct timespec*) = find("__vdso_clock_gettime");
    int (*gettimeofday_)(struct timeval*, void*) = find("__vdso_gettimeofday");
    long (*time_)(long*) = find("__vdso_time");
    long (*getcpu_)(unsigned*, unsigned*, void*) = find("__vdso_getcpu");
    int (*getres)(clockid_t, struct timespec*) = find("__vdso_clock_getres");
    CHECK(gettime && gettimeofday_ && time_ && getcpu_ && getres);
    static const int clocks[] = {0, 1, 4, 5, 6, 7, 11};
    for (int i = 0; i < 7; i++) {
        struct timespec before, between, after;
        syscall(SYS_clock_gettime, clocks[i], &before);
        int r = gettime(clocks[i], &between);
        syscall(SYS_clock_gettime, clocks[i], &after);
        printf("clock %d: ", clocks[i]);
        CHECK(r == 0 && ns(before) <= ns(between) && ns(between) <= ns(after));
    }
    struct timespec t;
    CHECK(gettime(2, &t) == 0 && ns(t) > 0);
    CHECK(gettime(99, &t) == -EINVAL);
    CHECK(getres(1, &t) == 0 && t.tv_sec == 0 && t.tv_nsec == 1);
    struct timeval tv;
    CHECK(gettimeofday_(&tv, 0) == 0 && labs(tv.tv_sec - time(0)) <= 1);
    long stored;
    CHECK(labs(time_(&stored) - syscall(SYS_time, 0)) <= 1 && stored > 0);
    unsigned cpu = 99, node = 99;
    CHECK(getcpu_(&cpu, &node, 0) == 0 && cpu < 64 && node == 0);
    struct places a = places_in_child(0), b = places_in_child(0);
    CHECK(a.stack != b.stack && a.heap != b.heap && a.map != b.map && a.vdso != b.vdso);
    a = places_in_child(ADDR_NO_RANDOMIZE), b = places_in_child(ADDR_NO_RANDOMIZE);
    CHECK(a.stack == b.stack && a.heap == b.heap && a.map == b.map);
    CHECK(a.stack >> 12 >= 0x7ffffffdd && a.stack < 0x7ffffffff000);
    CHECK_END();
}
