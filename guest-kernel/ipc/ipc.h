// System V IPC: what shared memory, semaphores and message queues have in common (sysvipc(7)).
//
// An object has a number that its index and a sequence count make, so that a stale number is not mistaken for
// a new object's. Guarantees: a table's objects and their fields are under the table's lock; who sleeps on an
// object holds a reference and looks at `deleted` when it wakes.
#pragma once

#include "core/refcount.h"
#include "core/result.h"
#include "core/string_buf.h"
#include "core/vector.h"
#include "ipc/ipc_abi.h"
#include "sync/guarded.h"
#include "task/credentials.h"
#include "task/namespace.h"

constexpr int kIpcPrivate = 0;
constexpr int kIpcCreat = 01000, kIpcExcl = 02000, kIpcNowait = 04000;  // for …get and …op
constexpr int kIpcRmid = 0, kIpcSet = 1, kIpcStat = 2, kIpcInfo = 3;    // for …ctl
constexpr u32 kIpcRead = 0444, kIpcWrite = 0222;                        // for ipc_may
constexpr u32 kIpcMaxIndex = 32768;                                     // IPCMNI

struct IpcObject : RefCounted {
    int id = 0;
    i32 key = kIpcPrivate;
    u32 uid = 0, gid = 0, cuid = 0, cgid = 0;
    u32 mode = 0;
    i64 ctime = 0;  ///< s, real time
    bool deleted = false;
};

/// Seconds of real time, as the …_ds structures have them.
i64 ipc_now();
/// Gives a new object its key, mode and owner.
void ipc_init(IpcObject& object, i32 key, int flags);
/// EACCES unless the caller may use the object as `wanted` (permission bits, any class) says.
Result<void> ipc_may(const IpcObject& object, u32 wanted);
/// IPC_SET and IPC_RMID: owner, creator or CAP_SYS_ADMIN. EPERM.
Result<void> ipc_may_control(const IpcObject& object);
UserIpcPerm ipc_perm_of(const IpcObject& object);
/// IPC_SET.
/// EINVAL for ids that the caller's user namespace does not have.
Result<void> ipc_set(IpcObject& object, const UserIpcPerm& perm);

template <class T>
class IpcTable {
  public:
    /// Numbers and enters `object`. ENOSPC when there are `limit` already; ENOMEM.
    Result<void> insert(const RefPtr<T>& object, u32 limit) {
        if (count_ >= min(limit, kIpcMaxIndex)) return Errno::ENOSPC;
        // Numbers go round, so that one that was given back is not given at once.
        const u32 cycle = min<u32>(max<u32>(count_ + count_ / 2, kShortestCycle), kIpcMaxIndex);
        u32 index = last_index_ + 1 < cycle ? last_index_ + 1 : 0;
        while (index < slots_.size() && slots_[index]) index = index + 1 < cycle ? index + 1 : 0;
        if (index >= slots_.size()) TRY(slots_.resize(index + 1));
        if (used_before_ && index <= last_index_) sequence_ = (sequence_ + 1) & 0xffff;
        used_before_ = true;
        last_index_ = index;
        object->id = static_cast<int>(sequence_ * kIpcMaxIndex + index);
        slots_[index] = object;
        count_++;
        return {};
    }
    /// EINVAL, EIDRM.
    Result<RefPtr<T>> find(int id) const {
        RefPtr<T> object = at(id < 0 ? -1 : id % static_cast<int>(kIpcMaxIndex));
        if (!object || id < 0) return Errno::EINVAL;
        if (object->id != id) return Errno::EIDRM;
        return object;
    }
    /// The object in a slot (the …_STAT commands), or null.
    RefPtr<T> at(int index) const {
        if (index < 0 || static_cast<size_t>(index) >= slots_.size()) return nullptr;
        return slots_[static_cast<size_t>(index)];
    }
    RefPtr<T> with_key(i32 key) const {
        for (const RefPtr<T>& slot : slots_) {
            if (slot && slot->key == key && key != kIpcPrivate) return slot;
        }
        return nullptr;
    }
    /// Takes it out; the reference is to be dropped unlocked.
    RefPtr<T> remove(T& object) {
        object.deleted = true;
        count_--;
        return std::move(slots_[static_cast<size_t>(object.id) % kIpcMaxIndex]);
    }
    u32 count() const { return count_; }
    /// The highest index in use, or 0.
    int highest() const {
        for (size_t i = slots_.size(); i-- > 0;) {
            if (slots_[i]) return static_cast<int>(i);
        }
        return 0;
    }
    template <class F>
    void for_each(F visit) const {
        for (const RefPtr<T>& slot : slots_) {
            if (slot) visit(*slot);
        }
    }

  private:
    static constexpr u32 kShortestCycle = 64;
    Vec<RefPtr<T>> slots_;
    u32 count_ = 0;
    u32 last_index_ = ~0u;
    u32 sequence_ = 0;
    bool used_before_ = false;
};
template <class T>
using IpcTableOf = Guarded<IpcTable<T>, LockRank::kIpc>;

struct ShmSegment;
struct SemSet;
struct MsgQueue;

/// What an IPC namespace has (ipc_namespaces(7)).
struct IpcNamespace : Namespace {
    explicit IpcNamespace(u64 number);
    IpcNamespace(u64 number, UserNamespace* owner_ns, UserCounts* payer);
    IpcTableOf<ShmSegment> shm;
    IpcTableOf<SemSet> sem;
    IpcTableOf<MsgQueue> msg;
    // Limits, as /proc/sys/kernel has them; read and written whole.
    u64 shmmax = ~0ull - (1ull << 24), shmall = ~0ull - (1ull << 24);
    u32 shmmni = 4096;
    u32 msgmax = 8192, msgmnb = 16384, msgmni = 32000;
    u32 semmsl = 32000, semmns = 1024000000, semopm = 500, semmni = 32000;
    ~IpcNamespace() override;
};
IpcNamespace& current_ipc();
IpcNamespace& init_ipc();

/// shmget, semget and msgget: the object of `key` found, or made by make(). `check(object)`: may it be used so?
template <class T, class Make, class Check>
Result<int> ipc_get(IpcTableOf<T>& table, i32 key, int flags, u32 limit, Make make, Check check) {
    RefPtr<T> fresh;
    for (;;) {
        {
            auto locked = table.lock();
            if (const RefPtr<T> there = locked->with_key(key)) {
                if ((flags & (kIpcCreat | kIpcExcl)) == (kIpcCreat | kIpcExcl)) return Errno::EEXIST;
                TRY(check(*there));
                const u32 bits = static_cast<u32>(flags);
                TRY(ipc_may(*there, (bits | bits >> 3 | bits >> 6) & 7));
                return int{there->id};
            }
            if (key != kIpcPrivate && !(flags & kIpcCreat)) return Errno::ENOENT;
            if (fresh) {
                TRY(locked->insert(fresh, limit));
                return int{fresh->id};
            }
        }
        fresh = TRY(make());
        ipc_init(*fresh, key, flags);
    }
}

// /proc/sysvipc (ipc/proc_sysvipc.cpp).
Result<void> show_sysvipc_shm(KString& out);
Result<void> show_sysvipc_sem(KString& out);
Result<void> show_sysvipc_msg(KString& out);
