// System V's objects in a 32-bit program: by ipc(2) and by the single calls, with structures in i386's layout.
#include "check32.h"

enum { kPrivate = 0, kCreate = 01000, kRmid = 0, kSet = 1, kStat = 2, kIpc64 = 0x100, kEinval = -22, kEfault = -14 };

struct perm {
    int key;
    u32 uid, gid, cuid, cgid;
    u16 mode, pad1, seq, pad2;
    u32 unused[2];
};

static void semaphores(void) {
    struct {
        struct perm perm;
        u32 otime[2], ctime[2], nsems, unused[2];
    } ds;
    struct {
        u16 number;
        short op, flags;
    } ops[2] = {{0, 2, 0}, {1, 1, 0}};
    const int id = sys(117, 2, kPrivate, 3, kCreate | 0640);
    CHECK(id >= 0);
    CHECK_IS(sys(117, 1, id, 2, 0, ops), 0);
    u32 argument = 0;
    CHECK_IS(sys(117, 3, id, 0, 12 | kIpc64, &argument), 2);  // GETVAL
    argument = 7;
    CHECK_IS(sys(117, 3, id, 1, 16 | kIpc64, &argument), 0);  // SETVAL
    CHECK_IS(sys(394, id, 1, 12, 0), 7);
    argument = (u32)&ds;
    memset(&ds, 0xff, sizeof(ds));
    CHECK_IS(sys(117, 3, id, 0, kStat | kIpc64, &argument), 0);
    CHECK(ds.nsems == 3 && (ds.perm.mode & 0777) == 0640 && ds.otime[0] && !ds.otime[1] && ds.ctime[0]);
    CHECK_IS(sys(394, id, 0, kStat, &ds), 0);
    CHECK(ds.nsems == 3 && ds.perm.key == 0);
    ds.perm.mode = 0600;
    CHECK_IS(sys(394, id, 0, kSet, &ds), 0);
    CHECK_IS(sys(394, id, 0, kStat, 0xfffffff0u), kEfault);
    int timeout[2] = {0, 1000};
    ops[0].op = -5;
    CHECK_IS(sys(117, 4, id, 1, 0, ops, timeout), -11);
    i64 timeout64[2] = {0, 1000};
    CHECK_IS(sys(420, id, ops, 1, timeout64), -11);
    CHECK_IS(sys(394, id, 0, kRmid, 0), 0);
    CHECK_IS(sys(117, 3, id, 0, kRmid, 0), kEinval);
}

static void messages(void) {
    struct {
        struct perm perm;
        u32 stime[2], rtime[2], ctime[2], bytes, count, most;
        int sender, receiver;
        u32 unused[2];
    } ds;
    struct {
        int type;
        char text[8];
    } message = {5, "hello"}, got = {0, ""};
    const int id = sys(117, 13, kPrivate, kCreate | 0600);
    CHECK(id >= 0);
    CHECK_IS(sys(117, 11, id, 6, 0, &message), 0);
    message.type = 6;
    CHECK_IS(sys(400, id, &message, 4, 0), 0);
    CHECK_IS(sys(117, 14, id, kStat | kIpc64, 0, &ds), 0);
    CHECK(ds.count == 2 && ds.bytes == 10 && ds.most == 16384 && ds.sender == sys(20) && ds.stime[0] && !ds.rtime[0]);
    struct {
        void* message;
        int type;
    } kludge = {&got, 6};
    CHECK_IS(sys(117, 12, id, 8, 0, &kludge), 4);
    CHECK(got.type == 6 && same(got.text, "hell", 4));
    CHECK_IS(sys(117, 12 | 1 << 16, id, 8, 0, &got, 5), 6);
    CHECK(got.type == 5 && same(got.text, "hello", 6));
    message.type = -1;
    CHECK_IS(sys(400, id, &message, 4, 0), kEinval);
    CHECK_IS(sys(402, id, kStat, &ds), 0);
    CHECK(ds.count == 0 && ds.receiver == sys(20));
    CHECK_IS(sys(402, id, kRmid, 0), 0);
}

static void memory(void) {
    struct {
        struct perm perm;
        u32 size, atime[2], dtime[2], ctime[2];
        int cpid, lpid;
        u32 attached, unused[2];
    } ds;
    const int id = sys(117, 23, kPrivate, 10000, kCreate | 0600);
    CHECK(id >= 0);
    u32 at = 0;
    CHECK_IS(sys(117, 21, id, 0, &at, 0), 0);
    CHECK(at > 0x10000 && !(at & 4095));
    *(volatile u32*)at = 99;
    const u32 other = (u32)sys(397, id, 0, 0);
    CHECK(other != at && *(volatile u32*)other == 99);
    CHECK_IS(sys(117, 24, id, kStat | kIpc64, 0, &ds), 0);
    CHECK(ds.size == 10000 && ds.attached == 2 && ds.cpid == sys(20) && ds.atime[0] && !ds.dtime[0]);
    CHECK_IS(sys(117, 21 | 1 << 16, id, 0, &at, 0), kEinval);
    CHECK_IS(sys(117, 22, 0, 0, 0, at), 0);
    CHECK_IS(sys(398, other), 0);
    CHECK_IS(sys(396, id, kStat, &ds), 0);
    CHECK(ds.attached == 0);
    CHECK_IS(sys(396, id, kRmid, 0), 0);
    CHECK_IS(sys(117, 24, id, kStat | kIpc64, 0, &ds), kEinval);
    CHECK_IS(sys(117, 99, 0, 0, 0, 0), -38);
}

static int run(u32* stack) {
    semaphores();
    messages();
    memory();
    return 0;
}
