// /proc/PID/ns: a link for each kind of namespace.
#include "fs/proc/nsfs.h"

#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/mount.h"
#include "fs/open_file.h"
#include "fs/proc/proc.h"
#include "mm/user_ptr.h"

namespace {

constexpr i64 kNsfsMagic = 0x6e736673;
constexpr u32 kNsInodesAt = 3072;
RefPtr<SuperBlock> g_nsfs;  // made at first need, under the lock of who looks first

/// What /proc/PID/ns/KIND says.
void label_of(const Namespace& ns, NsKind kind, char (&text)[40]) {
    snprintf(text, sizeof(text), "%s:[%llu]", kNsKinds[static_cast<int>(kind)].type,
             static_cast<unsigned long long>(ns.ino));
}

class NsFile final : public File {
  public:
    using File::File;
    Result<long> ioctl(u32 request, u64 argument) override {
        constexpr u32 kUserNs = 0xb701, kParent = 0xb702, kType = 0xb703, kOwnerUid = 0xb704;
        const NsKind kind = as_ns_inode(*inode)->kind();
        const Namespace& ns = *as_ns_inode(*inode)->object();
        switch (request) {
            case kType:
                return static_cast<long>(kNsKinds[static_cast<int>(kind)].clone_flag);
            case kUserNs:
                if (kind == NsKind::kUser) return open_other(parent_namespace(ns, kind), kind);
                return open_other(owner_namespace(ns), NsKind::kUser);
            case kParent:
                return open_other(parent_namespace(ns, kind), kind);
            case kOwnerUid:
                if (kind != NsKind::kUser) return Errno::EINVAL;
                TRY(UserPtr<u32>(argument).write(
                    current_cred().shown_uid(static_cast<const UserNamespace&>(ns).creator_uid)));
                return 0L;
            default:
                return Errno::ENOTTY;
        }
    }

  private:
    static Result<long> open_other(Result<RefPtr<Namespace>> other, NsKind kind) {
        RefPtr<Namespace> ns = TRY(std::move(other));
        char label[40];
        label_of(*ns, kind, label);
        RefPtr<Inode> other_inode = TRY(make_ref<NsInode>(g_nsfs.get(), std::move(ns), kind));
        RefPtr<File> file = TRY(make_ref<NsFile>(*other_inode));
        TRY(set_detached(*file, label, O_RDONLY));
        return long{TRY(current()->files->install(std::move(file), true))};
    }
};

class NsLink final : public ProcInode {
  public:
    NsLink(SuperBlock* super, pid_t pid, NsKind kind)
        : ProcInode(super, proc_ino(pid, kNsInodesAt + static_cast<u32>(kind)), S_IFLNK | 0777),
          pid_(pid),
          kind_(kind) {}
    Result<KString> readlink() override {
        char label[40];
        label_of(*TRY(find()), kind_, label);
        return KString::make(label);
    }
    Result<Path> follow_magic() override {
        RefPtr<Namespace> ns = TRY(find());
        char label[40];
        label_of(*ns, kind_, label);
        if (!g_nsfs) g_nsfs = TRY(make_ref<SuperBlock>("nsfs", kNsfsMagic));
        RefPtr<NsInode> inode = TRY(make_ref<NsInode>(g_nsfs.get(), std::move(ns), kind_));
        return Path(nullptr, TRY(Dentry::make_detached(inode, label)));
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }

  private:
    Result<RefPtr<Namespace>> find() {
        const TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ENOENT;
        if (!proc_may_inspect(*task.get())) return Errno::EACCES;
        RefPtr<Namespace> ns = task_namespace(task.get(), kind_);
        if (!ns) return Errno::ENOENT;
        return ns;
    }
    pid_t pid_;
    NsKind kind_;
};

class NsDir final : public ProcInode {
  public:
    NsDir(SuperBlock* super, pid_t pid, u64 number) : ProcInode(super, number, S_IFDIR | 0511), pid_(pid) {
        nlink = 2;
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }
    Result<RefPtr<Inode>> lookup(const Name& name) override {
        for (int i = 0; i < static_cast<int>(NsKind::kCount); i++) {
            if (!(name == kNsKinds[i].name)) continue;
            RefPtr<Inode> link = TRY(make_ref<NsLink>(sb, pid_, static_cast<NsKind>(i)));
            link->uid = uid;
            link->gid = gid;
            return link;
        }
        return Errno::ENOENT;
    }
    Result<void> iterate(DirContext& context) override {
        if (!context.emit_dots(*context.dentry)) return {};
        for (int i = static_cast<int>(context.position) - 2; i < static_cast<int>(NsKind::kCount); i++) {
            const u64 number = proc_ino(pid_, kNsInodesAt + static_cast<u32>(i));
            if (!context.emit(Name(kNsKinds[i].name), number, dt_type(S_IFLNK))) return {};
            context.position = i + 3;
        }
        return {};
    }

  private:
    pid_t pid_;
};

}  // namespace

const NsInode* as_ns_inode(const Inode& inode) {
    return inode.sb->magic == kNsfsMagic ? static_cast<const NsInode*>(&inode) : nullptr;
}

Result<RefPtr<File>> NsInode::open(int) {
    return RefPtr<File>(TRY(make_ref<NsFile>(*this)));
}

Result<RefPtr<Inode>> make_ns_dir(SuperBlock* super, int pid, u64 ino) {
    return RefPtr<Inode>(TRY(make_ref<NsDir>(super, pid, ino)));
}
