// execve (task/exec.h; execve(2)).
//
// Guarantees: until begin_new_program an error leaves the caller as it was. Arguments and environment
// together get at most a quarter of RLIMIT_STACK, and one string at most 128 KiB, as in Linux.
#include "task/exec.h"

#include "task/aslr.h"

#include "abi/fcntl.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/tls.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/exit.h"
#include "task/fork.h"
#include "task/futex.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/process_timers.h"
#include "task/signal.h"

u32 randomize_va_space = 2;

namespace {

constexpr size_t kMaxArgStringLength = 131072;
constexpr int kMaxScriptDepth = 4;

/// Where strings come from: a program's memory or the kernel's (for init).
struct StringVector {
    u64 user = 0;
    const char* const* kernel = nullptr;

    /// Address of string `i`, 0 at the end.
    Result<u64> at(int i) const {
        if (kernel) return reinterpret_cast<u64>(kernel[i]);
        return user ? TRY(UserPtr<UserWord>(user).offset(i).read()).value : 0ull;
    }
};

Result<int> count_strings(const StringVector& vector) {
    for (int n = 0;; n++) {
        if (TRY(vector.at(n)) == 0) return n;
        if (n >= 0x7ffffff) return Errno::E2BIG;
        cond_resched();
        if (fatal_signal_pending(current())) return Errno::ERESTARTNOINTR;
    }
}

Result<void> push_checked(BinaryProgram& program, const void* bytes, size_t size) {
    const u64 limit = max<u64>(task_rlimit(kRlimitStack) / 4, 131072);
    if (program.stack_top - program.p + size > min<u64>(limit, 6 << 20)) return Errno::E2BIG;
    return push_bytes(program, bytes, size);
}

/// Push one string of a program's memory: its length first, then piece by piece from the end.
Result<void> push_user_string(BinaryProgram& program, u64 address) {
    size_t length = 0;
    char piece[256];
    for (bool found = false; !found;) {
        const u64 at = address + length;
        const size_t n = min<size_t>(sizeof(piece), kPageSize - (at & (kPageSize - 1)));
        const size_t got = n - copy_from_user(piece, at, n);
        if (const void* end = memchr(piece, 0, got)) {
            length += static_cast<size_t>(static_cast<const char*>(end) - piece);
            found = true;
        } else {
            if (got < n) return Errno::EFAULT;
            length += n;
        }
        if (length >= kMaxArgStringLength) return Errno::E2BIG;
    }
    TRY(push_checked(program, "", 1));
    while (length) {
        const size_t n = min(length, sizeof(piece));
        length -= n;
        if (copy_from_user(piece, address + length, n)) return Errno::EFAULT;
        TRY(push_checked(program, piece, n));
    }
    return {};
}

Result<void> push_strings(BinaryProgram& program, const StringVector& vector, int count) {
    while (count-- > 0) {
        const u64 address = TRY(vector.at(count));
        if (vector.kernel) {
            const char* text = reinterpret_cast<const char*>(address);
            TRY(push_checked(program, text, strlen(text) + 1));
        } else {
            TRY(push_user_string(program, address));
        }
    }
    return {};
}

Result<void> make_stack(BinaryProgram& program) {
    program.mm = mm_alloc();
    if (!program.mm) return Errno::ENOMEM;
    MmapGuard guard(program.mm);
    constexpr u64 kInitialStack = 132 * 1024;
    const u64 top = program.stack_top = kTaskSize - stack_top_random();
    TRY(insert_area(program.mm, top - kInitialStack, top,
                    VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN, {}, {}, 0));
    program.p = top - 8;
    program.mm->start_stack = program.p;
    return {};
}

/// The file at `path`, for execution: no permission to read it is needed.
Result<RefPtr<File>> open_for_exec(int dirfd, const char* path, int flags) {
    constexpr int kAtEmptyPath = 0x1000, kAtSymlinkNofollow = 0x100;
    if (flags & ~(kAtEmptyPath | kAtSymlinkNofollow)) return Errno::EINVAL;
    const u32 walk = (flags & kAtSymlinkNofollow ? 0 : kWalkFollow) | (flags & kAtEmptyPath ? kWalkEmpty : 0);
    const Path found = TRY(lookup_at(dirfd, path, walk));
    if (found.inode().is_symlink()) return Errno::ELOOP;
    if (!found.inode().is_regular()) return Errno::EACCES;
    return open_path(found, O_RDONLY);
}

/// Checks and opens the file that will be executed.
Result<void> open_program(BinaryProgram& program, RefPtr<File> file) {
    if (program.write_denied) program.file->inode->allow_write_access();
    program.write_denied = false;
    program.file = file;
    if (!file->inode->is_regular()) return Errno::EACCES;
    TRY(inode_permission(*file->inode, kMayExec));
    if (!(file->inode->mode & 0111)) return Errno::EACCES;
    TRY(file->inode->deny_write_access());
    program.write_denied = true;
    memset(program.head, 0, sizeof(program.head));
    loff_t position = 0;
    TRY(kernel_read(*file, program.head, sizeof(program.head), position));
    return {};
}

/// "#!interpreter [argument]": replace argv[0] by interpreter, argument and the script's name.
Result<void> load_script(BinaryProgram& program) {
    char* text = reinterpret_cast<char*>(program.head);
    text[sizeof(program.head) - 1] = '\0';
    char* end = strchr(text, '\n');
    const bool has_newline = end != nullptr;
    if (!has_newline) {
        // Without a newline the name itself must at least be complete.
        char* name = text + 2;
        while (*name == ' ' || *name == '\t') name++;
        while (*name && *name != ' ' && *name != '\t') name++;
        if (!*name && strlen(text) == sizeof(program.head) - 1) return Errno::ENOEXEC;
        end = text + strlen(text);
    }
    *end = '\0';
    while (end > text && (end[-1] == ' ' || end[-1] == '\t')) *--end = '\0';
    char* name = text + 2;
    while (*name == ' ' || *name == '\t') name++;
    if (!*name)
        return has_newline ? Errno::ENOEXEC : Errno::EACCES;  // Linux opens the empty name in the second case
    char* argument = name;
    while (*argument && *argument != ' ' && *argument != '\t') argument++;
    while (*argument == ' ' || *argument == '\t') *argument++ = '\0';

    // argv[0] goes: skip the string that lies lowest on the stack.
    if (program.argc > 0) {
        u8 byte = 1;
        while (byte) {
            if (access_process_vm(program.mm, program.p++, &byte, 1, false) != 1) return Errno::EFAULT;
        }
        program.argc--;
    }
    const char* script = program.interp.c_str();
    TRY(push_checked(program, script, strlen(script) + 1));
    program.argc++;
    if (*argument) {
        TRY(push_checked(program, argument, strlen(argument) + 1));
        program.argc++;
    }
    TRY(push_checked(program, name, strlen(name) + 1));
    program.argc++;
    program.interp = TRY(KString::make(name));
    RefPtr<File> interpreter = TRY(open_for_exec(-100, program.interp.c_str(), 0));
    return open_program(program, interpreter);
}

Result<void> run_program(BinaryProgram& program, pt_regs* regs) {
    for (int depth = 0;; depth++) {
        if (memcmp(program.head, "\177ELF", 4) == 0) {
            TRY(prepare_credentials(program));
            return load_elf(program, regs);
        }
        if (program.head[0] != '#' || program.head[1] != '!') return Errno::ENOEXEC;
        if (depth > kMaxScriptDepth) return Errno::ELOOP;
        TRY(load_script(program));
    }
}

/// What is to be run: `path` from `dirfd` with execveat's flags.
struct ProgramPath {
    int dirfd;
    const char* path;
    int flags;
};

/// The strings are copied before the file is looked for: their errors come first, as in Linux.
Result<void> do_execve(const ProgramPath& what, KString filename, const StringVector& argv,
                       const StringVector& envp, pt_regs* regs) {
    BinaryProgram program;
    program.interp = TRY(KString::make(filename.c_str()));
    program.filename = std::move(filename);
    program.argc = TRY(count_strings(argv));
    program.envc = TRY(count_strings(envp));
    TRY(make_stack(program));
    TRY(push_checked(program, program.filename.c_str(), program.filename.size() + 1));
    program.mm->saved_auxv[0] = program.p;  // of the file name, until load_elf writes the vector
    TRY(push_strings(program, envp, program.envc));
    TRY(push_strings(program, argv, program.argc));
    if (program.argc == 0) {  // Linux 5.18: argv[0] always exists
        TRY(push_checked(program, "", 1));
        program.argc = 1;
    }
    program.executable = TRY(open_for_exec(what.dirfd, what.path, what.flags));
    TRY(open_program(program, program.executable));
    return run_program(program, regs);
}

/// The other threads of the process die; the caller becomes its leader.
Result<void> de_thread() {
    task_struct* task = current();
    SignalStruct* signal = task->signal;
    {
        IrqGuard guard(signal->lock);
        if (signal->group_exit || signal->group_exec_task) return Errno::EAGAIN;
        if (signal->nr_threads == 1) return {};
        signal->group_exec_task = task;
        zap_other_threads();
    }
    const u32 remaining = task == task->group_leader ? 1 : 2;  // a dead leader stays as a zombie
    for (;;) {
        set_current_state(TASK_UNINTERRUPTIBLE);
        const auto only_we_are_left = [&] {
            const auto table = task_table.lock();
            return signal->nr_threads <= remaining &&
                   (remaining == 1 || task->group_leader->exit_state == EXIT_ZOMBIE);
        };
        if (only_we_are_left()) break;
        schedule();
    }
    task->state = TASK_RUNNING;
    task_struct* leader = task->group_leader;
    if (leader != task) {
        {
            const auto table = task_table.lock();
            // Take over the leader's identity and place in the family.
            table->detach(leader);
            table->detach(task);
            std::swap(task->pid, leader->pid);
            std::swap(task->vpid, leader->vpid);
            std::swap(task->numbers, leader->numbers);
            PidNamespace& ns = task_pid_ns(task);
            if (ns.child_reaper == leader) ns.child_reaper = task;
            task->group_leader = task;
            leader->group_leader = task;
            table->attach(task);
            table->attach(leader);
            leader->sibling.remove();
            task->real_parent = task->parent = leader->real_parent;
            if (task->real_parent) task->real_parent->children.push_back(task);
            while (task_struct* child = leader->children.pop_front()) {
                child->real_parent = child->parent = task;
                task->children.push_back(child);
            }
            task->exit_signal = kSigChld;
            leader->exit_signal = -1;
            signal->leader_task = task;
            std::swap(task->pid_ref, leader->pid_ref);
            if (task->pid_ref) task->pid_ref->task = task;
        }
        release_task(leader);
    }
    IrqGuard guard(signal->lock);
    signal->group_exec_task = nullptr;
    return {};
}

}  // namespace

