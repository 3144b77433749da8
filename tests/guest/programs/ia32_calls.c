// System calls of a 32-bit program: what the initial stack says, files, offsets of 64 bits, times, identities, memory,
// clone with a descriptor, robust futexes; each structure in i386's layout.
#include "check32.h"

enum { kAtFdcwd = -100, kEfault = -14, kEinval = -22, kEoverflow = -75, kEnosys = -38 };

struct stat64 {
    u64 dev;
    u32 padding0, low_ino, mode, nlink, uid, gid;
    u64 rdev;
    u32 padding1;
    i64 size;
    u32 blksize;
    i64 blocks;
    u32 times[6];
    u64 ino;
} __attribute__((packed));

static int failed_at_edge(int n) {
    return sys(n, 0xfffffff0u, 0xfffffff0u, 0xfffffff0u);
}

static void look_at_stack(u32* stack) {
    u32* p = stack + 1 + stack[0] + 1;
    while (*p++) {
    }
    u32 page = 0, phent = 0, random = 0, secure = 9, execfn = 0, entry = 0, platform = 0, clock = 0;
    for (; p[0]; p += 2) {
        if (p[0] == 6) page = p[1];
        if (p[0] == 4) phent = p[1];
        if (p[0] == 25) random = p[1];
        if (p[0] == 23) secure = p[1];
        if (p[0] == 31) execfn = p[1];
        if (p[0] == 9) entry = p[1];
        if (p[0] == 15) platform = p[1];
        if (p[0] == 17) clock = p[1];
    }
    extern void _start(void);
    CHECK(((u32)stack & 15) == 0);
    CHECK(stack[0] == 1);
    CHECK(page == 4096);
    CHECK(phent == 32);
    CHECK(clock == 100);
    CHECK(random > (u32)stack);
    CHECK(secure == 0);
    CHECK(execfn > random);
    CHECK(entry == (u32)_start);
    CHECK(same((char*)platform, "i686", 5));
    CHECK((u32)stack < 0xffffe000u && (u32)stack > 0xff000000u);
    u16 cs, ds, es, fs, gs, ss;
    __asm__("mov %%cs, %0; mov %%ds, %1; mov %%es, %2" : "=r"(cs), "=r"(ds), "=r"(es));
    __asm__("mov %%fs, %0; mov %%gs, %1; mov %%ss, %2" : "=r"(fs), "=r"(gs), "=r"(ss));
    CHECK(cs == 0x23);
    CHECK(ds == 0x2b && es == 0x2b && ss == 0x2b);
    CHECK(fs == 0 && gs == 0);
}

