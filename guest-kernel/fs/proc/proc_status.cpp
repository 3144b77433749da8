// /proc/PID/{stat,statm,status,comm,cmdline,environ,limits}: a process in numbers (proc(5)).
#include "arch/x86_64/smp.h"
#include "core/kmalloc.h"
#include "drivers/system/bitmap_text.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/proc/proc.h"
#include "mm/mm_struct.h"
#include "task/pid_namespace.h"
#include "time/tick.h"
#include "tty/tty.h"

namespace {

using ull = unsigned long long;

u64 ticks(u64 ns) {
    return ns / (kNsPerSec / kUserHz);
}

// A task's address space for a scope; null for kernel threads and zombies.
class MmRef {
  public:
    explicit MmRef(task_struct& task) : mm(get_task_mm(&task)) {}
    ~MmRef() {
        if (mm) mmput(mm);
    }
    MmRef(const MmRef&) = delete;
    MmRef& operator=(const MmRef&) = delete;
    mm_struct* const mm;
};

struct SignalMasks {
    SigSet ignored = 0;
    SigSet caught = 0;
};
SignalMasks signal_masks(task_struct& task) {
    SignalMasks m;
    if (!task.sighand) return m;
    IrqGuard guard(task.signal->lock);  // exec may give it another table
    for (int sig = 1; sig <= kSigMax; sig++) {
        const u64 handler = task.sighand->handler(sig);
        if (handler == kSigIgn) {
            m.ignored |= sig_mask(sig);
        } else if (handler != kSigDfl) {
            m.caught |= sig_mask(sig);
        }
    }
    return m;
}

const char* state_name(char letter) {
    switch (letter) {
        case 'R':
            return "R (running)";
        case 'S':
            return "S (sleeping)";
        case 'D':
            return "D (disk sleep)";
        case 'T':
            return "T (stopped)";
        case 't':
            return "t (tracing stop)";
        case 'Z':
            return "Z (zombie)";
        default:
            return "X (dead)";
    }
}

i64 priority_of(const task_struct& task) {
    return task.rt_priority > 0 ? -1 - static_cast<i64>(task.rt_priority) : task.static_prio - 100;
}

// The bytes [start, end) of a process's memory, at most 1 MiB.
Result<void> append_memory(KString& out, mm_struct* mm, u64 start, u64 end) {
    char chunk[512];
    end = min(end, start + (1u << 20));
    while (start < end) {
        const size_t n = access_process_vm(mm, start, chunk, min<u64>(sizeof(chunk), end - start), false);
        if (n == 0) break;
        TRY(out.append(chunk, n));
        start += n;
    }
    return {};
}

Result<void> show_ids(KString& out, const char* label, u32 a, u32 b, u32 c, u32 d) {
    return out.appendf("%s:\t%u\t%u\t%u\t%u\n", label, a, b, c, d);
}

u64 text_kib(const mm_struct& mm) {
    return (align_up(mm.end_code, kPageSize) - align_down(mm.start_code, kPageSize)) / 1024;
}
/// Executable areas that are not the program's own.
u64 library_kib(const mm_struct& mm) {
    const u64 all = mm.exec_vm * (kPageSize / 1024);
    return all > text_kib(mm) ? all - text_kib(mm) : 0;
}

Result<void> show_memory(KString& out, mm_struct& mm) {
    mm.mmap_lock.lock();
    const u64 tables = count_user_tables(mm.pgd);
    mm.mmap_lock.unlock();
    const u64 kb = kPageSize / 1024;
    const struct {
        const char* name;
        u64 value;
    } rows[] = {
        {"VmPeak", max(mm.hiwater_vm, mm.total_vm) * kb},
        {"VmSize", mm.total_vm * kb},
        {"VmLck", mm.locked_vm * kb},
        {"VmPin", 0},
        {"VmHWM", max(mm.hiwater_rss, mm.rss()) * kb},
        {"VmRSS", mm.rss() * kb},
        {"RssAnon", mm.rss_anon * kb},
        {"RssFile", mm.rss_file * kb},
        {"RssShmem", mm.rss_shmem * kb},
        {"VmData", mm.data_vm * kb},
        {"VmStk", mm.stack_vm * kb},
        {"VmExe", text_kib(mm)},
        {"VmLib", library_kib(mm)},
        {"VmPTE", tables * kb},
        {"VmSwap", mm.swap_entries * kb},
        {"HugetlbPages", mm.hugetlb_pages * kb},
    };
    for (const auto& row : rows) TRY(out.appendf("%s:\t%8llu kB\n", row.name, static_cast<ull>(row.value)));
    return out.appendf("CoreDumping:\t0\nTHP_enabled:\t%d\n", mm.thp_disabled ? 0 : 1);
}

Result<void> show_comm(KString& out, task_struct& task, const ProcView&) {
    return out.appendf("%s\n", task.comm);
}

Result<void> store_comm(task_struct& task, const char* text, size_t size) {
    if (task.tgid != current()->tgid) return Errno::EINVAL;
    char fresh[sizeof(task.comm)] = {};
    memcpy(fresh, text, min(size, sizeof(fresh) - 1));
    memcpy(task.comm, fresh, sizeof(fresh));
    return {};
}

Result<void> show_cmdline(KString& out, task_struct& task, const ProcView&) {
    MmRef ref(task);
    return ref.mm ? append_memory(out, ref.mm, ref.mm->arg_start, ref.mm->arg_end) : Result<void>();
}

Result<void> show_environ(KString& out, task_struct& task, const ProcView&) {
    if (!proc_may_inspect(task)) return Errno::EACCES;
    MmRef ref(task);
    return ref.mm ? append_memory(out, ref.mm, ref.mm->env_start, ref.mm->env_end) : Result<void>();
}

Result<void> show_pid_mounts(KString& out, task_struct&, const ProcView&) {
    return show_mounts(out);
}
Result<void> show_pid_mountinfo(KString& out, task_struct&, const ProcView&) {
    return show_mountinfo(out);
}

}  // namespace