BinaryProgram::~BinaryProgram() {
    if (write_denied) file->inode->allow_write_access();
    if (mm) mmput(mm);
}

Result<void> push_bytes(BinaryProgram& program, const void* bytes, size_t size) {
    program.p -= size;
    if (access_process_vm(program.mm, program.p, const_cast<void*>(bytes), size, true) != size)
        return Errno::ENOMEM;
    return {};
}

Result<void> begin_new_program(BinaryProgram& program) {
    task_struct* task = current();
    TRY(de_thread());
    if (task->sighand->ref_count() > 1) {
        auto* own = new (std::nothrow) SighandStruct;
        if (!own) return Errno::ENOMEM;
        own->copy_from(*task->sighand);
        SighandStruct* shared = task->sighand;
        {
            IrqGuard guard(task->signal->lock);
            task->sighand = own;
        }
        shared->unref();
    }
    if (task->files->ref_count() > 1) {
        RefPtr<FilesStruct> own = TRY(task->files->clone());
        const auto shared = adopt_ref(task->files);
        IrqGuard guard(task->alloc_lock);
        task->files = own.leak();
    }
    if (task->mm) exit_robust_list();
    mm_struct* old_mm = task->mm;
    if (old_mm) task->signal->maxrss = max(task->signal->maxrss, max(old_mm->hiwater_rss, old_mm->rss()));
    const u64 flags = task->alloc_lock.lock_irqsave();
    mm_struct* lazy = old_mm ? nullptr : task->active_mm;
    task->mm = task->active_mm = program.mm;
    program.mm->exe_file = program.file;  // which nobody may write from now on (ETXTBSY)
    program.write_denied = false;
    program.mm = nullptr;
    switch_mm(task->mm);
    task->alloc_lock.unlock_irqrestore(flags);
    if (task->clear_child_tid && old_mm && old_mm->mm_users > 1) task->clear_child_tid = 0;
    task->clear_child_tid = 0;
    complete_vfork(task);
    if (old_mm)
        mmput(old_mm);
    else if (lazy)
        mmdrop(lazy);

    commit_creds(std::move(program.cred));
    if (program.secure) task->mm->dumpable = false;
    task->files->close_on_exec();
    task->sighand->flush();
    cancel_posix_timers(task->signal);
    task->sas = {0, kSsDisable, 0, 0};
    task->flags &= ~(PF_FORKNOEXEC | PF_KTHREAD);
    task->pdeath_signal = program.secure ? 0 : task->pdeath_signal;
    task->personality &= ~(program.secure ? kPersonalityUnsafe : kReadImpliesExec);
    task->robust_list = task->ia32_robust_list = task->rseq = 0;
    if (task->group_leader == task && task->exit_signal > 0) task->exit_signal = kSigChld;
    const char* name = strrchr(program.filename.c_str(), '/');
    copy_string(task->comm, name ? name + 1 : program.filename.c_str(), sizeof(task->comm));
    reset_segments(program.ia32 ? USER_DS : 0);
    fpu_reset();
    return {};
}