static void files(void) {
    struct stat64 big;
    u32 small[16];
    const int fd = sys(5, "file", 0102 | 0100000, 0644);
    CHECK(fd >= 0);
    CHECK_IS(sys(4, fd, "0123456789", 10), 10);
    CHECK_IS(sys(197, fd, &big), 0);
    CHECK(big.size == 10 && (big.mode & 0777) == 0644 && big.nlink == 1 && big.low_ino == (u32)big.ino);
    CHECK_IS(sys(108, fd, small), 0);
    CHECK(small[5] == 10 && ((u16*)small)[4] == 0100644);
    CHECK_IS(sys(195, "file", &big), 0);
    CHECK_IS(sys(300, kAtFdcwd, "file", &big, 0), 0);
    CHECK(big.size == 10);
    CHECK_IS(sys(197, fd, 0xfffffff0u), kEfault);
    CHECK_IS(sys(197, fd, 0xffffe000u), kEfault);

    i64 where = -1;
    CHECK_IS(sys(140, fd, 1, 2, &where, 0), 0);  // _llseek to 4 GiB + 2
    CHECK(where == 0x100000002ll);
    CHECK_IS(sys(19, fd, 3, 0), 3);
    CHECK_IS(sys(19, fd, -1, 0), kEinval);
    char buffer[16] = {0};
    CHECK_IS(sys(180, fd, buffer, 4, 6, 0), 4);  // pread64
    CHECK(same(buffer, "6789", 4));
    CHECK_IS(sys(180, fd, buffer, 4, 0, 1), 0);
    CHECK_IS(sys(181, fd, "end", 3, 0, 1), 3);  // pwrite64 at 4 GiB
    CHECK_IS(sys(197, fd, &big), 0);
    CHECK(big.size == 0x100000003ll);
    CHECK_IS(sys(108, fd, small), kEoverflow);
    CHECK_IS(sys(194, fd, 5, 0), 0);  // ftruncate64
    CHECK_IS(sys(193, "file", 7, 1), 0);  // truncate64
    CHECK_IS(sys(140, fd, 0, 0, &where, 2), 0);
    CHECK(where == 0x100000007ll);
    CHECK_IS(sys(93, fd, -1), kEinval);
    CHECK_IS(sys(93, fd, 8), 0);

    struct {
        char* base;
        u32 size;
    } vector[2] = {{"ab", 2}, {"cde", 3}}, out[2] = {{buffer, 1}, {buffer + 8, 4}};
    CHECK_IS(sys(19, fd, 0, 0), 0);
    CHECK_IS(sys(146, fd, vector, 2), 5);
    CHECK_IS(sys(333, fd, out, 2, 1, 0), 5);  // preadv at 1
    CHECK(buffer[0] == 'b' && same(buffer + 8, "cde", 3));
    vector[1].size = 0x80000000u;
    CHECK_IS(sys(146, fd, vector, 2), kEinval);
    CHECK_IS(sys(146, fd, 0xfffffffcu, 2), kEfault);

    struct {
        u16 type, whence;
        int start, length, pid;
    } lock = {1, 0, 2, 3, 0};
    struct {
        u16 type, whence;
        i64 start, length;
        int pid;
    } __attribute__((packed)) lock64 = {1, 0, 0x100000000ll, 0, 0};
    CHECK_IS(sys(55, fd, 6, &lock), 0);
    CHECK_IS(sys(221, fd, 13, &lock64), 0);
    lock.type = 0;
    CHECK_IS(sys(221, fd, 5, &lock), 0);
    CHECK(lock.type == 2);  // nobody else's
    CHECK_IS(sys(55, fd, 13, &lock64), 0);
    CHECK_IS(sys(6, fd), 0);

    u8 entries[512];
    const int directory = sys(295, kAtFdcwd, ".", 0200000, 0);
    const int n = sys(141, directory, entries, sizeof(entries));
    int found = 0;
    for (int at = 0; at < n; at += *(u16*)(entries + at + 8)) {
        const u8* e = entries + at;
        const u16 size = *(u16*)(e + 8);
        if (same(e + 10, "file", 5)) found += size == 16 && e[15] == 8;
        if (same(e + 10, ".", 2)) found += size == 16 && e[15] == 4;
    }
    CHECK(found == 2);
    CHECK_IS(sys(6, directory), 0);
    u32 fs[21];
    CHECK_IS(sys(268, ".", 84, fs), 0);
    CHECK_IS(sys(268, ".", 88, fs), kEinval);
    CHECK_IS(sys(99, ".", fs), 0);
    CHECK(fs[1] == 4096);
    CHECK_IS(sys(10, "file"), 0);
}

static void times_and_limits(void) {
    int t[2] = {-1, -1}, old[4];
    i64 wide[2] = {-1, -1};
    CHECK_IS(sys(265, 1, t), 0);
    CHECK_IS(sys(403, 1, wide), 0);
    CHECK(wide[0] >= t[0] && wide[0] < t[0] + 10 && t[1] >= 0 && t[1] < 1000000000);
    CHECK_IS(sys(265, 99, t), kEinval);
    CHECK_IS(sys(403, 1, 0xfffffff8u), kEfault);
    int sleep[2] = {0, 1000000};
    CHECK_IS(sys(162, sleep, NULL), 0);
    wide[0] = 0;
    wide[1] = 1000 | 0x500000000ll;  // the upper half is padding
    CHECK_IS(sys(407, 1, 0, wide, NULL), 0);
    sleep[1] = 1000000000;
    CHECK_IS(sys(162, sleep, NULL), kEinval);
    int now = 0;
    CHECK(sys(13, &now) == now && now > 1000000000);
    CHECK_IS(sys(78, t, NULL), 0);
    CHECK(t[0] >= now);
    int timer[4] = {0, 0, 100, 500}, before[4];
    CHECK_IS(sys(104, 0, timer, NULL), 0);
    CHECK_IS(sys(105, 0, before), 0);
    CHECK(before[2] == 100 || before[2] == 99);
    memset(timer, 0, sizeof(timer));
    CHECK_IS(sys(104, 0, timer, old), 0);

    u32 limit[2] = {100, 0xffffffffu};
    u64 limit64[2];
    CHECK_IS(sys(191, 7, limit), 0);
    const u32 files = limit[0];
    CHECK_IS(sys(340, 0, 7, NULL, limit64), 0);
    CHECK(limit64[0] == files);
    CHECK_IS(sys(191, 9, limit), 0);  // RLIMIT_AS
    CHECK(limit[0] == 0xffffffffu);
    CHECK_IS(sys(76, 9, limit), 0);
    CHECK(limit[0] == 0x7fffffff);
    limit[0] = 50;
    limit[1] = 100;
    CHECK_IS(sys(75, 7, limit), 0);
    CHECK_IS(sys(340, 0, 7, NULL, limit64), 0);
    CHECK(limit64[0] == 50 && limit64[1] == 100);
    u32 info[16];
    CHECK_IS(sys(116, info), 0);
    CHECK(info[4] > 1000 && info[13] >= 1);
    int usage[18];
    CHECK_IS(sys(77, 0, usage), 0);
    CHECK(usage[4] > 0);
}

