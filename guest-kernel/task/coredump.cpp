// Writing core files: who may, where, what of the memory, and the notes (core(5); Linux's fs/binfmt_elf.c for their
// order; structures of sys/procfs.h).
//
// Guarantees: no core of a process that is not dumpable; at most RLIMIT_CORE bytes; what was never touched is a hole.
#include "task/coredump.h"

#include "abi/elf.h"
#include "abi/fcntl.h"
#include "arch/x86_64/pte_range.h"
#include "arch/x86_64/vdso.h"
#include "core/string.h"
#include "core/vector.h"
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "task/namespaces.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/signal.h"
#include "time/clock.h"

u32 core_uses_pid = 0;

namespace {

constexpr size_t kPatternSize = 128;
struct Pattern {
    char text[kPatternSize] = "core";
};
Guarded<Pattern, LockRank::kClockState> g_pattern;

constexpr u32 kNtPrstatus = 1, kNtFpregset = 2, kNtPrpsinfo = 3, kNtAuxv = 6, kNtXstate = 0x202,
              kNtSiginfo = 0x53494749, kNtFile = 0x46494c45;
constexpr u16 kEtCore = 4;
constexpr u32 kPtNote = 4;

struct ElfTime {
    i64 sec, usec;
};
struct UserRegs {  // struct user_regs_struct
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags,
        rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
struct Prstatus {  // struct elf_prstatus
    i32 signo, code, err;
    i16 cursig, pad;
    u64 sigpend, sighold;
    i32 pid, ppid, pgrp, sid;
    ElfTime utime, stime, cutime, cstime;
    UserRegs regs;
    i32 fpvalid, pad2;
};
static_assert(sizeof(Prstatus) == 336);
struct Prpsinfo {  // struct elf_prpsinfo
    char state, sname, zombie, nice;
    u32 pad;
    u64 flags;
    u32 uid, gid;
    i32 pid, ppid, pgrp, sid;
    char name[16], args[80];
};
static_assert(sizeof(Prpsinfo) == 136);

/// One area as it will be in the file.
struct Segment {
    u64 start, end, flags, pgoff, dumped;
    bool file_backed, from_object;
    KString name;  // of the mapped file
};

ElfTime elf_time(u64 ns) {
    return {static_cast<i64>(ns / kNsPerSec), static_cast<i64>(ns % kNsPerSec / 1000)};
}

/// Appends notes to a buffer.
class Notes {
  public:
    Result<void> add(const char* owner, u32 type, const void* data, size_t size) {
        const u32 header[3] = {static_cast<u32>(strlen(owner) + 1), static_cast<u32>(size), type};
        TRY(bytes.append(reinterpret_cast<const char*>(header), sizeof(header)));
        TRY(bytes.append(owner, header[0]));
        TRY(pad());
        TRY(bytes.append(static_cast<const char*>(data), size));
        return pad();
    }
    KString bytes;

