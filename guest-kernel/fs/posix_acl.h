// POSIX access control lists (acl(5)): who beyond owner, group and others may use a file.
//
// A file system keeps them as the extended attributes "system.posix_acl_access" and
// "system.posix_acl_default", in the form of user space (struct posix_acl_xattr_header: version 2, then
// entries of tag, permission and id). What an access list says of owner, group class and others is always
// what the file's mode says.
#pragma once

#include "core/vector.h"
#include "fs/cred.h"

enum class AclTag : u16 {
    kUserObj = 0x01,
    kUser = 0x02,
    kGroupObj = 0x04,
    kGroup = 0x08,
    kMask = 0x10,
    kOther = 0x20,
};

struct AclEntry {
    AclTag tag;
    u16 perm;
    u32 id;
};
static_assert(sizeof(AclEntry) == 8);

/// Which of a file's two lists, and where the inode remembers that there is none.
struct AclType {
    const char* name;
    bool is_default;
};
extern const AclType kAclAccess;
extern const AclType kAclDefault;
/// The list that the attribute `name` is, or null.
const AclType* acl_type(const char* name);

class PosixAcl : public RefCounted {
  public:
    /// From an attribute's value; null for a list without entries. EINVAL, EOPNOTSUPP (another version).
    static Result<RefPtr<PosixAcl>> parse(const void* value, size_t size);
    Result<void> write(KString& value) const;
    /// EINVAL unless in canonical order with every entry that there must be.
    Result<void> validate() const;
    /// May `cred` use the file of this owner and group as `want` (kMay… bits) says?
    bool permits(const Credentials& cred, u32 uid, u32 gid, u32 want) const;
    /// `mode` with the permission bits that say the same; true when they say all that the list says.
    bool to_mode(u32* mode) const;
    /// chmod(2): the entries that the permission bits stand for become `mode`'s.
    void set_mode(u32 mode);
    /// A default list becomes a new file's: cuts it and `*mode` down to what both allow. True when bits say it all.
    bool inherit(u32* mode);

  private:
    AclEntry* find(AclTag tag);
    Vec<AclEntry> entries_;
};

/// The list of `inode`, or null. Errors of the file system.
Result<RefPtr<PosixAcl>> get_acl(const Inode& inode, const AclType& type);
/// Sets or (null) takes away a list, with the mode that belongs to it; with the inode's lock held.
Result<void> set_acl(Inode& inode, const AclType& type, RefPtr<PosixAcl> acl);
/// After a change of the mode's permission bits (chmod): the access list follows.
Result<void> acl_chmod(Inode& inode);
/// The umask that holds in `directory`: none where a default list says what new files get.
u32 umask_in(const Inode& directory);
/// What `directory`'s default list gives to `fresh`, made in it with the mode that was asked for.
Result<void> inherit_acls(const Inode& directory, Inode& fresh);
/// The same; where it fails the name is taken away again.
Result<void> inherit_or_remove(Inode& directory, const Name& name, Inode& fresh);