static void identities(void) {
    char names[6 * 65];
    CHECK_IS(sys(122, names), 0);
    CHECK(same(names, "Linux", 6));
    CHECK(same(names + 4 * 65, "x86_64", 7));
    CHECK_IS(sys(136, 8), 0);  // PER_LINUX32
    CHECK_IS(sys(122, names), 0);
    CHECK(same(names + 4 * 65, "i686", 5));
    CHECK_IS(sys(136, 0), 8);
    CHECK(sys(20) > 0 && sys(224) == sys(20));
    CHECK(sys(24) == sys(199) && sys(47) == sys(200));
    u16 ids[3];
    CHECK_IS(sys(165, ids, ids + 1, ids + 2), 0);
    CHECK(ids[0] == ids[1]);
    CHECK_IS(sys(400000), kEnosys);
    CHECK_IS(sys(-1), kEnosys);
    CHECK_IS(sys(17), kEnosys);  // break
}

static void memory(void) {
    const u32 low = 0xff000000u;
    u32 at = (u32)sys(192, 0, 8192, 3, 0x22, -1, 0);
    CHECK(at > 0x10000 && at < low && !(at & 4095));
    *(volatile int*)at = 5;
    CHECK_IS(sys(125, at, 4096, 1), 0);
    CHECK_IS(sys(125, at, 4096, 3), 0);
    at = (u32)sys(163, at, 8192, 1 << 20, 1, 0);
    CHECK(*(volatile int*)at == 5);
    CHECK_IS(sys(91, at, 1 << 20), 0);
    u32 old[6] = {0, 4096, 3, 0x22, -1u, 0};
    at = (u32)sys(90, old);
    CHECK(at > 0x10000 && at < low);
    CHECK_IS(sys(192, 0xfffff000u, 4096, 3, 0x32, -1, 0), -12);  // the last page is nobody's
    CHECK_IS(sys(192, 0xffffd000u, 8192, 3, 0x32, -1, 0), -12);
    CHECK_IS(sys(192, 0, 0xffffe000u, 3, 0x22, -1, 0), -12);
    CHECK(sys(192, 0xffffc000u, 8192, 3, 0x100022, -1, 0) != 0);
    const u32 brk = (u32)sys(45, 0);
    CHECK(brk > 0x10000);
    CHECK((u32)sys(45, brk + 4096) == brk + 4096);
    CHECK((u32)sys(45, 0xfffff000u) == brk + 4096);
    // At the edge of what there is.
    CHECK_IS(sys(3, 0, 0xfffffff0u, 4), 0);
    CHECK_IS(failed_at_edge(122), kEfault);
    CHECK_IS(failed_at_edge(116), kEfault);
    CHECK_IS(sys(5, 0xffffffffu, 0, 0), kEfault);
    CHECK_IS(sys(11, "/proc/self/exe", 0xfffffffcu, NULL), kEfault);
}

static u8 child_stack[8192];
static volatile int child_saw, child_word;

static int thread(void* unused) {
    int value;
    __asm__ volatile("movl %%gs:0, %0" : "=r"(value));
    child_saw = value;
    sys(1, 0);
    return 0;
}

/// clone with CLONE_VM, _SETTLS, _CHILD_CLEARTID; the child calls thread().
static int start_thread(u32* descriptor, volatile int* tid) {
    u32* top = (u32*)(child_stack + sizeof(child_stack)) - 4;
    *top = (u32)thread;
    int result;
    __asm__ volatile(
        "int $0x80; testl %%eax, %%eax; jnz 1f; popl %%eax; call *%%eax; 1:"
        : "=a"(result)
        : "a"(120), "b"(0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x80000 | 0x200000), "c"(top), "d"(0), "S"(descriptor),
          "D"(tid)
        : "memory");
    return result;
}

