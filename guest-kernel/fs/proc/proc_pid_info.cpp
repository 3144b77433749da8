// /proc/PID's smaller files: io, oom_*, cgroup, children, sched, schedstat, syscall, wchan, personality, the maps of
// identities, mountstats (proc(5)).
#include "abi/stat.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/proc/proc.h"
#include "mm/buddy.h"
#include "mm/mm_struct.h"
#include "sched/sched.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "time/clock.h"

Result<i64> parse_signed(const char* text, size_t size) {
    char word[24];
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' ')) size--;
    while (size > 0 && *text == ' ') text++, size--;
    if (size == 0 || size >= sizeof(word)) return Errno::EINVAL;
    memcpy(word, text, size);
    word[size] = '\0';
    const bool negative = word[0] == '-';
    u64 value;
    if (!parse_u64(word + (negative ? 1 : 0), 0, &value) || value > 1u << 31) return Errno::EINVAL;
    return negative ? -static_cast<i64>(value) : static_cast<i64>(value);
}

namespace {

using ull = unsigned long long;

Result<void> show_io(KString& out, task_struct& task, const ProcView& view) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    IoAccounting io = task.ioac;
    if (!view.as_thread) {
        io = task.signal->ioac;
        for (TaskRef t = next_thread(&task, 0); t; t = next_thread(&task, t->pid + 1)) io.add(t->ioac);
    }
    return out.appendf(
        "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: %llu\nwrite_bytes: %llu\n"
        "cancelled_write_bytes: %llu\n",
        static_cast<ull>(io.rchar), static_cast<ull>(io.wchar), static_cast<ull>(io.syscr),
        static_cast<ull>(io.syscw), static_cast<ull>(io.read_bytes), static_cast<ull>(io.write_bytes),
        static_cast<ull>(io.cancelled_write_bytes));
}

// How likely the OOM killer takes it, from 0 to 2000 (Linux, fs/proc/base.c, proc_oom_score).
Result<void> show_oom_score(KString& out, task_struct& task, const ProcView&) {
    i64 score = 0;
    const i64 adjust = task.signal->oom_score_adj;
    if (mm_struct* mm = get_task_mm(&task)) {
        const i64 total = static_cast<i64>(max<u64>(buddy_total_pages(), 1));
        const i64 pages = static_cast<i64>(mm->rss() + mm->page_tables) + adjust * total / 1000;
        if (adjust != -1000) score = max<i64>(0, (1000 + pages * 1000 / total) * 2 / 3);
        mmput(mm);
    }
    return out.appendf("%lld\n", static_cast<long long>(score));
}

Result<void> set_oom_score_adj(task_struct& task, i64 value) {
    if (value < task.signal->oom_score_adj && !current_cred().has(kCapSysResource)) return Errno::EACCES;
    task.signal->oom_score_adj = static_cast<i32>(value);
    return {};
}
Result<void> show_oom_score_adj(KString& out, task_struct& task, const ProcView&) {
    return out.appendf("%d\n", task.signal->oom_score_adj);
}
Result<void> store_oom_score_adj(task_struct& task, const char* text, size_t size) {
    const i64 value = TRY(parse_signed(text, size));
    if (value < -1000 || value > 1000) return Errno::EINVAL;
    return set_oom_score_adj(task, value);
}
// The older scale, -17 (never) to 15.
Result<void> show_oom_adj(KString& out, task_struct& task, const ProcView&) {
    const i32 adjust = task.signal->oom_score_adj;
    return out.appendf("%d\n", adjust == 1000 ? 15 : adjust * 17 / 1000);
}
Result<void> store_oom_adj(task_struct& task, const char* text, size_t size) {
    const i64 value = TRY(parse_signed(text, size));
    if (value < -17 || value > 15) return Errno::EINVAL;
    return set_oom_score_adj(task, value == 15 ? 1000 : value * 1000 / 17);
}

// All are in the root of the one hierarchy.
Result<void> show_cgroup(KString& out, task_struct&, const ProcView&) {
    return out.append("0::/\n");
}

Result<void> show_children(KString& out, task_struct& task, const ProcView& view) {
    Vec<pid_t> pids;
    {
        const auto table = task_table.lock();
        for (const task_struct& child : task.children) {
            if (const pid_t nr = task_nr_locked(&child, view.ns)) TRY(pids.push(nr));
        }
    }
    for (const pid_t pid : pids) TRY(out.appendf("%d ", pid));
    return {};
}

