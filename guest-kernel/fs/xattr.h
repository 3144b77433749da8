// Extended attributes (xattr(7)): the checks that hold on every file system, and a store in memory for those
// that keep none on a disk.
//
// A file system overrides Inode::getxattr, setxattr, removexattr and listxattr with whole names
// ("trusted.overlay.opaque"). ACLs come to it as the attributes "system.posix_acl_access" and
// "system.posix_acl_default", already checked, in the form of user space (fs/posix_acl.h).
//
// Guarantees: name, namespace and permissions have been checked, and the file's `lock` is held for changes;
// reading takes no lock but the file system's own.
#pragma once

#include "core/list.h"
#include "core/unique.h"
#include "fs/inode.h"
#include "sync/guarded.h"

constexpr size_t kXattrNameMax = 255;
constexpr size_t kXattrSizeMax = 65536;
constexpr size_t kXattrListMax = 65536;
constexpr int kXattrCreate = 1;
constexpr int kXattrReplace = 2;

constexpr const char* kXattrCapability = "security.capability";

/// setxattr(2) and its kin below their system calls. `size` is at most kXattrSizeMax.
Result<void> vfs_setxattr(const Path& path, const char* name, const void* value, size_t size, int flags);
/// The value's size; it is copied to `buffer` unless `size` is 0. ENODATA, ERANGE.
Result<size_t> vfs_getxattr(Inode& inode, const char* name, void* buffer, size_t size);
Result<void> vfs_removexattr(const Path& path, const char* name);
/// Appends the names, each with its NUL.
Result<void> vfs_listxattr(Inode& inode, KString& names);

/// A write or a change of owner takes a file's capabilities away. With the inode's lock held.
void drop_file_capabilities(Inode& inode);

/// Is `name` of the namespace `prefix` ("user.")? `*rest` is what follows.
bool xattr_in(const char* name, const char* prefix, const char** rest = nullptr);

/// Attributes in memory, the newest first.
class MemoryXattrs {
  public:
    Result<size_t> get(const char* name, void* buffer, size_t size);
    Result<void> set(const char* name, const void* value, size_t size, int flags);
    Result<void> remove(const char* name);
    Result<void> list(KString& names);

  private:
    struct Entry;
    struct State {
        ListNode entries;
        ~State();
    };
    static Entry* find(State& state, const char* name);
    Guarded<State, LockRank::kXattrs> state_;
};