static void descriptors(void) {
    static int area[4] = {1234, 0, 0, 0}, other[4] = {77, 0, 0, 0};
    u32 d[4] = {-1u, (u32)area, 0xfffff, 0x51};  // 32-bit, limit in pages, usable
    CHECK_IS(sys(243, d), 0);
    CHECK(d[0] == 12);
    int value;
    __asm__ volatile("movw %w1, %%gs; movl %%gs:0, %0" : "=r"(value) : "r"(d[0] * 8 + 3));
    CHECK(value == 1234);
    sys(158);  // sched_yield
    int pause[2] = {0, 1000};
    sys(162, pause, NULL);
    __asm__ volatile("movl %%gs:0, %0" : "=r"(value));
    CHECK(value == 1234);
    area[0] = 4321;
    u32 e[4] = {12, 0, 0, 0};
    CHECK_IS(sys(244, e), 0);
    CHECK(e[1] == (u32)area && e[2] == 0xfffff && (e[3] & 0x7f) == 0x51);
    e[0] = 11;
    CHECK_IS(sys(244, e), kEinval);
    e[0] = 15;
    CHECK_IS(sys(243, e), kEinval);
    u32 bad[4] = {12, 0, 1, 5};  // code
    CHECK_IS(sys(243, bad), kEinval);
    CHECK_IS(sys(243, 0xfffffff8u), kEfault);

    volatile int tid = 1;
    u32 childs[4] = {12, (u32)other, 0xfffff, 0x51};
    child_word = start_thread(childs, &tid);
    CHECK(child_word > 0);
    for (int i = 0; tid && i < 1000; i++) {
        const int seen = tid;
        if (seen) sys(240, &tid, 0, seen, NULL);  // FUTEX_WAIT
    }
    CHECK(tid == 0);
    CHECK(child_saw == 77);
    __asm__ volatile("movl %%gs:0, %0" : "=r"(value));
    CHECK(value == 4321);

    // An empty one: the selector that is loaded becomes null.
    u32 none[4] = {12, 0, 0, 0x28};
    CHECK_IS(sys(243, none), 0);
    u16 gs;
    __asm__ volatile("movw %%gs, %0" : "=r"(gs));
    CHECK(gs == 0 || gs == 0x63);
    sys(158);
}

static void waiting(void) {
    int fds[2], status = -1;
    CHECK_IS(sys(42, fds), 0);
    u32 set[4] = {0, 0x5a5a5a5a, 0, 0};
    set[0] = 1u << fds[0];
    int timeout[2] = {0, 1000};
    CHECK_IS(sys(142, fds[0] + 1, set, NULL, NULL, timeout), 0);
    CHECK(set[0] == 0 && set[1] == 0x5a5a5a5a);
    CHECK_IS(sys(4, fds[1], "x", 1), 1);
    set[0] = 1u << fds[0];
    u32 old[5] = {fds[0] + 1, (u32)set, 0, 0, (u32)timeout};
    CHECK_IS(sys(82, old), 1);
    struct {
        int fd;
        u16 events, revents;
    } poll = {fds[0], 1, 0};
    CHECK_IS(sys(168, &poll, 1, 0), 1);
    u32 mask[2] = {0, 0}, pair[2] = {(u32)mask, 8};
    set[0] = 1u << fds[0];
    CHECK_IS(sys(308, fds[0] + 1, set, NULL, NULL, timeout, pair), 1);
    pair[1] = 4;
    CHECK_IS(sys(308, fds[0] + 1, set, NULL, NULL, timeout, pair), kEinval);
    const int ep = sys(329, 0);
    struct {
        u32 events;
        u64 data;
    } __attribute__((packed)) event = {1, 0x123456789abcdefull}, got[2];
    CHECK_IS(sys(255, ep, 1, fds[0], &event), 0);
    CHECK_IS(sys(256, ep, got, 2, 0), 1);
    CHECK(got[0].data == 0x123456789abcdefull);

    int pid = sys(2);
    if (pid == 0) sys(252, 3);
    CHECK(sys(7, pid, &status, 0) == pid);
    CHECK(status == 0x300);
    pid = sys(190);
    if (pid == 0) sys(1, 4);
    int info[32] = {0}, usage[18];
    CHECK_IS(sys(284, 1, pid, info, 4, usage), 0);
    CHECK(info[0] == 17 && info[2] == 1 && info[3] == pid && info[5] == 4);
    u32 robust[3];
    CHECK_IS(sys(311, robust, 24), kEinval);
    CHECK_IS(sys(311, robust, 12), 0);
    u32 head = 0, size = 0;
    CHECK_IS(sys(312, 0, &head, &size), 0);
    CHECK(head == (u32)robust && size == 12);
    sys(311, NULL, 12);
}

/// A program that dies with a lock held, which is in its robust list.
static void robust(void) {
    struct lock {
        struct lock* next;
        int word;
    };
    struct {
        struct lock* first;
        int offset;
        struct lock* pending;
    }* head = (void*)sys(192, 0, 4096, 3, 0x21, -1, 0);
    struct lock* lock = (void*)(head + 1);
    const int pid = sys(2);
    if (pid == 0) {
        head->first = lock;
        head->offset = 4;
        head->pending = NULL;
        lock->next = (void*)head;
        lock->word = sys(224);
        sys(311, head, 12);
        sys(1, 0);
    }
    int status;
    CHECK(sys(7, pid, &status, 0) == pid);
    CHECK(lock->word == 0x40000000);
}

static int run(u32* stack) {
    look_at_stack(stack);
    files();
    times_and_limits();
    identities();
    memory();
    descriptors();
    waiting();
    robust();
    return 0;
}
