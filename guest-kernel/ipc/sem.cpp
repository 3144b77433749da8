// semget, semop, semtimedop, semctl, and undoing at exit.
#include "ipc/sem.h"

#include "core/string.h"
#include "core/unique.h"
#include "sched/sleep.h"
#include "syscall/syscalls.h"
#include "task/task.h"
#include "time/clock.h"

namespace {

constexpr int kSemUndo = 0x1000;
constexpr int kGetpid = 11, kGetval = 12, kGetall = 13, kGetncnt = 14, kGetzcnt = 15, kSetval = 16,
              kSetall = 17, kSemStat = 18, kSemInfo = 19, kSemStatAny = 20;
constexpr i32 kMaxValue = 32767;

struct UserSeminfo {
    i32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

SemUndo* undo_of(ListNode* node) {
    static_assert(__builtin_offsetof(SemUndo, of_set) == 0);
    return reinterpret_cast<SemUndo*>(node);
}

enum class Try { kDone, kBlocked, kFailed };

/// All of the waiter's operations or none. kBlocked says where in `blocked_at`, kFailed why in `result`.
Try perform(SemSet& set, SemWaiter& w) {
    u32 i = 0;
    Try outcome = Try::kDone;
    for (; i < w.count && outcome == Try::kDone; i++) {
        const SemOp& op = w.ops[i];
        i32& value = set.semaphores[op.number].value;
        const i32 after = value + op.change;
        if ((op.change == 0 && value != 0) || after < 0) {
            w.blocked_at = &op;
            outcome = op.flags & kIpcNowait ? Try::kFailed : Try::kBlocked;
            w.result = Errno::EAGAIN;
        } else if (after > kMaxValue) {
            w.result = Errno::ERANGE;
            outcome = Try::kFailed;
        } else if (op.flags & kSemUndo) {
            const i32 undo = w.undo->adjust[op.number] - op.change;
            if (undo < -kMaxValue - 1 || undo > kMaxValue) {
                w.result = Errno::ERANGE;
                outcome = Try::kFailed;
            } else {
                w.undo->adjust[op.number] = static_cast<i16>(undo);
            }
        }
        if (outcome == Try::kDone) value = after;
    }
    if (outcome == Try::kDone) {
        for (u32 k = 0; k < w.count; k++) set.semaphores[w.ops[k].number].pid = w.pid;
        w.result = Errno::OK;
        return outcome;
    }
    for (i--; i > 0;) {  // what came before the one that failed is taken back
        const SemOp& op = w.ops[--i];
        set.semaphores[op.number].value -= op.change;
        if (op.flags & kSemUndo)
            w.undo->adjust[op.number] = static_cast<i16>(w.undo->adjust[op.number] + op.change);
    }
    return outcome;
}

void complete(SemWaiter& waiter, Errno result) {
    waiter.node.remove();
    waiter.result = result;
    __atomic_store_n(&waiter.done, true, __ATOMIC_RELEASE);
    wake_up_process(waiter.task);
}

/// After a change: whoever can go on now does.
void try_waiters(SemSet& set) {
    for (bool again = true; again;) {
        again = false;
        for (SemWaiter* w = set.waiters.front(); w;) {
            SemWaiter* next = set.waiters.next(w);
            const Try outcome = perform(set, *w);
            if (outcome != Try::kBlocked) {
                const bool changed = outcome == Try::kDone && w->alters;
                if (outcome == Try::kDone) set.otime = ipc_now();
                complete(*w, w->result);
                if (changed) {  // it may have let an older one go on
                    again = true;
                    break;
                }
            }
            w = next;
        }
    }
}

void forget_undos(SemSet& set) {
    while (set.undos.linked()) {
        SemUndo* undo = undo_of(set.undos.next);
        undo->of_set.remove();
        undo->set = nullptr;
    }
}

/// The caller's undo list, made at first need.
Result<SemUndoList*> undo_list() {
    task_struct* task = current();
    if (!task->sysvsem) {
        task->sysvsem = TRY(make_ref<SemUndoList>()).leak();
        task->sysvsem->ns = RefPtr<IpcNamespace>(&current_ipc());
    }
    return task->sysvsem;
}

/// The entry of `list` for `set`, or `fresh` entered as it. Under the lock.
Result<SemUndo*> undo_for(SemUndoList& list, SemSet& set, Unique<SemUndo>& fresh) {
    for (size_t i = list.undos.size(); i-- > 0;) {
        SemUndo& undo = *list.undos[i];
        if (undo.set == &set) return &undo;
        if (!undo.set) list.undos.erase(i);
    }
    SemUndo* undo = fresh.get();
    TRY(list.undos.push(std::move(fresh)));
    undo->set = &set;
    undo->of_set.insert_before(&set.undos);
    return undo;
}

Result<RefPtr<SemSet>> make_set(int count) {
    IpcNamespace& ns = current_ipc();
    if (count <= 0) return Errno::EINVAL;
    u64 total = 0;
    ns.sem.lock()->for_each([&](const SemSet& s) { total += s.semaphores.size(); });
    if (total + static_cast<u32>(count) > ns.semmns) return Errno::ENOSPC;
    RefPtr<SemSet> set = TRY(make_ref<SemSet>());
    TRY(set->semaphores.resize(static_cast<size_t>(count)));
    return set;
}

Result<u64> deadline_from(u64 timeout) {
    if (timeout == 0) return u64{kNoTimeout};
    const timespec64 t = TRY(UserPtr<timespec64>(timeout).read());
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t);
    return ns >= kNoTimeout - ktime_get_ns() ? u64{kNoTimeout} : ktime_get_ns() + ns;
}

/// Sleeps until another task completes `waiter`, a signal or the time comes.
SysResult sleep_for(IpcTableOf<SemSet>& table, SemWaiter& waiter, u64 deadline) {
    const Result<void> slept = sleep_until_woken(
        [&] { return __atomic_load_n(&waiter.done, __ATOMIC_ACQUIRE); }, deadline, Errno::EINTR);
    const auto locked = table.lock();
    if (!waiter.done) {
        waiter.node.remove();
        return slept.error() == Errno::ETIMEDOUT ? Errno::EAGAIN : slept.error();
    }
    return waiter.result == Errno::OK ? SysResult(0L) : SysResult(waiter.result);
}

struct Ops {
    Vec<SemOp> list;
    u32 highest = 0;
    bool alters = false, undoes = false;
};

Result<Ops> read_ops(UserBytes user, u32 count) {
    Ops ops;
    TRY(ops.list.resize(count));
    TRY(user.copy_in(ops.list.data(), count * sizeof(SemOp)));
    for (const SemOp& op : ops.list) {
        ops.highest = max<u32>(ops.highest, op.number);
        ops.alters |= op.change != 0;
        ops.undoes |= (op.flags & kSemUndo) != 0;
    }
    return ops;
}

/// What the STAT commands fill in.
SysResult stat(int id, int command, UserBytes buffer) {
    UserSemidDs ds = {};
    long result = 0;
    {
        auto table = current_ipc().sem.lock();
        RefPtr<SemSet> set;
        if (command == kIpcStat) {
            set = TRY(table->find(id));
        } else {
            set = table->at(id);
            if (!set) return Errno::EINVAL;
            result = set->id;
        }
        if (command != kSemStatAny) TRY(ipc_may(*set, kIpcRead));
        ds.perm = ipc_perm_of(*set);
        ds.otime = set->otime;
        ds.ctime = set->ctime;
        ds.nsems = set->semaphores.size();
    }
    TRY(UserPtr<UserSemidDs>(buffer.address()).write(ds));
    return long{result};
}

SysResult info(int command, UserBytes buffer) {
    IpcNamespace& ns = current_ipc();
    UserSeminfo out = {static_cast<i32>(ns.semmns),
                       static_cast<i32>(ns.semmni),
                       static_cast<i32>(ns.semmns),
                       static_cast<i32>(ns.semmns),
                       static_cast<i32>(ns.semmsl),
                       static_cast<i32>(ns.semopm),
                       static_cast<i32>(ns.semopm),
                       20,
                       kMaxValue,
                       kMaxValue};
    long highest;
    {
        auto table = ns.sem.lock();
        if (command == kSemInfo) {
            out.semusz = static_cast<i32>(table->count());
            out.semaem = 0;
            table->for_each([&](const SemSet& s) { out.semaem += static_cast<i32>(s.semaphores.size()); });
        }
        highest = table->highest();
    }
    TRY(buffer.copy_out(&out, sizeof(out)));
    return long{highest};
}

SysResult remove(int id) {
    RefPtr<SemSet> set, gone;
    auto table = current_ipc().sem.lock();
    set = TRY(table->find(id));
    TRY(ipc_may_control(*set));
    gone = table->remove(*set);
    forget_undos(*set);
    while (SemWaiter* waiter = set->waiters.front()) complete(*waiter, Errno::EIDRM);
    return 0L;
}

SysResult set_owner(int id, UserBytes buffer) {
    const UserSemidDs ds = TRY(UserPtr<UserSemidDs>(buffer.address()).read());
    auto table = current_ipc().sem.lock();
    const RefPtr<SemSet> set = TRY(table->find(id));
    TRY(ipc_may_control(*set));
    TRY(ipc_set(*set, ds.perm));
    return 0L;
}

/// A value set by hand: what processes would undo of it is forgotten.
void assign(SemSet& set, u32 number, i32 value) {
    set.semaphores[number].value = value;
    set.semaphores[number].pid = current()->vtgid;
    for (ListNode* n = set.undos.next; n != &set.undos; n = n->next) undo_of(n)->adjust[number] = 0;
}

SysResult set_value(int id, int number, i32 value) {
    if (value < 0 || value > kMaxValue) return Errno::ERANGE;
    auto table = current_ipc().sem.lock();
    const RefPtr<SemSet> set = TRY(table->find(id));
    if (number < 0 || static_cast<size_t>(number) >= set->semaphores.size()) return Errno::EINVAL;
    TRY(ipc_may(*set, kIpcWrite));
    assign(*set, static_cast<u32>(number), value);
    set->ctime = ipc_now();
    try_waiters(*set);
    return 0L;
}

SysResult all_values(int id, int command, UserBytes buffer) {
    IpcTableOf<SemSet>& sets = current_ipc().sem;
    Vec<u16> values;
    {
        auto table = sets.lock();
        const RefPtr<SemSet> set = TRY(table->find(id));
        TRY(ipc_may(*set, command == kSetall ? kIpcWrite : kIpcRead));
        TRY(values.resize(set->semaphores.size()));
        for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<u16>(set->semaphores[i].value);
    }
    const size_t bytes = values.size() * sizeof(u16);
    if (command == kGetall) {
        TRY(buffer.copy_out(values.data(), bytes));
        return 0L;
    }
    TRY(buffer.copy_in(values.data(), bytes));
    for (const u16 value : values) {
        if (value > kMaxValue) return Errno::ERANGE;
    }
    auto table = sets.lock();
    const RefPtr<SemSet> set = TRY(table->find(id));
    for (size_t i = 0; i < values.size(); i++) assign(*set, static_cast<u32>(i), values[i]);
    set->ctime = ipc_now();
    try_waiters(*set);
    return 0L;
}

/// How many calls wait for semaphore `number` to grow, or (`zero`) to become 0.
long count_waiters(SemSet& set, u32 number, bool zero) {
    long count = 0;
    for (const SemWaiter& w : set.waiters) {
        count += w.blocked_at->number == number && (w.blocked_at->change == 0) == zero;
    }
    return count;
}

SysResult one_value(int id, int number, int command) {
    auto table = current_ipc().sem.lock();
    const RefPtr<SemSet> set = TRY(table->find(id));
    TRY(ipc_may(*set, kIpcRead));
    if (number < 0 || static_cast<size_t>(number) >= set->semaphores.size()) return Errno::EINVAL;
    const SemSet::Semaphore& s = set->semaphores[static_cast<size_t>(number)];
    switch (command) {
        case kGetval:
            return long{s.value};
        case kGetpid:
            return long{s.pid};
        default:
            return count_waiters(*set, static_cast<u32>(number), command == kGetzcnt);
    }
}

}  // namespace

