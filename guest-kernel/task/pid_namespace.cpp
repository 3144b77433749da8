// PID namespaces: numbers given, looked up and given back; the end of a namespace (task/pid_namespace.h).
#include "task/pid_namespace.h"

#include "core/kmalloc.h"
#include "sched/sched.h"
#include "task/exit.h"
#include "task/namespaces.h"
#include "task/pid.h"
#include "task/signal.h"

namespace {

// Bare: the count of references of a PidNumbers is given back under it.
SpinLock g_numbers{LockRank::kPidNumbers};
PidNamespace g_init_namespace(nullptr, 0xeffffffc);
constexpr pid_t kReservedPids = 300;  // not given again after the first round

PidNumber* find_number(PidNamespace& ns, pid_t nr) {
    for (PidNumber& n : ns.buckets[static_cast<u32>(nr) % PidNamespace::kBuckets]) {
        if (n.nr == nr) return &n;
    }
    return nullptr;
}

/// The next free number, 0 when there is none.
pid_t next_free(PidNamespace& ns) {
    for (pid_t tries = 0; tries < kPidMax; tries++) {
        ns.last = ns.last + 1 >= kPidMax ? kReservedPids : ns.last + 1;
        if (!find_number(ns, ns.last)) return ns.last;
    }
    return 0;
}

Result<void> take_number(PidNamespace& ns, PidNumber& number, pid_t wanted) {
    if (wanted) {
        if (find_number(ns, wanted)) return Errno::EEXIST;
        number.nr = wanted;
    } else {
        number.nr = next_free(ns);
        if (!number.nr) return Errno::EAGAIN;
    }
    ns.buckets[static_cast<u32>(number.nr) % PidNamespace::kBuckets].push_back(&number);
    ns.used++;
    return {};
}

}  // namespace

PidNamespace& init_pid_namespace() {
    return g_init_namespace;
}

Result<RefPtr<PidNumbers>> alloc_pid_numbers(PidNamespace& ns, const pid_t* wanted, u32 count) {
    RefPtr<PidNumbers> numbers = TRY(make_ref<PidNumbers>(&ns));
    numbers->upid = new (std::nothrow) PidNumber[ns.level];
    if (!numbers->upid) return Errno::ENOMEM;
    Result<void> taken;
    {
        IrqGuard guard(g_numbers);
        PidNamespace* level = &ns;
        for (u32 i = 0; level->level > 0 && taken.ok(); level = level->parent.get(), i++) {
            PidNumber& number = numbers->upid[level->level - 1];
            number.owner = numbers.get();
            taken = take_number(*level, number, i < count ? wanted[i] : 0);
        }
    }
    if (!taken.ok()) return taken.error();
    return numbers;
}

void PidNumbers::unref_last() {
    {
        IrqGuard guard(g_numbers);
        if (!drop_reference()) return;
        PidNamespace* level = ns.get();
        for (; upid && level->level > 0; level = level->parent.get()) {
            PidNumber& number = upid[level->level - 1];
            if (!number.node.linked()) continue;
            number.node.remove();
            level->used--;
        }
    }
    for (PidNamespace* level = ns.get(); level->level > 0; level = level->parent.get())
        level->emptied.wake_all();
    delete this;
}

PidNumbers::PidNumbers(PidNamespace* innermost) : ns(innermost) {}

PidNumbers::~PidNumbers() {
    delete[] upid;
}

pid_t PidNumbers::in(const PidNamespace& where) const {
    if (where.level == 0) return global;
    const PidNamespace* level = ns.get();
    while (level->level > where.level) level = level->parent.get();
    return level == &where ? upid[where.level - 1].nr : 0;
}

bool is_pid_ns_within(const PidNamespace& inner, const PidNamespace& outer) {
    const PidNamespace* level = &inner;
    while (level->level > outer.level) level = level->parent.get();
    return level == &outer;
}

