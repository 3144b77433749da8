// mount(2) and umount2(2).
#include "core/kmalloc.h"
#include "core/string.h"
#include "fs/namei.h"
#include "fs/vfs.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"

namespace {

// An optional string argument: null stays null.
struct OptionalText {
    KString text;
    bool given = false;
    Result<void> load(UserString user) {
        if (user.is_null()) return {};
        text = TRY(copy_path(user.address()));
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
    TRY(data_text.load(data));
    KString target_text = TRY(copy_path(target.address()));
    TRY(do_mount(source_text.get(), target_text.c_str(), type_text.get(), flags, data_text.get()));
    return 0L;
}

SysResult sys_umount2(UserString target, int flags) {
    KString text = TRY(copy_path(target.address()));
    TRY(do_umount(text.c_str(), flags));
    return 0L;
}
