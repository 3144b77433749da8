// System calls about the system and a process's place in it: sysinfo, getrusage, limits, getrandom, syslog,
// reboot, prctl, ids.
//
// Guarantees: as the manual pages of section 2 say; what is not supported answers as Linux without that
// feature.
#include "core/printk.h"
#include "core/random.h"
#include "core/string.h"
#include "drivers/power.h"
#include "mm/mm_struct.h"
#include "mm/swap.h"
#include "sched/load.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/signal.h"

SysResult sys_getpid() {
    return current()->vtgid;
}
SysResult sys_gettid() {
    return current()->vpid;
}
SysResult sys_getppid() {
    const task_struct* self = current();
    if (self->pid_ns) return parent_nr(self, current_pid_ns());
    const auto table = task_table.lock();
    return task_ppid(self);
}

SysResult sys_set_tid_address(u64 address) {
    current()->clear_child_tid = address;
    return current()->vpid;
}

SysResult sys_sysinfo(UserPtr<KSysinfo> user_info) {
    KSysinfo info{};
    const MemoryCounts memory = memory_counts();
    info.uptime = static_cast<i64>(ktime_get_ns() / kNsPerSec);
    for (int i = 0; i < 3; i++) info.loads[i] = load_average(static_cast<unsigned>(i)) << 5;
    info.totalram = memory.total * kPageSize;
    info.freeram = memory.free * kPageSize;
    const SwapTotals swap = swap_totals();
    info.totalswap = swap.total * kPageSize;
    info.freeswap = swap.free * kPageSize;
    info.procs = static_cast<u16>(task_table.lock()->nr_threads);
    info.mem_unit = 1;
    TRY(user_info.write(info));
    return 0;
}

void fill_rusage_locked(task_struct* task, KRusage* usage) {
    *usage = {};
    const SignalStruct* s = task->signal;
    u64 utime = s->utime, stime = s->stime, min_flt = s->min_flt, maj_flt = s->maj_flt, nvcsw = s->nvcsw,
        nivcsw = s->nivcsw, maxrss = s->maxrss;
    for_each_thread_of(task->signal, [&](task_struct* t) {
        u64 u, k;
        task_cpu_time(t, &u, &k);
        utime += u;
        stime += k;
        min_flt += t->min_flt;
        maj_flt += t->maj_flt;
        nvcsw += t->nvcsw;
        nivcsw += t->nivcsw;
        IrqGuard guard(t->alloc_lock);
        if (t->mm) maxrss = max(maxrss, max(t->mm->hiwater_rss, t->mm->rss()));
    });
    usage->utime = ns_to_timeval(utime);
    usage->stime = ns_to_timeval(stime);
    usage->maxrss = static_cast<i64>(maxrss * 4);
    usage->minflt = static_cast<i64>(min_flt);
    usage->majflt = static_cast<i64>(maj_flt);
    usage->nvcsw = static_cast<i64>(nvcsw);
    usage->nivcsw = static_cast<i64>(nivcsw);
}

void fill_rusage(task_struct* task, int who, KRusage* usage) {
    const auto table = task_table.lock();
    const SignalStruct* s = task->signal;
    KRusage self{};
    if (who != kRusageChildren) fill_rusage_locked(task, &self);
    if (who == kRusageThread) {
        u64 u, k;
        task_cpu_time(task, &u, &k);
        self.utime = ns_to_timeval(u);
        self.stime = ns_to_timeval(k);
        self.minflt = static_cast<i64>(task->min_flt);
        self.nvcsw = static_cast<i64>(task->nvcsw);
        self.nivcsw = static_cast<i64>(task->nivcsw);
    }
    if (who == kRusageChildren || who == kRusageBoth) {
        auto add = [](KTimeval& t, u64 ns) {
            const u64 sum = static_cast<u64>(t.sec) * kNsPerSec + static_cast<u64>(t.usec) * 1000 + ns;
            t = ns_to_timeval(sum);
        };
        add(self.utime, s->cutime);
        add(self.stime, s->cstime);
        self.minflt += static_cast<i64>(s->cmin_flt);
        self.majflt += static_cast<i64>(s->cmaj_flt);
        self.nvcsw += static_cast<i64>(s->cnvcsw);
        self.nivcsw += static_cast<i64>(s->cnivcsw);
        self.maxrss = max(self.maxrss, static_cast<i64>(s->cmaxrss * 4));
    }
    *usage = self;
}