Result<void> show_pid_stat(KString& out, task_struct& task, const ProcView& view) {
    MmRef ref(task);
    const mm_struct* mm = ref.mm;
    CpuTimes t = process_times(&task);
    if (view.as_thread) {
        t.utime = task.utime;
        t.stime = task.stime;
        t.min_flt = task.min_flt;
        t.maj_flt = task.maj_flt;
    }
    const SignalMasks masks = signal_masks(task);
    const tty_struct* tty = task.signal->tty;
    TRY(out.appendf("%d (%s) %c %d %d %d %d %d %u ", task_nr(&task, view.ns), task.comm,
                    task_state_char(&task), parent_nr(&task, view.ns), group_nr(&task, view.ns),
                    session_nr(&task, view.ns), tty ? static_cast<int>(tty->number) : 0,
                    tty ? nr_of_global(tty->pgrp, view.ns) : -1, task.flags));
    TRY(out.appendf("%llu %llu %llu %llu %llu %llu %llu %llu ", static_cast<ull>(t.min_flt),
                    static_cast<ull>(t.cmin_flt), static_cast<ull>(t.maj_flt), static_cast<ull>(t.cmaj_flt),
                    static_cast<ull>(ticks(t.utime)), static_cast<ull>(ticks(t.stime)),
                    static_cast<ull>(ticks(t.cutime)), static_cast<ull>(ticks(t.cstime))));
    TRY(out.appendf("%lld %d %u 0 %llu %llu %llu %llu ", static_cast<long long>(priority_of(task)),
                    task.static_prio - 120, t.num_threads, static_cast<ull>(ticks(task.start_time)),
                    static_cast<ull>(mm ? mm->total_vm * kPageSize : 0), static_cast<ull>(mm ? mm->rss() : 0),
                    static_cast<ull>(task.signal->rlimits[kRlimitRss].cur)));
    TRY(out.appendf("%llu %llu %llu 0 0 ", static_cast<ull>(mm ? mm->start_code : 0),
                    static_cast<ull>(mm ? mm->end_code : 0), static_cast<ull>(mm ? mm->start_stack : 0)));
    TRY(out.appendf("%llu %llu %llu %llu 0 0 0 %d %u %u %u 0 0 0 ",
                    static_cast<ull>((task.pending.signal | task.signal->shared_pending.signal) & 0x7fffffff),
                    static_cast<ull>(task.blocked & 0x7fffffff), static_cast<ull>(masks.ignored & 0x7fffffff),
                    static_cast<ull>(masks.caught & 0x7fffffff), task.exit_signal, task.cpu, task.rt_priority,
                    task.policy));
    return out.appendf("%llu %llu %llu %llu %llu %llu %llu %d\n", static_cast<ull>(mm ? mm->start_data : 0),
                       static_cast<ull>(mm ? mm->end_data : 0), static_cast<ull>(mm ? mm->start_brk : 0),
                       static_cast<ull>(mm ? mm->arg_start : 0), static_cast<ull>(mm ? mm->arg_end : 0),
                       static_cast<ull>(mm ? mm->env_start : 0), static_cast<ull>(mm ? mm->env_end : 0),
                       task.exit_code);
}

