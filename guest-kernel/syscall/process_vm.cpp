// process_vm_readv(2), process_vm_writev(2) and kcmp(2): what one process may do to and know of another.
#include "abi/fcntl.h"
#include "core/kmalloc.h"
#include "core/vector.h"
#include "fs/files_struct.h"
#include "mm/mm_struct.h"
#include "syscall/fs_syscalls.h"
#include "syscall/syscalls.h"
#include "task/access.h"
#include "task/task.h"

namespace {

/// A program's vector of pieces, walked byte range by byte range.
struct Pieces {
    Vec<KernelIovec> list;
    size_t at = 0;
    u64 done = 0;  // of list[at]

    Result<void> load(UserIovec user, u64 count, bool mine) {
        if (count > IOV_MAX) return Errno::EINVAL;
        TRY(list.resize(count));
        if (count) TRY(user.read_array(list.data(), count));
        for (const KernelIovec& piece : list) {
            if (static_cast<i64>(piece.iov_len) < 0) return Errno::EINVAL;
            if (mine && !access_ok(piece.iov_base, piece.iov_len)) return Errno::EFAULT;
        }
        return {};
    }
    /// How much lies at address() in one piece; 0 at the end.
    u64 here() {
        while (at < list.size() && list[at].iov_len == done) {
            at++;
            done = 0;
        }
        return at < list.size() ? list[at].iov_len - done : 0;
    }
    u64 address() const { return list[at].iov_base + done; }
};

SysResult transfer(pid_t pid, UserIovec local, u64 local_count, UserIovec remote, u64 remote_count, u64 flags,
                   bool write) {
    if (flags) return Errno::EINVAL;
    Pieces mine, theirs;
    TRY(mine.load(local, local_count, true));
    TRY(theirs.load(remote, remote_count, false));
    if (!mine.here()) return 0L;
    const TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    if (!may_attach(task.get())) return Errno::EPERM;
    mm_struct* mm = get_task_mm(task.get());
    if (!mm) return Errno::ESRCH;
    u8* buffer = static_cast<u8*>(kmalloc(kPageSize));
    long total = 0;
    bool fault = !buffer;
    while (!fault && mine.here() && theirs.here() && !fatal_signal_pending(current())) {
        const u64 n = min(min(mine.here(), theirs.here()), u64{kPageSize} - (theirs.address() & ~kPageMask));
        u64 moved = n;
        if (write) {
            fault = copy_from_user(buffer, mine.address(), n) != 0;
            moved = fault ? 0 : access_process_vm(mm, theirs.address(), buffer, n, true);
        } else {
            moved = access_process_vm(mm, theirs.address(), buffer, n, false);
            moved -= copy_to_user(mine.address(), buffer, moved);
        }
        mine.done += moved;
        theirs.done += moved;
        total += static_cast<long>(moved);
        fault |= moved < n;
    }
    const bool no_memory = !buffer;
    kfree(buffer);
    mmput(mm);
    if (total == 0 && fault) return no_memory ? Errno::ENOMEM : Errno::EFAULT;
    return total;
}

/// The order of two kernel objects, as numbers that say nothing of where they lie.
long order(const void* a, const void* b) {
    const u64 x = reinterpret_cast<u64>(a) * 0x9e3779b97f4a7c15ull,
              y = reinterpret_cast<u64>(b) * 0x9e3779b97f4a7c15ull;
    return x == y ? 0 : x < y ? 1 : 2;
}

}  // namespace

SysResult sys_process_vm_readv(pid_t pid, UserIovec local, u64 local_count, UserIovec remote,
                               u64 remote_count, u64 flags) {
    return transfer(pid, local, local_count, remote, remote_count, flags, false);
}
SysResult sys_process_vm_writev(pid_t pid, UserIovec local, u64 local_count, UserIovec remote,
                                u64 remote_count, u64 flags) {
    return transfer(pid, local, local_count, remote, remote_count, flags, true);
}

SysResult sys_kcmp(pid_t pid1, pid_t pid2, int type, u64 a, u64 b) {
    const TaskRef one = find_task_by_vpid(pid1), two = find_task_by_vpid(pid2);
    if (!one || !two) return Errno::ESRCH;
    if (!may_attach(one.get()) || !may_attach(two.get())) return Errno::EPERM;
    switch (type) {
        case 0: {
            if (!one->files || !two->files) return Errno::EBADF;
            RefPtr<File> x = TRY(one->files->get(static_cast<int>(a), true));
            RefPtr<File> y = TRY(two->files->get(static_cast<int>(b), true));
            return order(x.get(), y.get());
        }
        case 1:
            return order(one->mm, two->mm);
        case 2:
            return order(one->files, two->files);
        case 3:
            return order(one->fs, two->fs);
        case 4:
            return order(one->sighand, two->sighand);
        case 5:
            return 0;  // no task has an I/O context of its own
        case 6:
            return order(one->sysvsem, two->sysvsem);
        default:
            return Errno::EINVAL;
    }
}