  private:
    Result<void> pad() {
        while (bytes.size() % 4) TRY(bytes.push('\0'));
        return {};
    }
};

Prstatus status_of(task_struct* task, int sig, const KSigInfo& info, bool dumper) {
    Prstatus s = {};
    if (dumper) {
        s.signo = info.signo;
        s.code = info.code;
        s.err = info.err;
    }
    s.cursig = static_cast<i16>(sig);
    s.sigpend = task->pending.signal;
    s.sighold = task->blocked;
    s.pid = task->vpid;
    s.ppid = parent_nr(task, task_pid_ns(task));
    s.pgrp = group_nr(task, task_pid_ns(task));
    s.sid = session_nr(task, task_pid_ns(task));
    u64 utime, stime;
    task_cpu_time(task, &utime, &stime);
    if (dumper) {
        const CpuTimes times = process_times(task);
        utime = times.utime;
        stime = times.stime;
        s.cutime = elf_time(times.cutime);
        s.cstime = elf_time(times.cstime);
    }
    s.utime = elf_time(utime);
    s.stime = elf_time(stime);
    const pt_regs& r = *(reinterpret_cast<const pt_regs*>(static_cast<u8*>(task->stack) + kThreadSize) - 1);
    s.regs = {r.r15,
              r.r14,
              r.r13,
              r.r12,
              r.rbp,
              r.rbx,
              r.r11,
              r.r10,
              r.r9,
              r.r8,
              r.rax,
              r.rcx,
              r.rdx,
              r.rsi,
              r.rdi,
              r.orig_rax,
              r.rip,
              r.cs,
              r.eflags,
              r.rsp,
              r.ss,
              task->thread.fsbase,
              task->thread.gsbase,
              0,
              0,
              0,
              0};
    s.fpvalid = 1;
    return s;
}

Prpsinfo process_info(task_struct* task) {
    Prpsinfo p = {};
    p.sname = 'R';
    p.nice = static_cast<char>(task->static_prio - 120);
    p.flags = task->flags;
    p.uid = task->cred.uid;
    p.gid = task->cred.gid;
    p.pid = task->vtgid;
    p.ppid = parent_nr(task, task_pid_ns(task));
    p.pgrp = group_nr(task, task_pid_ns(task));
    p.sid = session_nr(task, task_pid_ns(task));
    copy_string(p.name, task->comm, sizeof(p.name));
    const mm_struct* mm = task->mm;
    const size_t size = min<size_t>(mm->arg_end - mm->arg_start, sizeof(p.args) - 1);
    if (copy_from_user(p.args, mm->arg_start, size)) return p;
    for (size_t i = 0; i < size; i++) {
        if (p.args[i] == '\0') p.args[i] = ' ';
    }
    return p;
}

Result<void> thread_notes(Notes& notes, task_struct* task) {
    XsaveArea area;
    const u32 size = fpu_dump(task->thread.fpu, &area);
    TRY(notes.add("CORE", kNtFpregset, &area.legacy, sizeof(area.legacy)));
    return size > sizeof(area.legacy) ? notes.add("LINUX", kNtXstate, &area, size) : Result<void>();
}

/// NT_FILE: which files are mapped where.
Result<KString> file_note(const Vec<Segment>& segments) {
    KString note, names;
    u64 count = 0;
    for (const Segment& s : segments) count += !s.name.empty();
    const u64 head[] = {count, kPageSize};
    TRY(note.append(reinterpret_cast<const char*>(head), sizeof(head)));
    for (const Segment& s : segments) {
        if (s.name.empty()) continue;
        const u64 entry[] = {s.start, s.end, s.pgoff};
        TRY(note.append(reinterpret_cast<const char*>(entry), sizeof(entry)));
        TRY(names.append(s.name.c_str(), s.name.size() + 1));
    }
    TRY(note.append(names.c_str(), names.size()));
    return note;
}

Result<KString> all_notes(const KSigInfo& info, const Vec<Segment>& segments) {
    task_struct* self = current();
    Notes notes;
    fpu_save(self->thread.fpu);
    const Prstatus status = status_of(self, info.signo, info, true);
    TRY(notes.add("CORE", kNtPrstatus, &status, sizeof(status)));
    const Prpsinfo process = process_info(self);
    TRY(notes.add("CORE", kNtPrpsinfo, &process, sizeof(process)));
    TRY(notes.add("CORE", kNtSiginfo, &info, sizeof(info)));
    u64 words = 0;
    while (words + 2 < sizeof(self->mm->saved_auxv) / 8 && self->mm->saved_auxv[words] != AT_NULL) words += 2;
    TRY(notes.add("CORE", kNtAuxv, self->mm->saved_auxv, (words + 2) * 8));
    const KString files = TRY(file_note(segments));
    TRY(notes.add("CORE", kNtFile, files.c_str(), files.size()));
    TRY(thread_notes(notes, self));
    for (TaskRef t = next_thread(self, 0); t; t = next_thread(self, t->pid + 1)) {
        if (t.get() == self || t->exit_state) continue;
        const Prstatus other = status_of(t.get(), info.signo, info, false);
        TRY(notes.add("CORE", kNtPrstatus, &other, sizeof(other)));
        TRY(thread_notes(notes, t.get()));
    }
    return std::move(notes.bytes);
}

/// Has the program a page of its own in the area?
bool has_own_pages(mm_struct* mm, const vm_area_struct& vma) {
    bool found = false;
    for_each_leaf(mm->pgd, vma.vm_start, vma.vm_end, [&](u64, pte_t& pte, unsigned order) {
        if (pte & kPteSpecial) return;
        // One that is not present was swapped out: only the program's own are.
        found |= order || !(pte & kPtePresent) ||
                 (pfn_to_page((pte & kPteAddressMask) >> kPageShift)->flags & kPageAnon) != 0;
    });
    return found;
}

/// How much of an area goes into the file (the default of /proc/PID/coredump_filter).
u64 size_to_dump(mm_struct* mm, const vm_area_struct& vma) {
    const char* special = vdso_area_name(vma.vm_object.get(), vma.vm_pgoff);
    if (vma.vm_flags & VM_DONTDUMP) return 0;
    if (special) return vma.size();
    if (vma.shared()) return !vma.vm_file || vma.vm_file->inode->nlink == 0 ? vma.size() : 0;
    if (!vma.vm_file) return vma.size();
    if (has_own_pages(mm, vma)) return vma.size();
    // The first page of a program or library says what it is.
    return vma.vm_pgoff == 0 && vma.vm_flags & VM_READ ? u64{kPageSize} : 0;
}

Result<Vec<Segment>> list_segments(mm_struct* mm) {
    Vec<Segment> out;
    const Path root = current()->fs->root();
    Result<void> trouble;
    MmapGuard guard(mm);
    for_each_vma(mm, [&](const vm_area_struct& vma) {
        if (!trouble.ok()) return;
        Segment s = {vma.vm_start,
                     vma.vm_end,
                     vma.vm_flags,
                     vma.vm_pgoff,
                     size_to_dump(mm, vma),
                     static_cast<bool>(vma.vm_file),
                     static_cast<bool>(vma.vm_object),
                     {}};
        if (vma.vm_file) {
            Result<KString> name = path_text(vma.vm_file->path, root);
            if (!name.ok()) {
                trouble = name.error();
                return;
            }
            s.name = name.release_value();
        }
        trouble = out.push(std::move(s));
    });
    if (!trouble.ok()) return trouble.error();
    return out;
}

/// The file while it is written: never longer than the limit.
struct Output {
    RefPtr<File> file;
    loff_t position = 0;
    u64 limit = 0;

