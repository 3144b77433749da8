// Extended attributes of tmpfs (tmpfs(5)): trusted.*, security.* and the ACLs, in memory. Like Linux 6.1's it
// has no user.*: an unprivileged program could fill the memory with them.
#include "core/string.h"
#include "fs/posix_acl.h"
#include "fs/tmpfs/tmpfs.h"

namespace {

Result<void> kept_here(const char* name) {
    if (acl_type(name)) return {};
    const char* rest;
    if (!xattr_in(name, "trusted.", &rest) && !xattr_in(name, "security.", &rest)) return Errno::EOPNOTSUPP;
    return *rest ? Result<void>() : Result<void>(Errno::EINVAL);
}

}  // namespace

Result<size_t> TmpfsInode::getxattr(const char* name, void* buffer, size_t buffer_size) {
    TRY(kept_here(name));
    return xattrs.get(name, buffer, buffer_size);
}

Result<void> TmpfsInode::setxattr(const char* name, const void* value, size_t value_size, int flags) {
    TRY(kept_here(name));
    TRY(xattrs.set(name, value, value_size, flags));
    touch_ctime();
    return {};
}

Result<void> TmpfsInode::removexattr(const char* name) {
    TRY(kept_here(name));
    TRY(xattrs.remove(name));
    touch_ctime();
    return {};
}
