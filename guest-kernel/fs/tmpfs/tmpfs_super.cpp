// tmpfs instances: mount options, limits, statfs, and the making of inodes.
#include "core/string.h"
#include "core/unique.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/mount_options.h"
#include "fs/tmpfs/tmpfs.h"

namespace {

RefPtr<SuperBlock> g_nameless;  // never shut down: mappings of its files may outlive every process

}  // namespace

TmpfsSuper::TmpfsSuper(const char* fs_type, RefPtr<TmpfsQuota> limits, i64 fs_magic)
    : SuperBlock(fs_type, fs_magic), quota(std::move(limits)) {}

// An instance that was never mounted still has its root, which needs the quota.
TmpfsSuper::~TmpfsSuper() {
    shutdown();
}

bool TmpfsSuper::parse_owner(const MountOption& option) {
    const Credentials& cred = current_cred();
    if (option.key == "uid")
        return option.parse_number(10, &root_uid) && (root_uid = cred.kernel_uid(root_uid)) != kNoId;
    if (option.key == "gid")
        return option.parse_number(10, &root_gid) && (root_gid = cred.kernel_gid(root_gid)) != kNoId;
    if (option.key != "mode" || !option.parse_number(8, &root_mode)) return false;
    root_mode &= S_IALLUGO;
    return true;
}

Result<void> TmpfsSuper::parse(const char* options) {
    const u64 memory = memory_counts().total * kPageSize;
    return for_each_mount_option(options, [&](const MountOption& option) {
        u64 bytes = 0;
        if (option.key == "size") {
            size_given = option.parse_size(memory, &bytes);
            quota->max_pages = (bytes + kPageSize - 1) / kPageSize;
            return size_given;
        }
        if (option.key == "nr_blocks") return size_given = option.parse_size(memory, &quota->max_pages);
        if (option.key == "nr_inodes") return inodes_given = option.parse_size(memory, &quota->max_inodes);
        if (option.key == "inode64" || option.key == "inode32") {
            wide_numbers = option.key == "inode64";
            return option.value_length == 0;
        }
        return parse_owner(option);
    });
}

Result<RefPtr<SuperBlock>> TmpfsSuper::with_root(RefPtr<TmpfsSuper> super) {
    RefPtr<TmpfsInode> root_inode = TRY(super->new_inode(S_IFDIR | super->root_mode, nullptr));
    root_inode->uid = super->root_uid;
    root_inode->gid = super->root_gid;
    super->root = TRY(Dentry::make_root(root_inode));
    return RefPtr<SuperBlock>(super);
}

Result<RefPtr<SuperBlock>> TmpfsSuper::mount(const char* fs_type, const char* options) {
    RefPtr<TmpfsQuota> limits = TRY(make_ref<TmpfsQuota>());
    limits->max_pages = memory_counts().total / 2;
    limits->max_inodes = memory_counts().total / 2;
    RefPtr<TmpfsSuper> super = TRY(make_ref<TmpfsSuper>(fs_type, limits));
    super->user_ns = current_cred().user_ns;
    super->root_uid = current_cred().fsuid;
    super->root_gid = current_cred().fsgid;
    TRY(super->parse(options));
    return with_root(std::move(super));
}

Result<void> TmpfsSuper::statfs(KernelStatfs* out) {
    TRY(SuperBlock::statfs(out));
    out->f_blocks = quota->max_pages;
    const u64 used = __atomic_load_n(&quota->used_pages, __ATOMIC_RELAXED);
    out->f_bfree = out->f_bavail = quota->max_pages > used ? quota->max_pages - used : 0;
    out->f_files = quota->max_inodes;
    out->f_ffree = quota->max_inodes > quota->used_inodes ? quota->max_inodes - quota->used_inodes : 0;
    return {};
}

Result<void> TmpfsSuper::show_options(KString& out) {
    if (size_given) {
        TRY(out.appendf(",size=%lluk", static_cast<unsigned long long>(quota->max_pages * 4)));
    }
    if (inodes_given) {
        TRY(out.appendf(",nr_inodes=%llu", static_cast<unsigned long long>(quota->max_inodes)));
    }
    if (root_mode != 01777) TRY(out.appendf(",mode=%03o", root_mode));
    if (root_uid != 0) TRY(out.appendf(",uid=%u", root_uid));
    if (root_gid != 0) TRY(out.appendf(",gid=%u", root_gid));
    return out.append(wide_numbers ? ",inode64" : ",inode32");
}

