// devpts: the file system that shows the slaves of open pseudo-terminals as /dev/pts/N (Linux,
// Documentation/filesystems/devpts.rst). One instance, whose options are those of the last mount.
#include "core/panic.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/vfs.h"
#include "tty/pty.h"

DevptsOptions devpts_options;

namespace {

constexpr i64 kDevptsMagic = 0x1cd1;
constexpr u64 kPtmxIno = 2;

class DevptsSuper final : public SuperBlock {
  public:
    DevptsSuper() : SuperBlock("devpts", kDevptsMagic) {}
    Result<void> show_options(KString& out) override {
        if (devpts_options.gid_given) TRY(out.appendf(",gid=%u", devpts_options.gid));
        return out.appendf(",mode=%03o,ptmxmode=000", devpts_options.mode);
    }
    Result<void> remount(u64 flags, const char* data) override;
};

class DevptsRoot final : public Inode {
  public:
    explicit DevptsRoot(SuperBlock* super) : Inode(super, 1, S_IFDIR | 0755) { nlink = 2; }
    bool cache_names() const override { return false; }
    i64 block_count() const override { return 0; }

    Result<RefPtr<Inode>> lookup(const Name& name) override {
        if (name == "ptmx") {
            RefPtr<Inode> ptmx = TRY(make_ref<Inode>(sb, kPtmxIno, S_IFCHR | 0000u));
            ptmx->rdev = make_dev(5, 2);
            return ptmx;
        }
        for (u32 i = 0; i < kPtyCount; i++) {
            char text[16];
            snprintf(text, sizeof(text), "%u", i);
            PtyPair* pair = name == text ? find_pty(i) : nullptr;
            if (pair && pair->node) return RefPtr<Inode>(pair->node);
        }
        return Errno::ENOENT;
    }

    Result<void> iterate(DirContext& context) override {
        if (!context.emit_dots(*context.dentry)) return {};
        if (context.position == 2) {
            if (!context.emit(Name("ptmx"), kPtmxIno, dt_type(S_IFCHR))) return {};
            context.position = 3;
        }
        for (u32 i = static_cast<u32>(context.position - 3); i < kPtyCount; i++) {
            context.position = 3 + static_cast<loff_t>(i);
            if (!find_pty(i)) continue;
            char text[16];
            snprintf(text, sizeof(text), "%u", i);
            if (!context.emit(Name(text), 3 + i, dt_type(S_IFCHR))) return {};
        }
        context.position = 3 + kPtyCount;
        return {};
    }
};

RefPtr<DevptsSuper> g_devpts;

bool starts_with(const char* text, const char* prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// "gid=5,mode=620,ptmxmode=000": EINVAL for anything else.
Result<void> parse_options(const char* options) {
    DevptsOptions fresh;
    while (options && *options) {
        char item[32];
        const char* end = strchr(options, ',');
        const size_t length = end ? static_cast<size_t>(end - options) : strlen(options);
        if (length >= sizeof(item)) return Errno::EINVAL;
        memcpy(item, options, length);
        item[length] = '\0';
        u64 value = 0;
        if (starts_with(item, "gid=")) {
            if (!parse_u64(item + 4, 10, &value)) return Errno::EINVAL;
            fresh.gid = static_cast<u32>(value);
            fresh.gid_given = true;
        } else if (starts_with(item, "mode=")) {
            if (!parse_u64(item + 5, 8, &value)) return Errno::EINVAL;
            fresh.mode = static_cast<u32>(value) & 0777;
        } else if (starts_with(item, "ptmxmode=")) {
            if (!parse_u64(item + 9, 8, &value)) return Errno::EINVAL;
        } else if (length != 0 && strcmp(item, "newinstance") != 0) {
            return Errno::EINVAL;
        }
        options = end ? end + 1 : options + length;
    }
    devpts_options = fresh;
    return {};
}

Result<RefPtr<SuperBlock>> mount_devpts(const char*, const char* options) {
    TRY(parse_options(options));
    return RefPtr<SuperBlock>(g_devpts);
}
FileSystemType g_devpts_type = {"devpts", true, mount_devpts, nullptr};

Result<void> DevptsSuper::remount(u64, const char* data) {
    return parse_options(data);
}

Result<void> set_up() {
    g_devpts = TRY(make_ref<DevptsSuper>());
    RefPtr<DevptsRoot> root = TRY(make_ref<DevptsRoot>(g_devpts.get()));
    g_devpts->root = TRY(Dentry::make_root(root));
    return {};
}

}  // namespace

SuperBlock& devpts_super() {
    return *g_devpts;
}

void init_devpts() {
    if (!set_up().ok()) panic("devpts: no memory");
    register_filesystem(&g_devpts_type);
}