Result<void> show_pid_statm(KString& out, task_struct& task, const ProcView&) {
    MmRef ref(task);
    if (!ref.mm) return out.append("0 0 0 0 0 0 0\n");
    const mm_struct& mm = *ref.mm;
    return out.appendf("%llu %llu %llu %llu 0 %llu 0\n", static_cast<ull>(mm.total_vm),
                       static_cast<ull>(mm.rss()), static_cast<ull>(mm.rss_file + mm.rss_shmem),
                       static_cast<ull>((mm.end_code - mm.start_code + kPageSize - 1) / kPageSize),
                       static_cast<ull>(mm.data_vm + mm.stack_vm));
}

namespace {

/// A line for each kind of number: in the instance's namespace, and in each further in down to the task's own.
Result<void> show_numbers(KString& out, const task_struct& task, const PidNamespace& from) {
    static constexpr struct {
        const char* name;
        pid_t (*nr)(const task_struct* task, const PidNamespace& ns);
    } kLines[] = {{"NStgid", process_nr}, {"NSpid", task_nr}, {"NSpgid", group_nr}, {"NSsid", session_nr}};
    const PidNamespace& own = task_pid_ns(&task);
    TRY(out.push('\n'));
    for (const auto& line : kLines) {
        TRY(out.appendf("%s:", line.name));
        for (u32 level = from.level; level <= own.level; level++) {
            const PidNamespace* ns = &own;
            while (ns->level > level) ns = ns->parent.get();
            TRY(out.appendf("\t%d", line.nr(&task, *ns)));
        }
        TRY(out.push('\n'));
    }
    return {};
}

}  // namespace