SysResult sys_semget(i32 key, int count, int flags) {
    IpcNamespace& ns = current_ipc();
    if (count < 0 || static_cast<u32>(count) > ns.semmsl) return Errno::EINVAL;
    return long{TRY(ipc_get(
        ns.sem, key, flags, ns.semmni, [&] { return make_set(count); },
        [&](const SemSet& s) {
            return static_cast<size_t>(count) > s.semaphores.size() ? Result<void>(Errno::EINVAL)
                                                                    : Result<void>();
        }))};
}

SysResult sys_semtimedop(int id, UserBytes user_ops, u32 count, u64 timeout) {
    IpcNamespace& ns = current_ipc();
    const u64 deadline = TRY(deadline_from(timeout));
    if (count < 1 || id < 0) return Errno::EINVAL;
    if (count > ns.semopm) return Errno::E2BIG;
    const Ops ops = TRY(read_ops(user_ops, count));
    SemUndoList* list = ops.undoes ? TRY(undo_list()) : nullptr;
    SemWaiter waiter;
    waiter.ops = ops.list.data();
    waiter.count = count;
    waiter.alters = ops.alters;
    waiter.task = current();
    waiter.pid = current()->vtgid;
    RefPtr<SemSet> set;
    Unique<SemUndo> fresh;
    if (list) {
        const size_t size = TRY(ns.sem.lock()->find(id))->semaphores.size();
        fresh = TRY(make_unique<SemUndo>());
        TRY(fresh->adjust.resize(size));
    }
    {
        auto table = ns.sem.lock();
        set = TRY(table->find(id));
        if (ops.highest >= set->semaphores.size()) return Errno::EFBIG;
        TRY(ipc_may(*set, ops.alters ? kIpcWrite : kIpcRead));
        if (list) waiter.undo = TRY(undo_for(*list, *set, fresh));
        const Try outcome = perform(*set, waiter);
        if (outcome == Try::kFailed) return waiter.result;
        if (outcome == Try::kDone) {
            set->otime = ipc_now();
            if (ops.alters) try_waiters(*set);
            return 0L;
        }
        set->waiters.push_back(&waiter);
    }
    return sleep_for(ns.sem, waiter, deadline);
}

