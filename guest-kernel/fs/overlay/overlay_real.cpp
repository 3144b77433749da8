// What overlayfs asks of the real directories below it.
#include "core/string.h"
#include "fs/file.h"
#include "fs/overlay/overlay.h"
#include "fs/xattr.h"

namespace {

constexpr const char* kOpaque = "trusted.overlay.opaque";

class NameCollector final : public DirContext {
  public:
    bool emit(const Name& name, u64, u8) override {
        if (name.is_dot() || name.is_dotdot()) return true;
        Result<KString> copy = KString::make(name.text, name.length);
        result = copy.ok() ? names.push(copy.release_value()) : Result<void>(copy.error());
        return result.ok();
    }
    Vec<KString> names;
    Result<void> result;
};

}  // namespace

bool ovl_is_whiteout(const Inode& inode) {
    return S_ISCHR(inode.mode) && inode.rdev == 0;
}

bool ovl_is_own_xattr(const char* name) {
    return xattr_in(name, "trusted.overlay.");
}

bool ovl_is_opaque(Inode& directory) {
    char value = 0;
    const Result<size_t> n = directory.getxattr(kOpaque, &value, 1);
    return n.ok() && n.value() == 1 && value == 'y';
}

Result<void> ovl_set_opaque(Inode& directory) {
    return directory.setxattr(kOpaque, "y", 1, 0);
}

Result<RefPtr<Dentry>> ovl_real_child(Dentry& directory, const Name& name, bool locked) {
    Result<RefPtr<Dentry>> found = lookup_child(RefPtr<Dentry>(&directory), name, locked);
    if (found.ok() || found.error() != Errno::ENOENT) return found;
    return RefPtr<Dentry>();
}

Result<void> ovl_clear_whiteouts(Dentry& directory) {
    Inode& inode = directory.inode();
    OvlRealGuard guard(inode);
    NameCollector collector;
    collector.dentry = &directory;
    TRY(inode.iterate(collector));
    TRY(std::move(collector.result));
    for (const KString& text : collector.names) {
        const Name name(text.c_str(), text.size());
        RefPtr<Dentry> entry = TRY(ovl_real_child(directory, name, true));
        if (!entry || !ovl_is_whiteout(entry->inode())) continue;
        TRY(inode.unlink(name, entry->inode()));
        entry->drop();
    }
    return {};
}

Result<void> ovl_remove_real(Dentry& directory, const Name& name, const RefPtr<Dentry>& victim) {
    if (victim->inode().is_dir()) {
        TRY(ovl_clear_whiteouts(*victim));
        OvlRealGuard guard(victim->inode());
        TRY(directory.inode().rmdir(name, victim->inode()));
    } else {
        TRY(directory.inode().unlink(name, victim->inode()));
    }
    victim->drop();
    return {};
}
