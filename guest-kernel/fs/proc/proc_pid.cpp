// /proc/PID and /proc/PID/task/TID: the directory of a process or thread.
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/fs_struct.h"
#include "fs/proc/nsfs.h"
#include "fs/proc/proc.h"
#include "mm/mm_struct.h"
#include "task/pid_namespace.h"

namespace {

// Where the entries of one kind start in a directory's positions and in proc_ino's `what`.
constexpr u32 kFilesAt = 16;
constexpr u32 kLinksAt = 8;
constexpr u32 kFdAt = 4, kFdinfoAt = 5, kTaskAt = 6;

void own_by(Inode& inode, const task_struct& task) {
    inode.uid = task.cred.euid;
    inode.gid = task.cred.egid;
}

constexpr const ProcPidFile* kTables[] = {kProcPidFiles, kProcPidMemoryFiles, kProcPidInfoFiles,
                                          kProcIdMapFiles};

/// Calls visit(file, number) for the files that a process or thread has, until it answers true.
template <class Visit>
bool any_file(bool as_thread, Visit visit) {
    u32 number = 0;
    for (const ProcPidFile* table : kTables) {
        for (const ProcPidFile* f = table; f->name; f++, number++) {
            if (f->place == (as_thread ? ProcPidPlace::kProcess : ProcPidPlace::kThread)) continue;
            if (visit(*f, number)) return true;
        }
    }
    return false;
}

class PidText final : public ProcText {
  public:
    PidText(SuperBlock* super, pid_t pid, const ProcPidFile& file, u64 number, bool as_thread)
        : ProcText(super, number, S_IFREG | file.mode), pid_(pid), file_(file), as_thread_(as_thread) {}
    Result<void> show(KString& out) override {
        TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ESRCH;
        return file_.show(out, *task.get(), {as_thread_, pid_ns()});
    }
    Result<void> store(const char* text, size_t length) override {
        TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ESRCH;
        return file_.store ? file_.store(*task.get(), text, length) : Result<void>(Errno::EIO);
    }
    Result<RefPtr<File>> open(int flags) override {
        if (!file_.open) return ProcText::open(flags);
        TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ESRCH;
        return file_.open(*this, *task.get());
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }

  private:
    pid_t pid_;
    const ProcPidFile& file_;
    bool as_thread_;
};

// exe, cwd, root: links that lead straight to the object.
class PidLink final : public ProcInode {
  public:
    enum class Kind : u8 { kCwd, kRoot, kExe };
    PidLink(SuperBlock* super, pid_t pid, Kind kind)
        : ProcInode(super, proc_ino(pid, kLinksAt + static_cast<u32>(kind)), S_IFLNK | 0777),
          pid_(pid),
          kind_(kind) {}

    Result<Path> follow_magic() override {
        TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ENOENT;
        if (!proc_may_inspect(*task.get())) return Errno::EACCES;
        if (kind_ == Kind::kExe) {
            mm_struct* mm = get_task_mm(task.get());
            if (!mm) return Errno::ENOENT;
            Path path;
            if (mm->exe_file) path = mm->exe_file->path;
            mmput(mm);
            return path ? Result<Path>(std::move(path)) : Result<Path>(Errno::ENOENT);
        }
        const RefPtr<FsStruct> fs = get_task_fs(task.get());
        if (!fs) return Errno::ENOENT;
        return kind_ == Kind::kCwd ? fs->cwd() : fs->root();
    }
    Result<KString> readlink() override {
        const Path path = TRY(follow_magic());
        return path_text(path, current()->fs->root());
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }

  private:
    pid_t pid_;
    Kind kind_;
};

constexpr const char* kLinkNames[] = {"cwd", "root", "exe"};
constexpr const char* kDirNames[] = {"fd", "fdinfo", "task"};
constexpr u32 kNsAt = 3071;  // its entries follow (fs/proc/nsfs.cpp)

class PidDir final : public ProcInode {
  public:
    PidDir(SuperBlock* super, pid_t pid, bool as_thread)
        : ProcInode(super, proc_ino(pid, as_thread ? 1 : 0), S_IFDIR | 0555),
          pid_(pid),
          as_thread_(as_thread) {
        nlink = as_thread ? 7 : 9;
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }
    Result<RefPtr<Inode>> lookup(const Name& name) override;
    Result<void> iterate(DirContext& context) override;

