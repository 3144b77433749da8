// Access control lists: their form, the decision (acl(5), ACCESS CHECK ALGORITHM), inheritance, and the mode
// that goes with them.
#include "fs/posix_acl.h"

#include "core/string.h"
#include "fs/fs_struct.h"

namespace {

constexpr u32 kVersion = 2;
constexpr u32 kUndefinedId = ~0u;
constexpr u32 kPermissions = 0777;

// What an inode knows of a list (Inode::acl_state).
constexpr u8 kUnknown = 0;
constexpr u8 kNone = 1;
constexpr u8 kSome = 2;

u8* state_of(const Inode& inode, const AclType& type) {
    return &inode.acl_state[type.is_default ? 1 : 0];
}

// Is (`tag`, then the rest) what may follow in canonical order?
struct Order {
    AclTag last = AclTag{};
    bool needs_mask = false;
    bool next(const AclEntry& entry) {
        const AclTag before = last;
        last = entry.tag;
        switch (entry.tag) {
            case AclTag::kUserObj:
                return before == AclTag{};
            case AclTag::kUser:
                needs_mask = true;
                return before == AclTag::kUserObj || before == AclTag::kUser;
            case AclTag::kGroupObj:
                return before == AclTag::kUserObj || before == AclTag::kUser;
            case AclTag::kGroup:
                needs_mask = true;
                return before == AclTag::kGroupObj || before == AclTag::kGroup;
            case AclTag::kMask:
                return before == AclTag::kGroupObj || before == AclTag::kGroup;
            case AclTag::kOther:
                return before == AclTag::kMask ||
                       (!needs_mask && (before == AclTag::kGroupObj || before == AclTag::kGroup));
        }
        return false;
    }
};

}  // namespace

const AclType kAclAccess = {"system.posix_acl_access", false};
const AclType kAclDefault = {"system.posix_acl_default", true};

const AclType* acl_type(const char* name) {
    for (const AclType* type : {&kAclAccess, &kAclDefault}) {
        if (strcmp(name, type->name) == 0) return type;
    }
    return nullptr;
}

Result<RefPtr<PosixAcl>> PosixAcl::parse(const void* value, size_t size) {
    u32 version;
    if (size == 0) return RefPtr<PosixAcl>();
    if (size < sizeof(version)) return Errno::EINVAL;
    memcpy(&version, value, sizeof(version));
    if (version != kVersion) return Errno::EOPNOTSUPP;
    const size_t bytes = size - sizeof(version);
    if (bytes % sizeof(AclEntry) != 0) return Errno::EINVAL;
    if (bytes == 0) return RefPtr<PosixAcl>();
    RefPtr<PosixAcl> acl = TRY(make_ref<PosixAcl>());
    TRY(acl->entries_.resize(bytes / sizeof(AclEntry)));
    memcpy(acl->entries_.data(), static_cast<const u8*>(value) + sizeof(version), bytes);
    for (const AclEntry& entry : acl->entries_) {
        const u16 tag = static_cast<u16>(entry.tag);
        if (tag == 0 || (tag & (tag - 1)) != 0 || tag > static_cast<u16>(AclTag::kOther))
            return Errno::EINVAL;
    }
    return acl;
}

Result<void> PosixAcl::write(KString& value) const {
    TRY(value.append(reinterpret_cast<const char*>(&kVersion), sizeof(kVersion)));
    for (AclEntry entry : entries_) {
        if (entry.tag != AclTag::kUser && entry.tag != AclTag::kGroup) entry.id = kUndefinedId;
        TRY(value.append(reinterpret_cast<const char*>(&entry), sizeof(entry)));
    }
    return {};
}

Result<void> PosixAcl::validate() const {
    Order order;
    for (const AclEntry& entry : entries_) {
        if ((entry.perm & ~7) != 0 || !order.next(entry)) return Errno::EINVAL;
    }
    return order.last == AclTag::kOther ? Result<void>() : Result<void>(Errno::EINVAL);
}

AclEntry* PosixAcl::find(AclTag tag) {
    for (AclEntry& entry : entries_) {
        if (entry.tag == tag) return &entry;
    }
    return nullptr;
}

bool PosixAcl::permits(const Credentials& cred, u32 uid, u32 gid, u32 want) const {
    u32 mask = 7;
    for (const AclEntry& entry : entries_) {
        if (entry.tag == AclTag::kMask) mask = entry.perm;
    }
    bool in_some_group = false;
    for (const AclEntry& entry : entries_) {
        const bool grants = (entry.perm & want) == want;
        switch (entry.tag) {
            case AclTag::kUserObj:
                if (cred.fsuid == uid) return grants;
                break;
            case AclTag::kUser:
                if (cred.fsuid == entry.id) return (entry.perm & mask & want) == want;
                break;
            case AclTag::kGroupObj:
            case AclTag::kGroup:
                if (!cred.in_group(entry.tag == AclTag::kGroup ? entry.id : gid)) break;
                in_some_group = true;
                if (grants) return (entry.perm & mask & want) == want;
                break;
            case AclTag::kMask:
                break;
            case AclTag::kOther:
                return !in_some_group && grants;
        }
    }
    return false;
}

