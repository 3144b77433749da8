// What semctl, msgctl and shmctl tell a program, on x86-64 and in a 32-bit program's layout (asm-generic/{sem,msg,shm}buf.h,
// ipcbuf.h; Linux's compat_*64_ds).
#pragma once

#include "abi/call_layout.h"
#include "core/types.h"

struct UserIpcPerm {  // struct ipc64_perm
    i32 key;
    u32 uid, gid, cuid, cgid, mode;
    u16 seq, pad;
    u32 pad2;
    u64 unused[2];
};
static_assert(sizeof(UserIpcPerm) == 48);

struct UserSemidDs {  // struct semid64_ds
    UserIpcPerm perm;
    i64 otime;
    u64 unused1;
    i64 ctime;
    u64 unused2, nsems, unused3, unused4;
};
static_assert(sizeof(UserSemidDs) == 104);

struct UserMsqidDs {  // struct msqid64_ds
    UserIpcPerm perm;
    i64 stime, rtime, ctime;
    u64 bytes, count, max_bytes;
    i32 last_sender, last_receiver;
    u64 unused[2];
};
static_assert(sizeof(UserMsqidDs) == 120);

struct UserShmidDs {  // struct shmid64_ds
    UserIpcPerm perm;
    u64 size;
    i64 atime, dtime, ctime;
    i32 cpid, lpid;
    u64 nattch, unused[2];
};
static_assert(sizeof(UserShmidDs) == 112);

struct UserShmInfo64 {  // struct shminfo64: IPC_INFO
    u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct UserShmInfo {  // SHM_INFO
    i32 used_ids, pad;
    u64 total, resident, swapped, swap_attempts, swap_successes;
};

struct Ia32IpcPerm {
    i32 key;
    u32 uid, gid, cuid, cgid;
    u16 mode, pad1, seq, pad2;
    u32 unused[2];

    void set(const UserIpcPerm& p) {
        *this = {p.key, p.uid, p.gid, p.cuid, p.cgid, static_cast<u16>(p.mode), 0, p.seq, 0, {}};
    }
    UserIpcPerm widen() const { return {key, uid, gid, cuid, cgid, mode, seq, 0, 0, {}}; }
};
/// A time in two words, the lower first.
struct Ia32Time {
    u32 low, high;
    void set(i64 time) { *this = {static_cast<u32>(time), static_cast<u32>(static_cast<u64>(time) >> 32)}; }
};
constexpr u32 ia32_word(u64 value) {
    return value > 0x7fffffff ? 0x7fffffff : static_cast<u32>(value);
}

template <>
struct Ia32Layout<UserSemidDs> {
    struct Small {
        Ia32IpcPerm perm;
        Ia32Time otime, ctime;
        u32 nsems, unused[2];
    };
    static_assert(sizeof(Small) == 64);
    static Result<UserSemidDs> widen(const Small& s) {
        UserSemidDs ds{};
        ds.perm = s.perm.widen();
        return ds;
    }
    static Result<void> narrow(const UserSemidDs& ds, Small& out) {
        out.perm.set(ds.perm);
        out.otime.set(ds.otime);
        out.ctime.set(ds.ctime);
        out.nsems = static_cast<u32>(ds.nsems);
        return {};
    }
};
template <>
struct Ia32Layout<UserMsqidDs> {
    struct Small {
        Ia32IpcPerm perm;
        Ia32Time stime, rtime, ctime;
        u32 bytes, count, max_bytes;
        i32 last_sender, last_receiver;
        u32 unused[2];
    };
    static_assert(sizeof(Small) == 88);
    static Result<UserMsqidDs> widen(const Small& s) {
        UserMsqidDs ds{};
        ds.perm = s.perm.widen();
        ds.max_bytes = s.max_bytes;
        return ds;
    }
    static Result<void> narrow(const UserMsqidDs& ds, Small& out) {
        out.perm.set(ds.perm);
        out.stime.set(ds.stime);
        out.rtime.set(ds.rtime);
        out.ctime.set(ds.ctime);
        out.bytes = static_cast<u32>(ds.bytes);
        out.count = static_cast<u32>(ds.count);
        out.max_bytes = static_cast<u32>(ds.max_bytes);
        out.last_sender = ds.last_sender;
        out.last_receiver = ds.last_receiver;
        return {};
    }
};
template <>
struct Ia32Layout<UserShmidDs> {
    struct Small {
        Ia32IpcPerm perm;
        u32 size;
        Ia32Time atime, dtime, ctime;
        i32 cpid, lpid;
        u32 nattch, unused[2];
    };
    static_assert(sizeof(Small) == 84);
    static Result<UserShmidDs> widen(const Small& s) {
        UserShmidDs ds{};
        ds.perm = s.perm.widen();
        return ds;
    }
    static Result<void> narrow(const UserShmidDs& ds, Small& out) {
        out.perm.set(ds.perm);
        out.size = static_cast<u32>(ds.size);
        out.atime.set(ds.atime);
        out.dtime.set(ds.dtime);
        out.ctime.set(ds.ctime);
        out.cpid = ds.cpid;
        out.lpid = ds.lpid;
        out.nattch = static_cast<u32>(ds.nattch);
        return {};
    }
};
template <>
struct Ia32Layout<UserShmInfo64> {
    struct Small {
        u32 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
    };
    static Result<void> narrow(const UserShmInfo64& i, Small& out) {
        out = {ia32_word(i.shmmax),        static_cast<u32>(i.shmmin), static_cast<u32>(i.shmmni),
               static_cast<u32>(i.shmseg), static_cast<u32>(i.shmall), {}};
        return {};
    }
};
template <>
struct Ia32Layout<UserShmInfo> {
    struct Small {
        i32 used_ids;
        u32 total, resident, swapped, swap_attempts, swap_successes;
    };
    static Result<void> narrow(const UserShmInfo& i, Small& out) {
        out = {i.used_ids,
               static_cast<u32>(i.total),
               static_cast<u32>(i.resident),
               static_cast<u32>(i.swapped),
               static_cast<u32>(i.swap_attempts),
               static_cast<u32>(i.swap_successes)};
        return {};
    }
};
