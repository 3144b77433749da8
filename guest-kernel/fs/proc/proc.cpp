// procfs's frame: the instance, the root directory, fixed entries, and files whose text is made on reading.
#include "fs/proc/proc.h"

#include "core/kmalloc.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/vfs.h"
#include "task/pid_namespace.h"

namespace {

constexpr i64 kProcMagic = 0x9fa0;
constexpr loff_t kFirstPid = 256;  // positions in the root: fixed entries below, pid + this above

Result<RefPtr<Inode>> make_fixed(SuperBlock* super, const ProcEntry& entry);
u64 fixed_ino(const ProcEntry& entry) {
    return 0xf0000000u + (Name::hash_of(entry.name, strlen(entry.name)) & 0xffffff);
}

class FixedText final : public ProcText {
  public:
    FixedText(SuperBlock* super, const ProcEntry& e) : ProcText(super, fixed_ino(e), e.mode), entry_(e) {}
    Result<RefPtr<File>> open(int flags) override {
        return entry_.open ? entry_.open(*this) : ProcText::open(flags);
    }
    Result<void> show(KString& out) override {
        return entry_.show ? entry_.show(out) : Result<void>(Errno::EIO);
    }
    Result<void> store(const char* text, size_t length) override {
        return entry_.store ? entry_.store(text, length) : Result<void>(Errno::EIO);
    }

  private:
    const ProcEntry& entry_;
};

class FixedLink final : public ProcInode {
  public:
    FixedLink(SuperBlock* super, const ProcEntry& e) : ProcInode(super, fixed_ino(e), e.mode), entry_(e) {}
    Result<KString> readlink() override { return KString::make(entry_.target); }

  private:
    const ProcEntry& entry_;
};

const ProcEntry* find_entry(const ProcEntry* entries, const Name& name) {
    for (const ProcEntry* e = entries; e->name; e++) {
        if (name == e->name) return e;
    }
    return nullptr;
}

// Lists entries from the context's position on. True when all were taken.
bool list_entries(DirContext& context, const ProcEntry* entries) {
    loff_t at = 2;
    for (const ProcEntry* e = entries; e->name; e++, at++) {
        if (at < context.position) continue;
        context.position = at;
        if (!context.emit(Name(e->name), fixed_ino(*e), dt_type(e->mode))) return false;
        context.position = at + 1;
    }
    return true;
}

class FixedDir final : public ProcInode {
  public:
    FixedDir(SuperBlock* super, const ProcEntry& e) : ProcInode(super, fixed_ino(e), e.mode), entry_(e) {
        nlink = 2;
    }
    Result<RefPtr<Inode>> lookup(const Name& name) override {
        const ProcEntry* found = find_entry(entry_.entries, name);
        return found ? make_fixed(sb, *found) : Result<RefPtr<Inode>>(Errno::ENOENT);
    }
    Result<void> iterate(DirContext& context) override {
        if (context.emit_dots(*context.dentry)) list_entries(context, entry_.entries);
        return {};
    }

  private:
    const ProcEntry& entry_;
};

Result<RefPtr<Inode>> make_fixed(SuperBlock* super, const ProcEntry& entry) {
    switch (entry.mode & S_IFMT) {
        case S_IFDIR:
            return RefPtr<Inode>(TRY(make_ref<FixedDir>(super, entry)));
        case S_IFLNK:
            return RefPtr<Inode>(TRY(make_ref<FixedLink>(super, entry)));
        default:
            return RefPtr<Inode>(TRY(make_ref<FixedText>(super, entry)));
    }
}

// /proc/self and /proc/thread-self: the text depends on who asks.
class SelfLink final : public ProcInode {
  public:
    SelfLink(SuperBlock* super, bool thread)
        : ProcInode(super, thread ? 3 : 2, S_IFLNK | 0777), thread_(thread) {}
    Result<KString> readlink() override {
        KString out;
        const pid_t process = process_nr(current(), pid_ns());
        if (!process) return Errno::ENOENT;
        TRY(out.appendf("%d", process));
        if (thread_) TRY(out.appendf("/task/%d", task_nr(current(), pid_ns())));
        return out;
    }

  private:
    bool thread_;
};

bool parse_pid(const Name& name, pid_t* pid) {
    u64 value = 0;
    if (name.length == 0 || name.length > 9 || (name.text[0] == '0' && name.length > 1)) return false;
    for (u32 i = 0; i < name.length; i++) {
        if (name.text[i] < '0' || name.text[i] > '9') return false;
        value = value * 10 + static_cast<u64>(name.text[i] - '0');
    }
    *pid = static_cast<pid_t>(value);
    return value > 0;
}

class RootDir final : public ProcInode {
  public:
    explicit RootDir(SuperBlock* super) : ProcInode(super, 1, S_IFDIR | 0555) { nlink = 2; }

    Result<RefPtr<Inode>> lookup(const Name& name) override {
        pid_t pid;
        if (parse_pid(name, &pid)) {
            const TaskRef task = find_task_in(pid_ns(), pid);
            if (!task) return Errno::ENOENT;
            return make_pid_dir(sb, task->pid, false);
        }
        if (name == "self" || name == "thread-self") {
            return RefPtr<Inode>(TRY(make_ref<SelfLink>(sb, name == "thread-self")));
        }
        const ProcEntry* found = find_entry(kProcSystemEntries, name);
        return found ? make_fixed(sb, *found) : Result<RefPtr<Inode>>(Errno::ENOENT);
    }

    Result<void> iterate(DirContext& context) override {
        if (!context.emit_dots(*context.dentry) || !list_entries(context, kProcSystemEntries)) return {};
        const char* const selves[] = {"self", "thread-self"};
        for (loff_t i = 0; i < 2; i++) {
            if (context.position > kFirstPid - 2 + i) continue;
            context.position = kFirstPid - 2 + i;
            if (!context.emit(Name(selves[i]), static_cast<u64>(2 + i), dt_type(S_IFLNK))) return {};
            context.position++;
        }
        pid_t from = static_cast<pid_t>(context.position - kFirstPid);
        while (TaskRef task = next_process_in(pid_ns(), from)) {
            char text[16];
            const pid_t nr = task_nr(task.get(), pid_ns());
            const int length = snprintf(text, sizeof(text), "%d", nr);
            context.position = kFirstPid + nr;
            if (!context.emit(Name(text, static_cast<size_t>(length)), proc_ino(task->pid, 0),
                              dt_type(S_IFDIR))) {
                return {};
            }
            from = nr + 1;
            context.position = kFirstPid + from;
        }
        return {};
    }
};

Result<RefPtr<SuperBlock>> mount_proc(const char*, const char*) {
    RefPtr<ProcSuper> super = TRY(make_ref<ProcSuper>(RefPtr<PidNamespace>(&current_pid_ns())));
    super->root = TRY(Dentry::make_root(TRY(make_ref<RootDir>(super.get()))));
    return RefPtr<SuperBlock>(super);
}
FileSystemType g_proc_type = {"proc", true, mount_proc, nullptr, nullptr, true};

}  // namespace

Result<RefPtr<File>> ProcText::open(int) {
    return RefPtr<File>(TRY(make_ref<TextFile>(*this, *this)));
}

ProcSuper::ProcSuper(RefPtr<PidNamespace> shown) : SuperBlock("proc", kProcMagic), pid_ns(std::move(shown)) {}
ProcSuper::~ProcSuper() = default;

void init_procfs() {
    register_filesystem(&g_proc_type);
}