bool PosixAcl::to_mode(u32* mode) const {
    u32 bits = 0;
    bool all = true;
    for (const AclEntry& entry : entries_) {
        switch (entry.tag) {
            case AclTag::kUserObj:
                bits |= u32{entry.perm} << 6;
                break;
            case AclTag::kGroupObj:
                bits |= u32{entry.perm} << 3;
                break;
            case AclTag::kOther:
                bits |= entry.perm;
                break;
            case AclTag::kMask:
                bits = (bits & ~070u) | u32{entry.perm} << 3;
                all = false;
                break;
            case AclTag::kUser:
            case AclTag::kGroup:
                all = false;
                break;
        }
    }
    *mode = (*mode & ~kPermissions) | bits;
    return all;
}

void PosixAcl::set_mode(u32 mode) {
    AclEntry* group = find(AclTag::kMask);
    if (!group) group = find(AclTag::kGroupObj);
    if (AclEntry* owner = find(AclTag::kUserObj)) owner->perm = mode >> 6 & 7;
    if (group) group->perm = mode >> 3 & 7;
    if (AclEntry* other = find(AclTag::kOther)) other->perm = mode & 7;
}

bool PosixAcl::inherit(u32* mode) {
    u32 list_mode = 0;
    const bool all = to_mode(&list_mode);
    const u32 both = *mode & list_mode;
    set_mode(both);
    *mode = (*mode & ~kPermissions) | (both & kPermissions);
    return all;
}

Result<RefPtr<PosixAcl>> get_acl(const Inode& inode, const AclType& type) {
    u8* state = state_of(inode, type);
    if (__atomic_load_n(state, __ATOMIC_ACQUIRE) == kNone) return RefPtr<PosixAcl>();
    Inode& node = const_cast<Inode&>(inode);  // reading an attribute changes nothing that a caller sees
    const Result<size_t> size = node.getxattr(type.name, nullptr, 0);
    if (!size.ok()) {
        if (size.error() != Errno::ENODATA && size.error() != Errno::EOPNOTSUPP) return size.error();
        u8 expected = kUnknown;  // a list set meanwhile says kSome, which stays
        __atomic_compare_exchange_n(state, &expected, kNone, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
        return RefPtr<PosixAcl>();
    }
    Vec<u8> value;
    TRY(value.resize(size.value() + 1));
    const size_t length = TRY(node.getxattr(type.name, value.data(), size.value()));
    return PosixAcl::parse(value.data(), length);
}

namespace {

Result<void> store(Inode& inode, const AclType& type, const PosixAcl* acl) {
    if (!acl) {
        const Result<void> removed = inode.removexattr(type.name);
        if (!removed.ok() && removed.error() != Errno::ENODATA) return removed.error();
        return {};
    }
    KString value;
    TRY(acl->write(value));
    __atomic_store_n(state_of(inode, type), kSome, __ATOMIC_RELEASE);
    return inode.setxattr(type.name, value.c_str(), value.size(), 0);
}

}  // namespace

Result<void> set_acl(Inode& inode, const AclType& type, RefPtr<PosixAcl> acl) {
    const Result<size_t> there = inode.getxattr(type.name, nullptr, 0);
    if (!there.ok() && there.error() == Errno::EOPNOTSUPP) return Errno::EOPNOTSUPP;
    if (inode.is_symlink()) return Errno::EOPNOTSUPP;
    if (type.is_default && !inode.is_dir()) return acl ? Result<void>(Errno::EACCES) : Result<void>();
    TRY(owner_or_capable(inode));
    if (acl) TRY(acl->validate());
    if (type.is_default || !acl) return store(inode, type, acl.get());
    u32 mode = inode.mode;
    const bool plain = acl->to_mode(&mode);
    const Credentials& cred = current_cred();
    if (!cred.in_group(inode.gid) && !capable_over(inode, kCapFsetid, cred)) mode &= ~S_ISGID;
    TRY(store(inode, type, plain ? nullptr : acl.get()));
    inode.mode = mode;
    inode.touch_ctime();
    return inode.attributes_changed(false);
}

Result<void> acl_chmod(Inode& inode) {
    RefPtr<PosixAcl> acl = TRY(get_acl(inode, kAclAccess));
    if (!acl) return {};
    acl->set_mode(inode.mode);
    return store(inode, kAclAccess, acl.get());
}

u32 umask_in(const Inode& directory) {
    const Result<RefPtr<PosixAcl>> list = get_acl(directory, kAclDefault);
    return list.ok() && list.value() ? 0 : current()->fs->umask();
}

Result<void> inherit_acls(const Inode& directory, Inode& fresh) {
    if (fresh.is_symlink()) return {};
    RefPtr<PosixAcl> list = TRY(get_acl(directory, kAclDefault));
    if (!list) return {};
    if (fresh.is_dir()) TRY(store(fresh, kAclDefault, list.get()));
    u32 mode = fresh.mode;
    const bool plain = list->inherit(&mode);
    if (!plain) TRY(store(fresh, kAclAccess, list.get()));
    fresh.mode = mode;
    return fresh.attributes_changed(false);
}

Result<void> inherit_or_remove(Inode& directory, const Name& name, Inode& fresh) {
    Result<void> inherited = inherit_acls(directory, fresh);
    if (inherited.ok()) return {};
    (void)(fresh.is_dir() ? directory.rmdir(name, fresh) : directory.unlink(name, fresh));
    return inherited.error();
}
