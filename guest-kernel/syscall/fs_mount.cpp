// mount(2) and umount2(2).
#include "core/kmalloc.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/vfs.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"

namespace {

// An optional string argument: null stays null. EINVAL: it is longer than a path may be.
struct OptionalText {
    KString text;
    bool given = false;
    Result<void> load(UserString user) {
        if (user.is_null()) return {};
        Result<KString> copied = copy_path(user.address());
        if (!copied.ok()) return copied.error() == Errno::ENAMETOOLONG ? Errno::EINVAL : copied.error();
        text = copied.release_value();
        given = true;
        return {};
    }
    // The options: what there is of one page; what lies behind cannot be read, or is left (mount(2)).
    Result<void> load_page(UserString user) {
        if (user.is_null()) return {};
        char* page = static_cast<char*>(kmalloc(kPageSize));
        if (!page) return Errno::ENOMEM;
        const size_t got = kPageSize - copy_from_user(page, user.address(), kPageSize);
        page[min<size_t>(got, kPageSize - 1)] = '\0';
        Result<KString> copied = got ? KString::make(page) : Result<KString>(Errno::EFAULT);
        kfree(page);
        text = TRY(std::move(copied));
        given = true;
        return {};
    }
    const char* get() const { return given ? text.c_str() : nullptr; }
};

}  // namespace

SysResult sys_mount(UserString source, UserString target, UserString type, u64 flags, UserString data) {
    OptionalText source_text;
    OptionalText type_text;
    OptionalText data_text;
    TRY(source_text.load(source));
    TRY(type_text.load(type));
    TRY(data_text.load_page(data));
    KString target_text = TRY(copy_path(target.address()));
    TRY(do_mount(source_text.get(), target_text.c_str(), type_text.get(), flags, data_text.get()));
    return 0L;
}

SysResult sys_umount2(UserString target, int flags) {
    constexpr int kKnown = 0xf;  // MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW
    if (flags & ~kKnown) return Errno::EINVAL;
    KString text = TRY(copy_path(target.address()));
    TRY(do_umount(text.c_str(), flags));
    return 0L;
}

SysResult sys_pivot_root(UserString new_root, UserString put_old) {
    if (!may_mount()) return Errno::EPERM;
    KString new_text = TRY(copy_path(new_root.address()));
    const Path to = TRY(lookup_at(AT_FDCWD, new_text.c_str(), kWalkFollow | kWalkDirectory));
    KString old_text = TRY(copy_path(put_old.address()));
    const Path put = TRY(lookup_at(AT_FDCWD, old_text.c_str(), kWalkFollow | kWalkDirectory));
    const Path from = current()->fs->root();
    TRY(pivot_mounts(from, to, put));
    move_everyones_root(from, to);
    return 0L;
}