SysResult sys_semop(int id, UserBytes user_ops, u32 count) {
    return sys_semtimedop(id, user_ops, count, 0);
}

SysResult sys_semctl(int id, int number, int command, u64 argument) {
    if (id < 0) return Errno::EINVAL;
    const UserBytes buffer(argument);
    switch (command) {
        case kIpcInfo:
        case kSemInfo:
            return info(command, buffer);
        case kIpcStat:
        case kSemStat:
        case kSemStatAny:
            return stat(id, command, buffer);
        case kGetall:
        case kSetall:
            return all_values(id, command, buffer);
        case kGetval:
        case kGetpid:
        case kGetncnt:
        case kGetzcnt:
            return one_value(id, number, command);
        case kSetval:
            return set_value(id, number, static_cast<i32>(argument));
        case kIpcSet:
            return set_owner(id, buffer);
        case kIpcRmid:
            return remove(id);
        default:
            return Errno::EINVAL;
    }
}

Result<void> copy_semundo(task_struct* child, bool share) {
    if (!share) return {};
    TRY(undo_list());
    child->sysvsem = current()->sysvsem;
    child->sysvsem->ref();
    return {};
}

void exit_sem(task_struct* task) {
    RefPtr<SemUndoList> list = RefPtr<SemUndoList>::adopt(task->sysvsem);
    task->sysvsem = nullptr;
    if (!list || list->ref_count() > 1) return;
    auto table = list->ns->sem.lock();
    for (Unique<SemUndo>& undo : list->undos) {
        SemSet* set = undo->set;
        if (!set) continue;
        undo->of_set.remove();
        undo->set = nullptr;
        for (size_t i = 0; i < undo->adjust.size(); i++) {
            if (undo->adjust[i] == 0) continue;
            SemSet::Semaphore& s = set->semaphores[i];
            s.value = min(max(s.value + undo->adjust[i], 0), kMaxValue);
            s.pid = task->vtgid;
        }
        set->otime = ipc_now();
        try_waiters(*set);
    }
}