SysResult sys_getrusage(int who, UserPtr<KRusage> user_usage) {
    if (who != kRusageSelf && who != kRusageChildren && who != kRusageThread) return Errno::EINVAL;
    KRusage usage;
    fill_rusage(current(), who, &usage);
    TRY(user_usage.write(usage));
    return 0;
}

namespace {

Result<void> set_limit(task_struct* task, int resource, const KRlimit& fresh) {
    if (fresh.cur > fresh.max) return Errno::EINVAL;
    RlimitPair& limit = task->signal->rlimits[resource];
    if (resource == kRlimitNofile && fresh.max > 1048576) return Errno::EPERM;
    if (fresh.max > limit.max && !current()->cred.has(kCapSysResource)) return Errno::EPERM;
    limit = {fresh.cur, fresh.max};
    return {};
}

}  // namespace

SysResult sys_prlimit64(pid_t pid, int resource, UserPtr<KRlimit> fresh, UserPtr<KRlimit> old) {
    KRlimit value{};
    if (fresh) value = TRY(fresh.read());
    task_get(current());
    TaskRef task(current());
    if (pid && pid != current()->vtgid) {
        task = find_task_by_vpid(pid);
        if (!task) return Errno::ESRCH;
        const Credentials &mine = current()->cred, &theirs = task->cred;
        if (!(mine.uid == theirs.uid && mine.uid == theirs.euid && mine.uid == theirs.suid) &&
            !mine.has_over(task.get(), kCapSysResource)) {
            return Errno::EPERM;
        }
    }
    if (resource < 0 || resource >= kRlimitCount) return Errno::EINVAL;
    const RlimitPair before = task->signal->rlimits[resource];
    if (fresh) TRY(set_limit(task.get(), resource, value));
    if (old) TRY(old.write({before.cur, before.max}));
    return 0;
}

SysResult sys_getrlimit(int resource, UserPtr<KRlimit> limit) {
    if (resource >= 0 && resource < kRlimitCount && !limit) return Errno::EFAULT;
    return sys_prlimit64(0, resource, {}, limit);
}
SysResult sys_setrlimit(int resource, UserPtr<KRlimit> limit) {
    if (!limit) return Errno::EFAULT;
    return sys_prlimit64(0, resource, limit, {});
}

SysResult sys_getrandom(UserBytes buffer, u64 size, u32 flags) {
    constexpr u32 kNonblock = 1, kRandom = 2, kInsecure = 4;
    if (flags & ~(kNonblock | kRandom | kInsecure) || (flags & kRandom && flags & kInsecure))
        return Errno::EINVAL;
    size = min<u64>(size, 0x7ffff000);
    u64 done = 0;
    while (done < size) {
        u8 bytes[256];
        // To the end of a page at most, so that what can be written is.
        const u64 in_page = kPageSize - ((buffer.address() + done) & (kPageSize - 1));
        const u64 n = min(min<u64>(size - done, sizeof(bytes)), in_page);
        get_random_bytes(bytes, n);
        if (!buffer.offset(static_cast<i64>(done)).copy_out(bytes, n).ok())
            return done ? SysResult(static_cast<long>(done)) : Errno::EFAULT;
        done += n;
        if (signal_pending(current()) && done < size) break;
        cond_resched();
    }
    return static_cast<long>(done);
}

