// Waiting for children: wait4 and waitid (wait(2)).
//
// Guarantees: a child's change of state is reported once (unless WNOWAIT); a zombie's times are added to the
// parent's children times. All threads of a process wait for the same children.
#include "abi/clone.h"
#include "abi/rusage.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/exit.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/pidfd.h"
#include "task/signal.h"

namespace {

struct WaitRequest {
    int type;  // P_ALL, P_PID, P_PGID
    pid_t id;
    int options;
};
struct WaitOutcome {
    pid_t pid = 0;
    uid_t uid = 0;
    i32 status = 0;       // as wait4 gives it
    int code = 0;         // CLD_*
    i32 exit_status = 0;  // as waitid gives it
    KRusage usage{};
};

bool matches(const task_struct& child, const WaitRequest& request) {
    if (request.type == P_PID && child.pid != request.id) return false;
    if (request.type == P_PGID && child.signal->pgrp != request.id) return false;
    const bool clone_child = child.exit_signal != kSigChld;
    if (!(request.options & kWall) && clone_child != ((request.options & kWclone) != 0)) return false;
    return true;
}

/// With the task table locked: two threads may be reaping.
void add_child_times(SignalStruct* parent, task_struct* child) {
    const CpuTimes t = process_times_locked(child);
    const SignalStruct* s = child->signal;
    parent->cutime += t.utime + t.cutime;
    parent->cstime += t.stime + t.cstime;
    parent->cmin_flt += t.min_flt + t.cmin_flt;
    parent->cmaj_flt += t.maj_flt + t.cmaj_flt;
    parent->cnvcsw += child->nvcsw + s->nvcsw + s->cnvcsw;
    parent->cnivcsw += child->nivcsw + s->nivcsw + s->cnivcsw;
    parent->cmaxrss = max(parent->cmaxrss, max(s->maxrss, s->cmaxrss));
}

/// What `child` has to tell, taking it unless WNOWAIT. A reference to a zombie to be released comes in
/// `zombie`.
bool take_event(task_struct* child, const WaitRequest& request, WaitOutcome* outcome, task_struct** zombie) {
    SignalStruct* signal = child->signal;
    const bool keep = request.options & WNOWAIT;
    if (child->exit_state == EXIT_ZOMBIE && signal->nr_threads == 1) {
        if (!(request.options & WEXITED)) return false;
        outcome->status = child->exit_code;
        outcome->code = child->exit_code & 0x80   ? kCldDumped
                        : child->exit_code & 0x7f ? kCldKilled
                                                  : kCldExited;
        outcome->exit_status =
            child->exit_code & 0x7f ? child->exit_code & 0x7f : child->exit_code >> 8 & 0xff;
        if (!keep) {
            child->exit_state = EXIT_DEAD;  // nobody else may take it
            task_get(child);
            *zombie = child;
        }
        return true;
    }
    if (child->exit_state) return false;
    if (request.options & WSTOPPED && signal->stopped && !signal->stop_reported) {
        if (!keep) signal->stop_reported = true;
        outcome->status = signal->stop_signal << 8 | 0x7f;
        outcome->code = kCldStopped;
        outcome->exit_status = signal->stop_signal;
        return true;
    }
    if (request.options & WCONTINUED && !signal->continue_reported) {
        if (!keep) signal->continue_reported = true;
        outcome->status = 0xffff;
        outcome->code = kCldContinued;
        outcome->exit_status = kSigCont;
        return true;
    }
    return false;
}

/// One look at all children. ECHILD if none matches; false if none has news.
Result<bool> look(const WaitRequest& request, WaitOutcome* outcome) {
    task_struct* leader = current()->group_leader;
    bool any = false, found = false;
    task_struct* zombie = nullptr;
    {
        const auto table = task_table.lock();
        for (task_struct& child : leader->children) {
            if (!matches(child, request) || child.exit_state == EXIT_DEAD) continue;
            any = true;
            if (!take_event(&child, request, outcome, &zombie)) continue;
            outcome->pid = task_nr_locked(&child, task_pid_ns(leader));
            outcome->uid = leader->cred.shown_uid(child.cred.uid);
            if (!zombie) fill_rusage_locked(&child, &outcome->usage);
            found = true;
            break;
        }
    }
    if (zombie) {
        fill_rusage(zombie, kRusageBoth, &outcome->usage);
        task_table.with([&](TaskTable&) { add_child_times(leader->signal, zombie); });
        release_task(zombie);
        task_put(zombie);
    }
    if (!any) return Errno::ECHILD;
    return found;
}

Result<void> do_wait(const WaitRequest& request, WaitOutcome* outcome) {
    if (request.options & WNOHANG) {
        TRY(look(request, outcome));
        return {};
    }
    Result<void> waited = wait_event(current()->signal->child_wait, [&] {
        Result<bool> now = look(request, outcome);
        if (!now.ok()) {
            outcome->pid = -static_cast<pid_t>(now.error());
            return true;
        }
        return now.value();
    });
    if (!waited.ok()) return waited;
    if (outcome->pid < 0) return static_cast<Errno>(-outcome->pid);
    return {};
}

}  // namespace

