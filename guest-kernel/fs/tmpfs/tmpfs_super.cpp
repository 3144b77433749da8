// tmpfs instances: mount options, limits, statfs, and the making of inodes.
#include "core/string.h"
#include "core/unique.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/tmpfs/tmpfs.h"

namespace {

constexpr i64 kTmpfsMagic = 0x01021994;
RefPtr<SuperBlock> g_nameless;  // never shut down: mappings of its files may outlive every process

// "64m", "1g", "50%" (of memory), "4096" → bytes.
bool parse_size(const char* text, size_t length, u64* bytes) {
    u64 value = 0;
    size_t i = 0;
    while (i < length && text[i] >= '0' && text[i] <= '9') {
        if (value > (~0ull >> 1) / 10) return false;
        value = value * 10 + static_cast<u64>(text[i++] - '0');
    }
    if (i == 0) return false;
    if (i < length) {
        switch (text[i++]) {
            case 'k':
            case 'K':
                value <<= 10;
                break;
            case 'm':
            case 'M':
                value <<= 20;
                break;
            case 'g':
            case 'G':
                value <<= 30;
                break;
            case '%':
                value = memory_counts().total * kPageSize / 100 * value;
                break;
            default:
                return false;
        }
    }
    *bytes = value;
    return i == length;
}

bool parse_number(const char* text, size_t length, unsigned base, u32* out) {
    u64 value = 0;
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        const unsigned digit = static_cast<unsigned>(text[i] - '0');
        if (text[i] < '0' || digit >= base || value > 0xffffffffu) return false;
        value = value * base + digit;
    }
    *out = static_cast<u32>(value);
    return value <= 0xffffffffu;
}

}  // namespace

TmpfsSuper::TmpfsSuper(const char* fs_type, RefPtr<TmpfsQuota> limits)
    : SuperBlock(fs_type, kTmpfsMagic), quota(std::move(limits)) {}

// An instance that was never mounted still has its root, which needs the quota.
TmpfsSuper::~TmpfsSuper() {
    shutdown();
}

Result<void> TmpfsSuper::parse(const char* options) {
    for (const char* p = options; p && *p;) {
        const char* end = strchr(p, ',');
        const size_t length = end ? static_cast<size_t>(end - p) : strlen(p);
        const char* equals = static_cast<const char*>(memchr(p, '=', length));
        const size_t key = equals ? static_cast<size_t>(equals - p) : length;
        const char* value = equals ? equals + 1 : p + length;
        const size_t value_length = equals ? length - key - 1 : 0;
        const Name name(p, key);
        u64 bytes = 0;
        bool good = true;
        if (name == "size") {
            good = parse_size(value, value_length, &bytes);
            quota->max_pages = (bytes + kPageSize - 1) / kPageSize;
            size_given = true;
        } else if (name == "nr_blocks") {
            good = parse_size(value, value_length, &quota->max_pages);
            size_given = true;
        } else if (name == "nr_inodes") {
            good = parse_size(value, value_length, &quota->max_inodes);
            inodes_given = true;
        } else if (name == "mode") {
            good = parse_number(value, value_length, 8, &root_mode);
            root_mode &= S_IALLUGO;
        } else if (name == "uid") {
            good = parse_number(value, value_length, 10, &root_uid);
        } else if (name == "gid") {
            good = parse_number(value, value_length, 10, &root_gid);
        } else if (length != 0) {
            good = false;
        }
        if (!good) return Errno::EINVAL;
        p = end ? end + 1 : p + length;
    }
    return {};
}

Result<RefPtr<SuperBlock>> TmpfsSuper::mount(const char* fs_type, const char* options) {
    RefPtr<TmpfsQuota> limits = TRY(make_ref<TmpfsQuota>());
    limits->max_pages = memory_counts().total / 2;
    limits->max_inodes = memory_counts().total / 2;
    RefPtr<TmpfsSuper> super = TRY(make_ref<TmpfsSuper>(fs_type, limits));
    TRY(super->parse(options));
    RefPtr<TmpfsInode> root_inode = TRY(TmpfsInode::make(*super, S_IFDIR | super->root_mode, nullptr));
    root_inode->uid = super->root_uid;
    root_inode->gid = super->root_gid;
    super->root = TRY(Dentry::make_root(root_inode));
    return RefPtr<SuperBlock>(super);
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
    return {};
}

Result<void> TmpfsSuper::remount(const char* data) {
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

Result<RefPtr<TmpfsInode>> TmpfsInode::make(TmpfsSuper& super, u32 new_mode, Inode* directory) {
    if (!super.quota->take(super.quota->used_inodes, super.quota->max_inodes, 1)) return Errno::ENOSPC;
    TmpfsInode* raw = new (std::nothrow) TmpfsInode(super, new_mode);
    if (!raw) {
        __atomic_sub_fetch(&super.quota->used_inodes, 1, __ATOMIC_RELAXED);
        return Errno::ENOMEM;
    }
    RefPtr<TmpfsInode> inode = adopt_ref(raw);
    if (inode->is_dir()) {
        inode->nlink = 2;
        inode->count_names();
    }
    if (directory) inode->init_owner(*directory);
    if (inode->is_regular()) inode->pages = TRY(make_ref<TmpfsPages>(super.quota));
    return inode;
}

Result<RefPtr<TmpfsInode>> make_nameless_tmpfs_file(bool sealable) {
    if (!g_nameless) {
        RefPtr<SuperBlock> fresh = TRY(TmpfsSuper::mount("tmpfs", "size=0"));
        if (!g_nameless) g_nameless = std::move(fresh);
    }
    RefPtr<TmpfsInode> inode =
        TRY(TmpfsInode::make(static_cast<TmpfsSuper&>(*g_nameless), S_IFREG | 0777, nullptr));
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
Result<RefPtr<SuperBlock>> mount_rootfs(const char*, const char* options) {
    return TmpfsSuper::mount("rootfs", options);
}
FileSystemType g_tmpfs_type = {"tmpfs", true, mount_tmpfs, nullptr};

}  // namespace

const FileSystemType rootfs_type = {"rootfs", true, mount_rootfs, nullptr};

void init_tmpfs() {
    register_filesystem(&g_tmpfs_type);
}