    Result<void> put(const void* bytes, size_t size) {
        if (static_cast<u64>(position) + size > limit) return Errno::EFBIG;
        if (TRY(kernel_write(*file, bytes, size, position)) != size) return Errno::ENOSPC;
        return {};
    }
    Result<void> skip(u64 size) {
        if (static_cast<u64>(position) + size > limit) return Errno::EFBIG;
        position += static_cast<loff_t>(size);
        return {};
    }
};

bool page_is_there(mm_struct* mm, u64 address) {
    bool there = false;
    MmapGuard guard(mm);
    for_each_leaf(mm->pgd, address, address + kPageSize, [&](u64, pte_t&, unsigned) { there = true; });
    return there;
}

Result<void> put_segment(Output& out, mm_struct* mm, const Segment& s, u8* page) {
    for (u64 at = s.start; at < s.start + s.dumped; at += kPageSize) {
        const bool read = s.from_object || page_is_there(mm, at);
        if (read && access_process_vm(mm, at, page, kPageSize, false) == kPageSize) {
            TRY(out.put(page, kPageSize));
        } else {
            TRY(out.skip(kPageSize));
        }
        cond_resched();
    }
    return {};
}

Result<void> write_core(Output& out, const KSigInfo& info) {
    mm_struct* mm = current()->mm;
    const Vec<Segment> segments = TRY(list_segments(mm));
    const KString notes = TRY(all_notes(info, segments));
    const u64 headers = sizeof(Elf64Ehdr) + (segments.size() + 1) * sizeof(Elf64Phdr);
    if (segments.size() + 1 >= 0xffff) return Errno::E2BIG;
    Elf64Ehdr h = {};
    memcpy(h.ident, "\177ELF\2\1\1", 7);
    h.type = kEtCore;
    h.machine = kEmX86_64;
    h.version = 1;
    h.phoff = h.ehsize = sizeof(h);
    h.phentsize = sizeof(Elf64Phdr);
    h.phnum = static_cast<u16>(segments.size() + 1);
    TRY(out.put(&h, sizeof(h)));
    Elf64Phdr note = {};
    note.type = kPtNote;
    note.offset = headers;
    note.filesz = notes.size();
    TRY(out.put(&note, sizeof(note)));
    const u64 data = align_up(headers + notes.size(), kPageSize);
    u64 offset = data;
    for (const Segment& s : segments) {
        const u32 flags =
            (s.flags & VM_READ ? kPfR : 0) | (s.flags & VM_WRITE ? kPfW : 0) | (s.flags & VM_EXEC ? kPfX : 0);
        const Elf64Phdr p = {kPtLoad, flags, offset, s.start, 0, s.dumped, s.end - s.start, kPageSize};
        TRY(out.put(&p, sizeof(p)));
        offset += s.dumped;
    }
    TRY(out.put(notes.c_str(), notes.size()));
    TRY(out.skip(data - static_cast<u64>(out.position)));
    Vec<u8> page;
    TRY(page.resize(kPageSize));
    for (const Segment& s : segments) TRY(put_segment(out, mm, s, page.data()));
    // What was left out at the end is a hole too.
    MutexGuard guard(out.file->inode->lock);
    if (out.file->inode->size < offset) TRY(out.file->inode->set_size(offset));
    return {};
}

/// core(5), "Naming of core dump files".
Result<KString> core_name(const KSigInfo& info) {
    Pattern pattern;
    g_pattern.with([&](Pattern& p) { pattern = p; });
    const task_struct* task = current();
    KString name;
    bool has_pid = false;
    for (const char* p = pattern.text; *p; p++) {
        if (*p != '%') {
            TRY(name.push(*p));
            continue;
        }
        switch (*++p) {
            case '\0':
                return name;
            case '%':
                TRY(name.push('%'));
                break;
            case 'p':
            case 'P':
                has_pid |= *p == 'p';
                TRY(name.appendf("%d", *p == 'p' ? task->vtgid : task->tgid));
                break;
            case 'i':
            case 'I':
                TRY(name.appendf("%d", *p == 'i' ? task->vpid : task->pid));
                break;
            case 'u':
                TRY(name.appendf("%u", task->cred.uid));
                break;
            case 'g':
                TRY(name.appendf("%u", task->cred.gid));
                break;
            case 'd':
                TRY(name.appendf("%d", task->mm->dumpable ? 1 : 0));
                break;
            case 's':
                TRY(name.appendf("%d", info.signo));
                break;
            case 't':
                TRY(name.appendf("%lld", static_cast<long long>(ktime_get_real_seconds())));
                break;
            case 'h':
                TRY(name.append(current_uts().nodename));
                break;
            case 'e':
            case 'f': {
                KString comm = TRY(KString::make(task->comm));
                for (size_t i = 0; i < comm.size(); i++) {
                    if (comm[i] == '/') comm.data()[i] = '!';
                }
                TRY(name.append(comm.c_str()));
                break;
            }
            case 'c':
                TRY(name.appendf("%llu", static_cast<unsigned long long>(task_rlimit(kRlimitCore))));
                break;
            default:
                break;
        }
    }
    if (!has_pid && __atomic_load_n(&core_uses_pid, __ATOMIC_RELAXED)) TRY(name.appendf(".%d", task->vtgid));
    return name;
}

Result<void> dump_to_file(const KSigInfo& info) {
    Output out;
    out.limit = task_rlimit(kRlimitCore);
    if (out.limit < kPageSize) return Errno::EFBIG;
    const KString name = TRY(core_name(info));
    if (name.empty() || name[0] == '|') return Errno::EOPNOTSUPP;
    out.file = TRY(vfs_open(name.c_str(), O_CREAT | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600));
    Inode& inode = *out.file->inode;
    if (!inode.is_regular() || inode.nlink != 1 || inode.uid != current()->cred.fsuid) return Errno::EACCES;
    {
        MutexGuard guard(inode.lock);
        TRY(inode.set_size(0));
    }
    return write_core(out, info);
}

}  // namespace

bool dumps_core(int sig) {
    constexpr SigSet kCore = sig_mask(kSigQuit) | sig_mask(kSigIll) | sig_mask(kSigTrap) |
                             sig_mask(kSigAbrt) | sig_mask(kSigFpe) | sig_mask(kSigSegv) | sig_mask(kSigBus) |
                             sig_mask(kSigSys) | sig_mask(kSigXcpu) | sig_mask(kSigXfsz);
    return kCore & sig_mask(sig);
}

void coredump_task_exit() {
    task_struct* task = current();
    RefPtr<CoreState> core;
    {
        IrqGuard guard(task->signal->lock);
        if (!task->signal->core || task->past_core) {
            task->past_core = true;
            return;
        }
        core = task->signal->core;
    }
    fpu_save(task->thread.fpu);
    __atomic_add_fetch(&core->arrived, 1, __ATOMIC_ACQ_REL);
    core->changed.wake_all();
    wait_event_uninterruptible(core->changed,
                               [&] { return __atomic_load_n(&core->finished, __ATOMIC_ACQUIRE); });
    task->past_core = true;
}

bool do_coredump(const KSigInfo& info) {
    task_struct* task = current();
    SignalStruct* signal = task->signal;
    if (!task->mm || !task->mm->dumpable || task_rlimit(kRlimitCore) < kPageSize) return false;
    Result<RefPtr<CoreState>> made = make_ref<CoreState>();
    if (!made.ok()) return false;
    const RefPtr<CoreState> core = made.release_value();
    u32 others = 0;
    {
        IrqGuard guard(signal->lock);
        if (signal->group_exit || signal->group_exec_task || signal->core) return false;
        signal->core = core;
        task->past_core = true;
        signal->group_exit = true;
        signal->group_exit_code = info.signo;
        zap_other_threads();
        for_each_thread_of(signal, [&](task_struct* t) { others += !t->past_core; });
    }
    wait_event_uninterruptible(core->changed,
                               [&] { return __atomic_load_n(&core->arrived, __ATOMIC_ACQUIRE) >= others; });
    const bool written = dump_to_file(info).ok();
    {
        IrqGuard guard(signal->lock);
        signal->core.reset();
        if (written) signal->group_exit_code |= 0x80;
    }
    __atomic_store_n(&core->finished, true, __ATOMIC_RELEASE);
    core->changed.wake_all();
    return written;
}

Result<void> set_core_pattern(const char* text, size_t size) {
    if (size > 0 && text[size - 1] == '\n') size--;
    Pattern fresh;
    size = min(size, kPatternSize - 1);
    memcpy(fresh.text, text, size);
    fresh.text[size] = '\0';
    g_pattern.with([&](Pattern& p) { p = fresh; });
    return {};
}

Result<void> show_core_pattern(KString& out) {
    Pattern pattern;
    g_pattern.with([&](Pattern& p) { pattern = p; });
    return out.appendf("%s\n", pattern.text);
}