void reap_all_children() {
    const WaitRequest request = {P_ALL, 0, WEXITED | kWall};
    for (bool any = true; any;) {
        WaitOutcome outcome;
        wait_event_uninterruptible(current()->signal->child_wait, [&] {
            const Result<bool> now = look(request, &outcome);
            any = now.ok();
            return !any || now.value();
        });
    }
}

SysResult sys_wait4(pid_t pid, UserPtr<i32> status, int options, UserPtr<KRusage> usage) {
    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | kWnothread | kWall | kWclone)) return Errno::EINVAL;
    if (pid == static_cast<pid_t>(0x80000000)) return Errno::ESRCH;
    WaitRequest request = {P_ALL, 0, options | WEXITED};
    if (pid > 0)
        request = {P_PID, global_pid(pid), request.options};
    else if (pid == 0)
        request = {P_PGID, current()->signal->pgrp, request.options};
    else if (pid < -1)
        request = {P_PGID, global_pid(-pid), request.options};
    WaitOutcome outcome;
    TRY(do_wait(request, &outcome));
    if (outcome.pid == 0) return 0;
    if (status) TRY(status.write(outcome.status));
    if (usage) TRY(usage.write(outcome.usage));
    return outcome.pid;
}

namespace {

/// waitid without telling what it found.
Result<void> wait_for_id(int type, pid_t id, int options, WaitOutcome* outcome) {
    if (options & ~(WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | kWnothread | kWall | kWclone)) {
        return Errno::EINVAL;
    }
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED))) return Errno::EINVAL;
    bool own = type == P_PGID && id == 0;  // a number of the kernel's
    if (own) id = current()->signal->pgrp;
    bool nonblocking = false;
    if (type == P_PIDFD) {
        if (id < 0) return Errno::EINVAL;
        const Result<TaskRef> process = task_of_pidfd(id, &nonblocking);
        if (!process.ok()) return process.error() == Errno::ESRCH ? Errno::ECHILD : process.error();
        type = P_PID;
        id = process.value()->pid;
        own = true;
        if (nonblocking && !(options & WNOHANG))
            options |= WNOHANG;
        else
            nonblocking = false;
    }
    const bool by_number = type == P_PID || type == P_PGID;
    if (type < P_ALL || type > P_PGID || (type == P_PID && id <= 0) || (type == P_PGID && id < 0))
        return Errno::EINVAL;
    if (by_number && !own) id = global_pid(id);
    TRY(do_wait({type, id, options}, outcome));
    if (nonblocking && outcome->pid == 0) return Errno::EAGAIN;
    return {};
}

}  // namespace

SysResult sys_waitid(int type, pid_t id, UserPtr<KSigInfo> user_info, int options, UserPtr<KRusage> usage) {
    WaitOutcome outcome;
    const Result<void> waited = wait_for_id(type, id, options, &outcome);
    if (usage && outcome.pid) TRY(usage.write(outcome.usage));
    if (user_info) {
        KSigInfo info;
        if (outcome.pid) {
            info.signo = kSigChld;
            info.code = outcome.code;
            info.chld.pid = outcome.pid;
            info.chld.uid = outcome.uid;
            info.chld.status = outcome.exit_status;
        }
        TRY(user_info.write(info));  // also after an error
    }
    TRY(waited);
    return 0;
}
