// Pidfds: opening, sending signals by them, taking descriptors (pidfd_open(2), pidfd_send_signal(2),
// pidfd_getfd(2)).
#include "task/pidfd.h"

#include "fs/anon_inode.h"
#include "fs/eventpoll.h"
#include "fs/files_struct.h"
#include "fs/open_file.h"
#include "syscall/syscalls.h"
#include "task/access.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/signal.h"

namespace {

bool has_ended(const task_struct* leader) {
    return !leader || (leader->exit_state != 0 && leader->signal->nr_threads <= 1);
}

}  // namespace

bool may_attach(const task_struct* task) {
    const Credentials& mine = current()->cred;
    const Credentials theirs = get_task_cred(const_cast<task_struct*>(task));
    if (task->tgid == current()->tgid || mine.has_in(theirs.user_ns.get(), kCapSysPtrace)) return true;
    const auto same = [](auto a, auto x, auto y, auto z) { return a == x && a == y && a == z; };
    return same(mine.uid, theirs.uid, theirs.euid, theirs.suid) &&
           same(mine.gid, theirs.gid, theirs.egid, theirs.sgid) && mine.user_ns == theirs.user_ns &&
           (theirs.cap_permitted & ~mine.cap_permitted) == 0;
}

TaskRef PidFile::task() const {
    const auto table = task_table.lock();
    if (process_->task) task_get(process_->task);
    return TaskRef(process_->task);
}

u32 PidFile::poll(PollTable* table) {
    if (table) table->add(process_->exited);
    const auto tasks = task_table.lock();
    return has_ended(process_->task) ? POLLIN | POLLRDNORM : 0;
}

Result<void> PidFile::show_fdinfo(KString& out) {
    const TaskRef leader = task();
    const PidNamespace& reader = current_pid_ns();
    TRY(out.appendf("Pid:\t%d\nNSpid:", leader ? task_nr(leader.get(), reader) : -1));
    if (!leader || !is_pid_ns_within(task_pid_ns(leader.get()), reader))
        return out.appendf("\t%d\n", leader ? 0 : -1);
    const PidNamespace& own = task_pid_ns(leader.get());
    for (u32 level = reader.level; level <= own.level; level++) {
        const PidNamespace* ns = &own;
        while (ns->level > level) ns = ns->parent.get();
        TRY(out.appendf("\t%d", task_nr(leader.get(), *ns)));
    }
    return out.push('\n');
}

Result<RefPtr<File>> make_pidfd(task_struct* leader, int flags) {
    RefPtr<PidRef> fresh = TRY(make_ref<PidRef>());
    RefPtr<PidRef> process;
    {
        const auto table = task_table.lock();
        if (!leader->pid_ref) {
            fresh->task = leader;
            leader->pid_ref = std::move(fresh);
        }
        process = leader->pid_ref;
    }
    RefPtr<Inode> inode = TRY(make_anon_inode("anon_inodefs", 0600));
    RefPtr<PidFile> file = TRY(make_ref<PidFile>(*inode, std::move(process)));
    TRY(set_detached(*file, "anon_inode:[pidfd]", O_RDWR | (flags & O_NONBLOCK)));
    return RefPtr<File>(file);
}

void pidfd_exited(task_struct* leader) {
    if (leader->pid_ref) leader->pid_ref->exited.wake_all(POLLIN | POLLRDNORM);
}

Result<TaskRef> task_of_pidfd(int fd, bool* nonblocking) {
    RefPtr<File> file = TRY(get_file(fd));
    PidFile* pidfd = file->as_pid_file();
    if (!pidfd) return Errno::EBADF;
    if (nonblocking) *nonblocking = pidfd->nonblocking();
    TaskRef task = pidfd->task();
    if (!task) return Errno::ESRCH;
    return task;
}

SysResult sys_pidfd_open(pid_t pid, u32 flags) {
    if (flags & ~u32{O_NONBLOCK} || pid <= 0) return Errno::EINVAL;
    const TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    if (task->tgid != task->pid) return Errno::EINVAL;
    RefPtr<File> file = TRY(make_pidfd(task.get(), static_cast<int>(flags)));
    return long{TRY(current()->files->install(std::move(file), true))};
}

SysResult sys_pidfd_send_signal(int pidfd, int sig, UserPtr<KSigInfo> user_info, u32 flags) {
    if (flags != 0) return Errno::EINVAL;
    Result<TaskRef> found = task_of_pidfd(pidfd);
    if (!found.ok() && found.error() == Errno::EBADF) return Errno::EBADF;
    KSigInfo info = siginfo_from_current(sig, kSiUser);
    if (user_info) {
        info = TRY(user_info.read());
        if (info.signo != sig) return Errno::EINVAL;
        const bool forged = info.code >= 0 || info.code == kSiTkill;
        if (forged && !(found.ok() && found.value().get() == current())) return Errno::EPERM;
    }
    if (!found.ok()) return found.error();
    if (sig < 0 || sig > kSigMax) return Errno::EINVAL;
    task_struct* target = found.value().get();
    TRY(check_kill_permission(target, sig));
    if (sig != 0) TRY(send_signal_info(target, info, true));
    return 0;
}

SysResult sys_pidfd_getfd(int pidfd, int fd, u32 flags) {
    if (flags != 0) return Errno::EINVAL;
    const TaskRef task = TRY(task_of_pidfd(pidfd));
    if (!may_attach(task.get())) return Errno::EPERM;
    const RefPtr<FilesStruct> files = get_task_files(task.get());
    if (!files) return Errno::ESRCH;
    return long{TRY(current()->files->install(TRY(files->get(fd, true)), true))};
}
