// The two hidden file systems.
#include "fs/anon_inode.h"

#include "fs/cred.h"
#include "fs/dentry.h"

namespace {

struct Hidden {
    const char* type;
    i64 magic;
    RefPtr<SuperBlock> super;
};
Hidden g_hidden[] = {{"pipefs", kPipefsMagic, nullptr}, {"anon_inodefs", 0x09041934, nullptr}};

}  // namespace

Result<RefPtr<Inode>> make_anon_inode(const char* fs_type, u32 mode) {
    for (Hidden& h : g_hidden) {
        if (strcmp(h.type, fs_type) != 0) continue;
        if (!h.super) h.super = TRY(make_ref<SuperBlock>(h.type, h.magic));
        const u64 number = __atomic_fetch_add(&h.super->next_ino, 1, __ATOMIC_RELAXED);
        RefPtr<Inode> inode = TRY(make_ref<Inode>(h.super.get(), number, mode));
        inode->uid = current_cred().fsuid;
        inode->gid = current_cred().fsgid;
        return inode;
    }
    return Errno::ENODEV;
}
