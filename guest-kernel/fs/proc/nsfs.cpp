// /proc/PID/ns: a link for each kind of namespace.
#include "fs/proc/nsfs.h"

#include "fs/cred.h"
#include "fs/mount.h"
#include "fs/open_file.h"
#include "fs/proc/proc.h"
#include "mm/user_ptr.h"

namespace {

constexpr i64 kNsfsMagic = 0x6e736673;
constexpr u32 kNsInodesAt = 3072;
RefPtr<SuperBlock> g_nsfs;  // made at first need, under the lock of who looks first

class NsFile final : public File {
  public:
    using File::File;
    Result<long> ioctl(u32 request, u64 argument) override {
        constexpr u32 kUserNs = 0xb701, kParent = 0xb702, kType = 0xb703, kOwnerUid = 0xb704;
        const NsKind kind = as_ns_inode(*inode)->kind();
        switch (request) {
            case kType:
                return static_cast<long>(kNsKinds[static_cast<int>(kind)].clone_flag);
            case kUserNs:
            case kParent:
                if (request == kParent && kind != NsKind::kUser && kind != NsKind::kPid) return Errno::EINVAL;
                return Errno::EPERM;  // the first one's is beyond what anybody sees
            case kOwnerUid:
                if (kind != NsKind::kUser) return Errno::EINVAL;
                TRY(UserPtr<u32>(argument).write(0));
                return 0L;
            default:
                return Errno::ENOTTY;
        }
    }
};

class NsLink final : public ProcInode {
  public:
    NsLink(SuperBlock* super, pid_t pid, NsKind kind)
        : ProcInode(super, proc_ino(pid, kNsInodesAt + static_cast<u32>(kind)), S_IFLNK | 0777),
          pid_(pid),
          kind_(kind) {}
    Result<KString> readlink() override {
        const RefPtr<NsProxy> proxy = TRY(find());
        KString text;
        TRY(text.appendf("%s:[%llu]", kNsKinds[static_cast<int>(kind_)].type,
                         static_cast<unsigned long long>(namespace_ino(*proxy, kind_))));
        return text;
    }
    Result<Path> follow_magic() override {
        RefPtr<NsProxy> proxy = TRY(find());
        if (!g_nsfs) g_nsfs = TRY(make_ref<SuperBlock>("nsfs", kNsfsMagic));
        const u64 number = namespace_ino(*proxy, kind_);
        RefPtr<NsInode> inode = TRY(make_ref<NsInode>(g_nsfs.get(), number, std::move(proxy), kind_));
        char label[40];
        snprintf(label, sizeof(label), "%s:[%llu]", kNsKinds[static_cast<int>(kind_)].type,
                 static_cast<unsigned long long>(number));
        return Path(nullptr, TRY(Dentry::make_detached(inode, label)));
    }
    bool still_valid() override { return static_cast<bool>(find_task_by_pid(pid_)); }

  private:
    Result<RefPtr<NsProxy>> find() {
        const TaskRef task = find_task_by_pid(pid_);
        if (!task) return Errno::ENOENT;
        if (current_cred().fsuid != task->cred.euid && !current_cred().has(kCapSysPtrace))
            return Errno::EACCES;
        RefPtr<NsProxy> proxy = get_task_namespaces(task.get());
        if (!proxy) return Errno::ENOENT;
        return proxy;
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