  private:
    Result<RefPtr<Inode>> find(const Name& name);
    pid_t pid_;
    bool as_thread_;
};

Result<RefPtr<Inode>> PidDir::find(const Name& name) {
    const ProcPidFile* file = nullptr;
    u32 number = 0;
    any_file(as_thread_, [&](const ProcPidFile& f, u32 n) {
        if (!(name == f.name)) return false;
        file = &f;
        number = n;
        return true;
    });
    if (file) {
        const u64 inode_number = proc_ino(pid_, kFilesAt + number + (as_thread_ ? 512 : 0));
        return RefPtr<Inode>(TRY(make_ref<PidText>(sb, pid_, *file, inode_number, as_thread_)));
    }
    for (u32 i = 0; i < 3; i++) {
        if (name == kLinkNames[i]) {
            return RefPtr<Inode>(TRY(make_ref<PidLink>(sb, pid_, static_cast<PidLink::Kind>(i))));
        }
    }
    if (name == "fd") return make_fd_dir(sb, pid_, proc_ino(pid_, kFdAt), false);
    if (name == "ns") return make_ns_dir(sb, pid_, proc_ino(pid_, kNsAt));
    if (name == "fdinfo") return make_fd_dir(sb, pid_, proc_ino(pid_, kFdinfoAt), true);
    if (name == "task" && !as_thread_) return make_task_dir(sb, pid_);
    return Errno::ENOENT;
}

Result<RefPtr<Inode>> PidDir::lookup(const Name& name) {
    TaskRef task = find_task_by_pid(pid_);
    if (!task) return Errno::ENOENT;
    RefPtr<Inode> inode = TRY(find(name));
    own_by(*inode, *task.get());
    return inode;
}

Result<void> PidDir::iterate(DirContext& context) {
    if (!find_task_by_pid(pid_)) return Errno::ENOENT;
    if (!context.emit_dots(*context.dentry)) return {};
    loff_t at = 2;
    auto offer = [&](const char* name, u32 what, u32 type) {
        if (at++ < context.position) return true;
        if (!context.emit(Name(name), proc_ino(pid_, what), dt_type(type))) return false;
        context.position = at;
        return true;
    };
    for (u32 i = 0; i < (as_thread_ ? 2u : 3u); i++) {
        if (!offer(kDirNames[i], kFdAt + i, S_IFDIR)) return {};
    }
    if (!offer("ns", kNsAt, S_IFDIR)) return {};
    if (any_file(as_thread_, [&](const ProcPidFile& f, u32 number) {
            return !offer(f.name, kFilesAt + number + (as_thread_ ? 512 : 0), S_IFREG);
        })) {
        return {};
    }
    for (u32 i = 0; i < 3; i++) {
        if (!offer(kLinkNames[i], kLinksAt + i, S_IFLNK)) return {};
    }
    return {};
}

// /proc/PID/task
class TaskDir final : public ProcInode {
  public:
    TaskDir(SuperBlock* super, pid_t pid)
        : ProcInode(super, proc_ino(pid, kTaskAt), S_IFDIR | 0555), pid_(pid) {
        nlink = 3;
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }
    Result<RefPtr<Inode>> lookup(const Name& name) override {
        TaskRef leader = find_task_by_pid(pid_);
        if (!leader) return Errno::ENOENT;
        pid_t nr = 0;
        for (TaskRef t; (t = next_thread_in(pid_ns(), leader.get(), nr + 1));) {
            char text[16];
            nr = task_nr(t.get(), pid_ns());
            snprintf(text, sizeof(text), "%d", nr);
            if (!(name == text)) continue;
            RefPtr<Inode> inode = TRY(make_pid_dir(sb, t->pid, true));
            return inode;
        }
        return Errno::ENOENT;
    }
    Result<void> iterate(DirContext& context) override {
        TaskRef leader = find_task_by_pid(pid_);
        if (!leader) return Errno::ENOENT;
        if (!context.emit_dots(*context.dentry)) return {};
        pid_t nr = static_cast<pid_t>(context.position - 2) - 1;
        for (TaskRef t; (t = next_thread_in(pid_ns(), leader.get(), nr + 1));) {
            char text[16];
            nr = task_nr(t.get(), pid_ns());
            snprintf(text, sizeof(text), "%d", nr);
            context.position = 2 + nr;
            if (!context.emit(Name(text), proc_ino(t->pid, 1), dt_type(S_IFDIR))) return {};
            context.position++;
        }
        return {};
    }

  private:
    pid_t pid_;
};

}  // namespace

bool proc_may_inspect(const task_struct& task) {
    const Credentials& me = current_cred();
    return &task == current() || me.fsuid == task.cred.euid || me.has_over(&task, kCapSysPtrace);
}

Result<RefPtr<Inode>> make_pid_dir(SuperBlock* super, pid_t pid, bool as_thread) {
    TaskRef task = find_task_by_pid(pid);
    if (!task) return Errno::ENOENT;
    RefPtr<Inode> dir = TRY(make_ref<PidDir>(super, pid, as_thread));
    own_by(*dir, *task.get());
    return dir;
}

Result<RefPtr<Inode>> make_task_dir(SuperBlock* super, pid_t pid) {
    return RefPtr<Inode>(TRY(make_ref<TaskDir>(super, pid)));
}