Result<void> TmpfsSuper::remount(u64, const char* data) {
    const u64 old_pages = quota->max_pages;
    const u64 old_inodes = quota->max_inodes;
    Result<void> parsed = parse(data);
    const bool too_small = (quota->max_pages != 0 && quota->used_pages > quota->max_pages) ||
                           (quota->max_inodes != 0 && quota->used_inodes > quota->max_inodes);
    if (parsed.ok() && !too_small) return {};
    quota->max_pages = old_pages;
    quota->max_inodes = old_inodes;
    return Errno::EINVAL;
}

TmpfsInode::TmpfsInode(TmpfsSuper& super_block, u32 new_mode)
    : Inode(&super_block, __atomic_fetch_add(&super_block.next_ino, 1, __ATOMIC_RELAXED), new_mode) {}

TmpfsInode::~TmpfsInode() {
    __atomic_sub_fetch(&super().quota->used_inodes, 1, __ATOMIC_RELAXED);
}

TmpfsInode* TmpfsSuper::make_inode(u32 new_mode) {
    return new (std::nothrow) TmpfsInode(*this, new_mode);
}

Result<void> TmpfsInode::make_data() {
    pages = TRY(make_ref<TmpfsPages>(super().quota));
    return {};
}

Result<RefPtr<TmpfsInode>> TmpfsSuper::new_inode(u32 new_mode, Inode* directory) {
    if (!quota->take(quota->used_inodes, quota->max_inodes, 1)) return Errno::ENOSPC;
    TmpfsInode* raw = make_inode(new_mode);
    if (!raw) {
        __atomic_sub_fetch(&quota->used_inodes, 1, __ATOMIC_RELAXED);
        return Errno::ENOMEM;
    }
    RefPtr<TmpfsInode> inode = adopt_ref(raw);
    if (inode->is_dir()) {
        inode->nlink = 2;
        inode->count_names();
    }
    if (directory) inode->init_owner(*directory);
    if (inode->is_regular()) TRY(inode->make_data());
    return inode;
}

Result<RefPtr<TmpfsInode>> make_nameless_tmpfs_file(bool sealable) {
    if (!g_nameless) {
        RefPtr<SuperBlock> fresh = TRY(TmpfsSuper::mount("tmpfs", "size=0"));
        if (!g_nameless) g_nameless = std::move(fresh);
    }
    RefPtr<TmpfsInode> inode = TRY(static_cast<TmpfsSuper&>(*g_nameless).new_inode(S_IFREG | 0777, nullptr));
    inode->uid = current_cred().fsuid;
    inode->gid = current_cred().fsgid;
    inode->nlink = 0;
    if (sealable) inode->seals = 0;
    return inode;
}

namespace {

Result<RefPtr<SuperBlock>> mount_tmpfs(const char*, const char* options) {
    return TmpfsSuper::mount("tmpfs", options);
}
// ramfs: the same without limits, and without saying what it does not know of its options (Linux, fs/ramfs/inode.c).
class RamfsSuper final : public TmpfsSuper {
  public:
    static constexpr i64 kRamfsMagic = 0x858458f6;
    explicit RamfsSuper(RefPtr<TmpfsQuota> none) : TmpfsSuper("ramfs", std::move(none), kRamfsMagic) {
        root_mode = 0755;
    }
    static Result<RefPtr<SuperBlock>> mount(const char* options) {
        RefPtr<RamfsSuper> super = TRY(make_ref<RamfsSuper>(TRY(make_ref<TmpfsQuota>())));
        TRY(for_each_mount_option(options, [&](const MountOption& option) {
            return !(option.key == "mode") || super->parse_owner(option);
        }));
        return with_root(std::move(super));
    }
    Result<void> statfs(KernelStatfs* out) override { return SuperBlock::statfs(out); }
    Result<void> show_options(KString& out) override {
        return root_mode != 0755 ? out.appendf(",mode=%o", root_mode) : Result<void>();
    }
    Result<void> remount(u64, const char*) override { return {}; }
};
Result<RefPtr<SuperBlock>> mount_ramfs(const char*, const char* options) {
    return RamfsSuper::mount(options);
}
Result<RefPtr<SuperBlock>> mount_rootfs(const char*, const char* options) {
    return TmpfsSuper::mount("rootfs", options);
}
FileSystemType g_tmpfs_type = {"tmpfs", true, mount_tmpfs, nullptr, nullptr, true};
FileSystemType g_ramfs_type = {"ramfs", true, mount_ramfs, nullptr, nullptr, true};

}  // namespace

const FileSystemType rootfs_type = {"rootfs", true, mount_rootfs, nullptr};

void init_tmpfs() {
    register_filesystem(&g_tmpfs_type);
    register_filesystem(&g_ramfs_type);
}