SysResult sys_reboot(u32 magic1, u32 magic2, u32 command, UserString) {
    constexpr u32 kMagic1 = 0xfee1dead;
    constexpr u32 kMagics[] = {672274793, 85072278, 369367448, 537993216};
    if (!current()->cred.has_in(current_pid_ns().owner, kCapSysBoot)) return Errno::EPERM;
    bool valid = false;
    for (u32 magic : kMagics) valid |= magic2 == magic;
    if (magic1 != kMagic1 || !valid) return Errno::EINVAL;
    if (PidNamespace* ns = current()->pid_ns) {
        TRY(reboot_pid_namespace(*ns, command));
        return 0;
    }
    switch (command) {
        case 0x00000000:  // CAD_OFF
        case 0x89abcdef:  // CAD_ON
            return 0;
        case 0x01234567:
            printk(KERN_EMERG "reboot: Restarting system\n");
            machine_restart();
        case 0x4321fedc:
            printk(KERN_EMERG "reboot: Power down\n");
            power_off();
        case 0xcdef0123:
            printk(KERN_EMERG "reboot: System halted\n");
            machine_halt();
        default:
            return Errno::EINVAL;
    }
}

SysResult sys_personality(u32 persona) {
    const u32 old = current()->personality;
    if (persona != 0xffffffff) current()->personality = persona;
    return old;
}

namespace {

u64 syslog_read_sequence = 0;   // next record of SYSLOG_ACTION_READ
u64 syslog_clear_sequence = 0;  // where READ_ALL starts
int saved_loglevel = -1;

/// Format records from `sequence` into the user's buffer as dmesg reads them: "<level>[time] text\n".
Result<long> copy_records(u64* sequence, UserPtr<char> buffer, u64 size) {
    u64 done = 0;
    LogRecord record;
    char line[320];
    *sequence = max(*sequence, log_first_sequence());
    while (log_read(*sequence, &record)) {
        const u64 n = static_cast<u64>(snprintf(line, sizeof(line), "<%d>[%5lu.%06lu] %s\n", record.level,
                                                record.time_ns / kNsPerSec, record.time_ns % kNsPerSec / 1000,
                                                record.text));
        if (done + n > size) break;
        TRY(buffer.offset(static_cast<i64>(done)).copy_out(line, n));
        done += n;
        ++*sequence;
    }
    return static_cast<long>(done);
}

u64 records_size(u64 from) {
    u64 size = 0;
    LogRecord record;
    for (u64 s = max(from, log_first_sequence()); log_read(s, &record); s++) size += strlen(record.text) + 20;
    return size;
}

}  // namespace

SysResult sys_syslog(int type, UserPtr<char> buffer, int size) {
    if (type < 0 || type > 10) return Errno::EINVAL;
    if (type != 3 && type != 10 && !current()->cred.has(kCapSyslog)) return Errno::EPERM;
    switch (type) {
        case 0:
        case 1:
            return 0;
        case 2:
        case 3:
        case 4: {
            if (!buffer || size < 0) return Errno::EINVAL;
            if (size == 0) return 0;
            if (type == 2) return TRY(copy_records(&syslog_read_sequence, buffer, static_cast<u64>(size)));
            // The newest records that fit.
            u64 from = max(syslog_clear_sequence, log_first_sequence());
            while (records_size(from) > static_cast<u64>(size) && from < log_next_sequence()) from++;
            const long done = TRY(copy_records(&from, buffer, static_cast<u64>(size)));
            if (type == 4) syslog_clear_sequence = log_next_sequence();
            return done;
        }
        case 5:
            syslog_clear_sequence = log_next_sequence();
            return 0;
        case 6:
            if (saved_loglevel < 0) saved_loglevel = console_loglevel;
            console_loglevel = 1;
            return 0;
        case 7:
            if (saved_loglevel >= 0) console_loglevel = saved_loglevel;
            saved_loglevel = -1;
            return 0;
        case 8:
            if (size < 1 || size > 8) return Errno::EINVAL;
            console_loglevel = size;
            saved_loglevel = -1;
            return 0;
        case 9:
            return static_cast<long>(records_size(syslog_read_sequence));
        default:
            return 262144;
    }
}
