// procfs's frame: the instance, the root directory, fixed entries, and files whose text is made on reading.
#include "fs/proc/proc.h"

#include "core/kmalloc.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/vfs.h"

namespace {

constexpr i64 kProcMagic = 0x9fa0;
constexpr loff_t kFirstPid = 256;  // positions in the root: fixed entries below, pid + this above
RefPtr<SuperBlock> g_proc;

Result<RefPtr<Inode>> make_fixed(const ProcEntry& entry);
u64 fixed_ino(const ProcEntry& entry) {
    return 0xf0000000u + (Name::hash_of(entry.name, strlen(entry.name)) & 0xffffff);
}

class FixedText final : public ProcText {
  public:
    explicit FixedText(const ProcEntry& e) : ProcText(g_proc.get(), fixed_ino(e), e.mode), entry_(e) {}
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
    explicit FixedLink(const ProcEntry& e) : ProcInode(g_proc.get(), fixed_ino(e), e.mode), entry_(e) {}
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
    explicit FixedDir(const ProcEntry& e) : ProcInode(g_proc.get(), fixed_ino(e), e.mode), entry_(e) {
        nlink = 2;
    }
    Result<RefPtr<Inode>> lookup(const Name& name) override {
        const ProcEntry* found = find_entry(entry_.entries, name);
        return found ? make_fixed(*found) : Result<RefPtr<Inode>>(Errno::ENOENT);
    }
    Result<void> iterate(DirContext& context) override {
        if (context.emit_dots(*context.dentry)) list_entries(context, entry_.entries);
        return {};
    }

  private:
    const ProcEntry& entry_;
};

Result<RefPtr<Inode>> make_fixed(const ProcEntry& entry) {
    switch (entry.mode & S_IFMT) {
        case S_IFDIR:
            return RefPtr<Inode>(TRY(make_ref<FixedDir>(entry)));
        case S_IFLNK:
            return RefPtr<Inode>(TRY(make_ref<FixedLink>(entry)));
        default:
            return RefPtr<Inode>(TRY(make_ref<FixedText>(entry)));
    }
}

// /proc/self and /proc/thread-self: the text depends on who asks.
class SelfLink final : public ProcInode {
  public:
    explicit SelfLink(bool thread)
        : ProcInode(g_proc.get(), thread ? 3 : 2, S_IFLNK | 0777), thread_(thread) {}
    Result<KString> readlink() override {
        KString out;
        if (thread_) {
            TRY(out.appendf("%d/task/%d", current()->tgid, current()->pid));
        } else {
            TRY(out.appendf("%d", current()->tgid));
        }
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
    RootDir() : ProcInode(g_proc.get(), 1, S_IFDIR | 0555) { nlink = 2; }

    Result<RefPtr<Inode>> lookup(const Name& name) override {
        pid_t pid;
        if (parse_pid(name, &pid)) {
            if (!find_task_by_pid(pid)) return Errno::ENOENT;
            return make_pid_dir(sb, pid, false);
        }
        if (name == "self" || name == "thread-self") {
            return RefPtr<Inode>(TRY(make_ref<SelfLink>(name == "thread-self")));
        }
        const ProcEntry* found = find_entry(kProcSystemEntries, name);
        return found ? make_fixed(*found) : Result<RefPtr<Inode>>(Errno::ENOENT);
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
        while (TaskRef task = next_process(from)) {
            char text[16];
            const int length = snprintf(text, sizeof(text), "%d", task->pid);
            context.position = kFirstPid + task->pid;
            if (!context.emit(Name(text, static_cast<size_t>(length)), proc_ino(task->pid, 0),
                              dt_type(S_IFDIR))) {
                return {};
            }
            from = task->pid + 1;
            context.position = kFirstPid + from;
        }
        return {};
    }
};

Result<RefPtr<SuperBlock>> mount_proc(const char*, const char*) {
    return RefPtr<SuperBlock>(g_proc);
}
FileSystemType g_proc_type = {"proc", true, mount_proc, nullptr};

}  // namespace

Result<RefPtr<File>> ProcText::open(int) {
    return RefPtr<File>(TRY(make_ref<TextFile>(*this, *this)));
}

void init_procfs() {
    Result<RefPtr<SuperBlock>> super = make_ref<SuperBlock>("proc", kProcMagic);
    if (!super.ok()) panic("procfs: no memory");
    g_proc = super.release_value();
    Result<RefPtr<RootDir>> root = make_ref<RootDir>();
    if (!root.ok()) panic("procfs: no memory");
    Result<RefPtr<Dentry>> dentry = Dentry::make_root(root.release_value());
    if (!dentry.ok()) panic("procfs: no memory");
    g_proc->root = dentry.release_value();
    register_filesystem(&g_proc_type);
}