pt_regs* task_user_regs() {
    return reinterpret_cast<pt_regs*>(static_cast<u8*>(current()->stack) + kThreadSize) - 1;
}

Result<void> kernel_execve(const char* path, const char* const* argv, const char* const* envp) {
    return do_execve({-100, path, 0}, TRY(KString::make(path)), {0, argv}, {0, envp}, task_user_regs());
}

SysResult sys_execve(UserString path, u64 argv, u64 envp) {
    return sys_execveat(-100, path, argv, envp, 0);
}

SysResult sys_execveat(int dirfd, UserString path, u64 argv, u64 envp, int flags) {
    char* name = static_cast<char*>(kmalloc(4096));
    if (!name) return Errno::ENOMEM;
    const Result<size_t> length = path.strncpy_from_user(name, 4096);
    Result<KString> filename = length.ok() ? KString::make(name) : Result<KString>(length.error());
    kfree(name);
    const KString path_text = TRY(std::move(filename));
    KString text = TRY(KString::make(path_text.c_str()));
    if (text.empty() || (dirfd != -100 && text[0] != '/')) {
        KString described;
        TRY(described.appendf(text.empty() ? "/dev/fd/%d" : "/dev/fd/%d/", dirfd));
        TRY(described.append(text.c_str()));
        text = std::move(described);
    }
    TRY(do_execve({dirfd, path_text.c_str(), flags}, std::move(text), {argv, nullptr}, {envp, nullptr},
                  current_pt_regs()));
    return 0;
}
