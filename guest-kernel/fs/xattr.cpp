// Extended attributes: who may use which, and the store in memory.
#include "fs/xattr.h"

#include "core/string.h"
#include "fs/cred.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/posix_acl.h"

bool xattr_in(const char* name, const char* prefix, const char** rest) {
    const size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0) return false;
    if (rest) *rest = name + length;
    return true;
}

namespace {

// What Linux calls xattr_permission.
Result<void> xattr_permission(const Inode& inode, const char* name, u32 mask) {
    if (xattr_in(name, "security.") || xattr_in(name, "system.")) return {};
    const Errno hidden = (mask & kMayWrite) ? Errno::EPERM : Errno::ENODATA;
    if (xattr_in(name, "trusted.")) {
        if (!current_cred().has(kCapSysAdmin)) return hidden;
        return {};
    }
    if (xattr_in(name, "user.")) {
        if (!inode.is_regular() && !inode.is_dir()) return hidden;
        if (inode.is_dir() && (inode.mode & S_ISVTX) && (mask & kMayWrite)) TRY(owner_or_capable(inode));
    }
    return inode_permission(inode, mask);
}

// security.*: file capabilities need CAP_SETFCAP, the rest CAP_SYS_ADMIN.
Result<void> may_change_security(const char* name) {
    if (!xattr_in(name, "security.")) return {};
    const Capability needed = strcmp(name, kXattrCapability) == 0 ? kCapSetfcap : kCapSysAdmin;
    if (!current_cred().has(needed)) return Errno::EPERM;
    return {};
}

// struct vfs_cap_data: revision 2 has 20 bytes, revision 3 24.
bool good_file_capabilities(const void* value, size_t size) {
    u32 magic;
    if (size < sizeof(magic)) return false;
    memcpy(&magic, value, sizeof(magic));
    const u32 revision = magic & 0xff000000u;
    return (revision == 0x02000000 && size == 20) || (revision == 0x03000000 && size == 24);
}

}  // namespace

Result<void> vfs_setxattr(const Path& path, const char* name, const void* value, size_t size, int flags) {
    TRY(require_writable(path));
    Inode& inode = path.inode();
    if (const AclType* type = acl_type(name)) {
        RefPtr<PosixAcl> acl = TRY(PosixAcl::parse(value, size));
        MutexGuard guard(inode.lock);
        return set_acl(inode, *type, std::move(acl));
    }
    const bool capability = strcmp(name, kXattrCapability) == 0;
    if (capability && size != 0) {
        if (!good_file_capabilities(value, size)) return Errno::EINVAL;
        if (!current_cred().has(kCapSetfcap)) return Errno::EPERM;
    }
    MutexGuard guard(inode.lock);
    TRY(xattr_permission(inode, name, kMayWrite));
    if (!capability) TRY(may_change_security(name));
    TRY(inode.setxattr(name, value, size, flags));
    if (capability) inode.no_capabilities = false;
    notify_path(path, kInAttrib);
    return {};
}

Result<size_t> vfs_getxattr(Inode& inode, const char* name, void* buffer, size_t size) {
    if (acl_type(name) && inode.is_symlink()) return Errno::EOPNOTSUPP;
    TRY(xattr_permission(inode, name, kMayRead));
    return inode.getxattr(name, buffer, size);
}

Result<void> vfs_removexattr(const Path& path, const char* name) {
    TRY(require_writable(path));
    Inode& inode = path.inode();
    MutexGuard guard(inode.lock);
    if (const AclType* type = acl_type(name)) return set_acl(inode, *type, nullptr);
    TRY(xattr_permission(inode, name, kMayWrite));
    TRY(may_change_security(name));
    TRY(inode.removexattr(name));
    notify_path(path, kInAttrib);
    return {};
}

Result<void> vfs_listxattr(Inode& inode, KString& names) {
    KString all;
    TRY(inode.listxattr(all));
    const bool trusted = current_cred().has(kCapSysAdmin);
    for (size_t at = 0; at < all.size();) {
        const char* name = all.c_str() + at;
        const size_t length = strlen(name) + 1;
        if (trusted || !xattr_in(name, "trusted.")) TRY(names.append(name, length));
        at += length;
    }
    return {};
}

void drop_file_capabilities(Inode& inode) {
    if (inode.no_capabilities || !inode.is_regular()) return;
    const Result<void> removed = inode.removexattr(kXattrCapability);
    inode.no_capabilities =
        removed.ok() || removed.error() == Errno::ENODATA || removed.error() == Errno::EOPNOTSUPP;
}

struct MemoryXattrs::Entry {
    ListNode node;  // first: an Entry is found by it
    KString name;
    KString value;
};

MemoryXattrs::Entry* MemoryXattrs::find(State& state, const char* name) {
    static_assert(__builtin_offsetof(Entry, node) == 0);
    for (ListNode* n = state.entries.next; n != &state.entries; n = n->next) {
        Entry* entry = reinterpret_cast<Entry*>(n);
        if (entry->name == name) return entry;
    }
    return nullptr;
}

MemoryXattrs::State::~State() {
    while (entries.linked()) {
        Entry* entry = reinterpret_cast<Entry*>(entries.next);
        entry->node.remove();
        delete entry;
    }
}

Result<size_t> MemoryXattrs::get(const char* name, void* buffer, size_t size) {
    auto state = state_.lock();
    const Entry* entry = find(*state, name);
    if (!entry) return Errno::ENODATA;
    if (size != 0) {
        if (size < entry->value.size()) return Errno::ERANGE;
        memcpy(buffer, entry->value.c_str(), entry->value.size());
    }
    return entry->value.size();
}

Result<void> MemoryXattrs::set(const char* name, const void* value, size_t size, int flags) {
    KString text = TRY(KString::make(static_cast<const char*>(value), size));
    Unique<Entry> fresh(new (std::nothrow) Entry);
    if (!fresh) return Errno::ENOMEM;
    fresh->name = TRY(KString::make(name));
    auto state = state_.lock();
    if (Entry* entry = find(*state, name)) {
        if (flags & kXattrCreate) return Errno::EEXIST;
        entry->value = std::move(text);
        return {};
    }
    if (flags & kXattrReplace) return Errno::ENODATA;
    fresh->value = std::move(text);
    fresh.leak()->node.insert_before(state->entries.next);
    return {};
}

Result<void> MemoryXattrs::remove(const char* name) {
    auto state = state_.lock();
    Entry* entry = find(*state, name);
    if (!entry) return Errno::ENODATA;
    entry->node.remove();
    delete entry;
    return {};
}

Result<void> MemoryXattrs::list(KString& names) {
    auto state = state_.lock();
    for (ListNode* n = state->entries.next; n != &state->entries; n = n->next) {
        const KString& name = reinterpret_cast<Entry*>(n)->name;
        TRY(names.append(name.c_str(), name.size() + 1));
    }
    return {};
}