pid_t task_nr_locked(const task_struct* task, const PidNamespace& ns) {
    if (ns.level == 0) return task->pid;
    return task->numbers ? task->numbers->in(ns) : 0;
}
pid_t process_nr_locked(const task_struct* task, const PidNamespace& ns) {
    return task_nr_locked(task->group_leader, ns);
}
pid_t task_nr(const task_struct* task, const PidNamespace& ns) {
    if (ns.level == 0) return task->pid;
    const auto table = task_table.lock();
    return task_nr_locked(task, ns);
}
pid_t process_nr(const task_struct* task, const PidNamespace& ns) {
    if (ns.level == 0) return task->tgid;
    const auto table = task_table.lock();
    return process_nr_locked(task, ns);
}
pid_t group_nr(const task_struct* task, const PidNamespace& ns) {
    if (ns.level == 0) return task->signal->pgrp;
    const auto table = task_table.lock();
    const RefPtr<PidNumbers>& numbers = task->signal->pgrp_numbers;
    return numbers ? numbers->in(ns) : 0;
}
pid_t session_nr(const task_struct* task, const PidNamespace& ns) {
    if (ns.level == 0) return task->signal->session;
    const auto table = task_table.lock();
    const RefPtr<PidNumbers>& numbers = task->signal->session_numbers;
    return numbers ? numbers->in(ns) : 0;
}
pid_t parent_nr(const task_struct* task, const PidNamespace& ns) {
    const auto table = task_table.lock();
    const task_struct* parent = task->real_parent;
    return parent && parent->pid ? process_nr_locked(parent, ns) : 0;
}

pid_t nr_of_global(pid_t global, const PidNamespace& ns) {
    if (ns.level == 0 || global <= 0) return global;
    const auto table = task_table.lock();
    if (const task_struct* task = table->find(global)) return task_nr_locked(task, ns);
    for (const task_struct& task : table->list) {
        const SignalStruct& s = *task.signal;
        if (s.pgrp == global) return s.pgrp_numbers ? s.pgrp_numbers->in(ns) : 0;
        if (s.session == global) return s.session_numbers ? s.session_numbers->in(ns) : 0;
    }
    return 0;
}

pid_t global_of_nr(pid_t nr, const PidNamespace& ns) {
    if (ns.level == 0 || nr <= 0) return nr;
    IrqGuard guard(g_numbers);
    const PidNumber* number = find_number(const_cast<PidNamespace&>(ns), nr);
    return number ? number->owner->global : 0;
}

pid_t global_pid(pid_t nr) {
    return current()->pid_ns ? global_of_nr(nr, current_pid_ns()) : nr;
}
pid_t own_view(pid_t global) {
    return current()->pid_ns ? nr_of_global(global, current_pid_ns()) : global;
}

TaskRef find_task_in(const PidNamespace& ns, pid_t nr) {
    if (nr <= 0) return {};
    TaskRef task = find_task_by_pid(global_of_nr(nr, ns));
    // The kernel's number may have gone to another task since the one of that name ended.
    return task && task_nr(task.get(), ns) == nr ? std::move(task) : TaskRef();
}

namespace {

/// A process dies of it wherever it is.
void kill_all_within(PidNamespace& ns) {
    const auto table = task_table.lock();
    ns.dying = true;
    for (task_struct& task : table->list) {
        if (task.pid != task.tgid || task.signal == current()->signal || !task_nr_locked(&task, ns)) continue;
        (void)send_signal_process(&task, kSigKill).ok();
    }
}

}  // namespace

void zap_pid_namespace(PidNamespace& ns) {
    task_struct* self = current();
    {
        IrqGuard guard(self->signal->lock);
        self->sighand->ignore(kSigChld);  // what comes to it now reaps itself
    }
    kill_all_within(ns);
    reap_all_children();
    // Who was put in here from outside is reaped by its own parent.
    const u32 own = self == self->group_leader ? 1 : 2;
    wait_event_uninterruptible(ns.emptied, [&] {
        IrqGuard guard(g_numbers);
        return ns.used <= own;
    });
    if (ns.reboot_signal) self->signal->group_exit_code = self->exit_code = ns.reboot_signal;
    if (ns.reboot_signal) self->group_leader->exit_code = ns.reboot_signal;
    const auto table = task_table.lock();
    ns.child_reaper = nullptr;
}

Result<void> reboot_pid_namespace(PidNamespace& ns, u32 command) {
    constexpr u32 kRestart = 0x1234567, kRestart2 = 0xa1b2c3d4, kHalt = 0xcdef0123, kPowerOff = 0x4321fedc;
    if (command == kRestart || command == kRestart2)
        ns.reboot_signal = kSigHup;
    else if (command == kHalt || command == kPowerOff)
        ns.reboot_signal = kSigInt;
    else
        return Errno::EINVAL;
    {
        const auto table = task_table.lock();
        if (ns.child_reaper) (void)send_signal_process(ns.child_reaper, kSigKill).ok();
    }
    do_exit(0);
}