Result<void> show_split_ns(KString& out, const char* name, i64 ns) {
    const u64 size = ns < 0 ? -static_cast<u64>(ns) : static_cast<u64>(ns);
    return out.appendf("%-45s:%14lld.%06llu\n", name, static_cast<long long>(ns / 1'000'000),
                       static_cast<ull>(size % 1'000'000));
}
Result<void> show_count(KString& out, const char* name, i64 value) {
    return out.appendf("%-45s:%21lld\n", name, static_cast<long long>(value));
}
// As Linux 6.1 (kernel/sched/debug.c), without se.avg.*: load is not tracked over time here. There is one node.
Result<void> show_sched(KString& out, task_struct& task, const ProcView& view) {
    TRY(out.appendf("%s (%d, #threads: %u)\n", task.comm, task_nr(&task, view.ns),
                    process_times(&task).num_threads));
    TRY(out.append("-------------------------------------------------------------------\n"));
    TRY(show_split_ns(out, "se.exec_start", static_cast<i64>(task.se.exec_start)));
    TRY(show_split_ns(out, "se.vruntime", task.se.fair.vruntime));
    TRY(show_split_ns(out, "se.sum_exec_runtime", static_cast<i64>(task_runtime_ns(&task))));
    TRY(show_count(out, "se.nr_migrations", static_cast<i64>(task.se.nr_migrations)));
    TRY(show_count(out, "nr_switches", static_cast<i64>(task.nvcsw + task.nivcsw)));
    TRY(show_count(out, "nr_voluntary_switches", static_cast<i64>(task.nvcsw)));
    TRY(show_count(out, "nr_involuntary_switches", static_cast<i64>(task.nivcsw)));
    // In Linux's scale: a nice value of 0 weighs 2^20.
    TRY(show_count(out, "se.load.weight", i64{sched_weight(task.policy, task.static_prio)} << 10));
    TRY(show_count(out, "policy", task.policy));
    TRY(show_count(out, "prio",
                   task.rt_priority > 0 ? 99 - static_cast<i64>(task.rt_priority) : task.static_prio));
    const u64 before = ktime_get_ns();  // what reading the clock twice takes
    TRY(show_count(out, "clock-delta", static_cast<i64>(ktime_get_ns() - before)));
    TRY(show_count(out, "mm->numa_scan_seq", 0));
    TRY(show_count(out, "numa_pages_migrated", 0));
    TRY(show_count(out, "numa_preferred_nid", -1));
    TRY(show_count(out, "total_numa_faults", 0));
    return out.append(
        "current_node=0, numa_group_id=0\n"
        "numa_faults node=0 task_private=0 task_shared=0 group_private=0 group_shared=0\n");
}

Result<void> show_schedstat(KString& out, task_struct& task, const ProcView&) {
    return out.appendf("%llu %llu %llu\n", static_cast<ull>(task_runtime_ns(&task)),
                       static_cast<ull>(task.se.run_delay), static_cast<ull>(task.se.turns));
}

// prctl(2), PR_SET_TIMERSLACK.
Result<void> show_timer_slack(KString& out, task_struct& task, const ProcView&) {
    if (&task != current() && !current_cred().has_over(&task, kCapSysNice)) return Errno::EPERM;
    return out.appendf("%llu\n", static_cast<ull>(task.timer_slack));
}
Result<void> store_timer_slack(task_struct& task, const char* text, size_t size) {
    if (&task != current() && !current_cred().has_over(&task, kCapSysNice)) return Errno::EPERM;
    const i64 value = TRY(parse_signed(text, size));
    if (value < 0) return Errno::EINVAL;
    task.timer_slack = value ? static_cast<u64>(value) : kDefaultTimerSlack;
    return {};
}

// Where it sleeps, by a symbol's name: the kernel knows none, and says 0 as Linux does then.
Result<void> show_wchan(KString& out, task_struct&, const ProcView&) {
    return out.append("0");
}

Result<void> show_syscall(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    if (&task != current() && task.state == TASK_RUNNING) return out.append("running\n");
    if (!task.mm) return out.append("-1 0x0 0x0\n");
    const auto* r = reinterpret_cast<const pt_regs*>(static_cast<u8*>(task.stack) + kThreadSize) - 1;
    const i64 number = static_cast<i64>(r->orig_rax);
    if (number < 0) {
        return out.appendf("-1 0x%llx 0x%llx\n", static_cast<ull>(r->rsp), static_cast<ull>(r->rip));
    }
    return out.appendf("%lld 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n",
                       static_cast<long long>(number), static_cast<ull>(r->rdi), static_cast<ull>(r->rsi),
                       static_cast<ull>(r->rdx), static_cast<ull>(r->r10), static_cast<ull>(r->r8),
                       static_cast<ull>(r->r9), static_cast<ull>(r->rsp), static_cast<ull>(r->rip));
}

Result<void> show_personality(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    return out.appendf("%08x\n", task.personality);
}

Result<void> show_pid_mountstats(KString& out, task_struct&, const ProcView&) {
    return show_mountstats(out);
}

constexpr ProcPidPlace kProcess = ProcPidPlace::kProcess, kThread = ProcPidPlace::kThread;

}  // namespace

const ProcPidFile kProcPidInfoFiles[] = {
    {"io", 0400, show_io},
    {"oom_score", 0444, show_oom_score},
    {"oom_adj", 0644, show_oom_adj, store_oom_adj},
    {"oom_score_adj", 0644, show_oom_score_adj, store_oom_score_adj},
    {"cgroup", 0444, show_cgroup},
    {"children", 0444, show_children, nullptr, kThread},
    {"sched", 0444, show_sched},
    {"schedstat", 0444, show_schedstat},
    {"timerslack_ns", 0666, show_timer_slack, store_timer_slack, kProcess},
    {"wchan", 0444, show_wchan},
    {"syscall", 0400, show_syscall},
    {"personality", 0400, show_personality},
    {"mountstats", 0400, show_pid_mountstats, nullptr, kProcess},
    {nullptr, 0, nullptr},
};