Result<void> show_pid_status(KString& out, task_struct& task, const ProcView& view) {
    const Credentials c = get_task_cred(&task);
    TRY(out.appendf("Name:\t%s\n", task.comm));
    if (const RefPtr<FsStruct> fs = get_task_fs(&task)) TRY(out.appendf("Umask:\t%04o\n", fs->umask()));
    TRY(out.appendf("State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
                    state_name(task_state_char(&task)), process_nr(&task, view.ns), task_nr(&task, view.ns),
                    parent_nr(&task, view.ns)));
    const Credentials& me = current_cred();
    TRY(show_ids(out, "Uid", me.shown_uid(c.uid), me.shown_uid(c.euid), me.shown_uid(c.suid),
                 me.shown_uid(c.fsuid)));
    TRY(show_ids(out, "Gid", me.shown_gid(c.gid), me.shown_gid(c.egid), me.shown_gid(c.sgid),
                 me.shown_gid(c.fsgid)));
    const RefPtr<FilesStruct> files = get_task_files(&task);
    TRY(out.appendf("FDSize:\t%llu\nGroups:\t", static_cast<ull>(files ? files->capacity() : 0)));
    if (!c.groups || c.groups->gids.empty()) TRY(out.push(' '));  // a blank behind each, and behind none
    if (c.groups) {
        for (gid_t g : c.groups->gids) TRY(out.appendf("%u ", me.shown_gid(g)));
    }
    TRY(show_numbers(out, task, view.ns));
    MmRef ref(task);
    if (ref.mm) TRY(show_memory(out, *ref.mm));
    const SignalMasks masks = signal_masks(task);
    TRY(out.appendf("Threads:\t%u\nSigQ:\t0/%llu\n", process_times(&task).num_threads,
                    static_cast<ull>(task.signal->rlimits[kRlimitSigpending].cur)));
    TRY(out.appendf(
        "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
        static_cast<ull>(task.pending.signal), static_cast<ull>(task.signal->shared_pending.signal),
        static_cast<ull>(task.blocked), static_cast<ull>(masks.ignored), static_cast<ull>(masks.caught)));
    TRY(out.appendf(
        "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
        static_cast<ull>(c.cap_inheritable), static_cast<ull>(c.cap_permitted),
        static_cast<ull>(c.cap_effective), static_cast<ull>(c.cap_bset), static_cast<ull>(c.cap_ambient)));
    const u64 allowed = task.cpus_allowed & online_mask();
    TRY(
        out.appendf("NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tunknown\n"
                    "SpeculationIndirectBranch:\tunknown\nCpus_allowed:\t%llx\nCpus_allowed_list:\t",
                    c.no_new_privs ? 1 : 0, static_cast<ull>(allowed)));
    TRY(append_cpu_list(out, allowed));
    return out.appendf(
        "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
        "nonvoluntary_ctxt_switches:\t%llu\n",
        static_cast<ull>(task.nvcsw), static_cast<ull>(task.nivcsw));
}

Result<void> show_pid_limits(KString& out, task_struct& task, const ProcView&) {
    static constexpr struct {
        const char* name;
        const char* unit;
    } kNames[kRlimitCount] = {
        {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
        {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
        {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"}, {"Max nice priority", ""},       {"Max realtime priority", ""},
        {"Max realtime timeout", "us"},
    };
    TRY(out.appendf("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units"));
    for (int i = 0; i < kRlimitCount; i++) {
        const RlimitPair& l = task.signal->rlimits[i];
        char soft[24] = "unlimited";
        char hard[24] = "unlimited";
        if (l.cur != kRlimInfinity) snprintf(soft, sizeof(soft), "%llu", static_cast<ull>(l.cur));
        if (l.max != kRlimInfinity) snprintf(hard, sizeof(hard), "%llu", static_cast<ull>(l.max));
        TRY(out.appendf("%-25s %-20s %-20s ", kNames[i].name, soft, hard));
        TRY(*kNames[i].unit ? out.appendf("%-10s\n", kNames[i].unit) : out.append("\n"));
    }
    return {};
}

const ProcPidFile kProcPidFiles[] = {
    {"environ", 0400, show_environ},
    {"status", 0444, show_pid_status},
    {"limits", 0444, show_pid_limits},
    {"comm", 0644, show_comm, store_comm},
    {"cmdline", 0444, show_cmdline},
    {"stat", 0444, show_pid_stat},
    {"statm", 0444, show_pid_statm},
    {"maps", 0444, show_pid_maps},
    {"mounts", 0444, show_pid_mounts},
    {"mountinfo", 0444, show_pid_mountinfo},
    {nullptr, 0, nullptr},
};
