// Inode: a file of any kind, whatever file system it lives on; and SuperBlock, one mounted instance of a
// type.
//
// A file system derives from both and overrides what it supports; the defaults answer as Linux does for an
// operation that is not there. Rules:
//   - the VFS checks names, permissions, mounts and locks; an operation may trust its arguments.
//   - create, mknod, mkdir, symlink, link, unlink, rmdir and rename are called with the directory's (for
//   rename,
//     both directories') `lock` held; lookup and iterate too. set_size and the data of a file are under the
//     file's own `lock`.
#pragma once

#include "abi/stat.h"
#include "core/list.h"
#include "core/refcount.h"
#include "core/string_buf.h"
#include "fs/name.h"
#include "fs/path.h"
#include "sync/mutex.h"
#include "task/user_namespace.h"
#include "time/clock.h"

class BlockDevice;
class File;
class DirContext;
class Pipe;
struct FileLocks;
struct MemoryObject;
class SuperBlock;

constexpr dev_t make_dev(u32 major, u32 minor) {  // the encoding user land sees (makedev(3))
    return (u64{major & 0xfffff000u} << 32) | ((major & 0xfffu) << 8) | (u64{minor & 0xffffff00u} << 12) |
           (minor & 0xffu);
}
constexpr u32 dev_major(dev_t dev) {
    return static_cast<u32>(((dev >> 32) & 0xfffff000u) | ((dev >> 8) & 0xfffu));
}
constexpr u32 dev_minor(dev_t dev) {
    return static_cast<u32>(((dev >> 12) & 0xffffff00u) | (dev & 0xffu));
}

class Inode : public RefCounted {
  public:
    Inode(SuperBlock* super, u64 number, u32 file_mode);
    /// With a rank for its lock: of a file system that uses other inodes below it.
    Inode(SuperBlock* super, u64 number, u32 file_mode, LockRank rank);
    ~Inode() override;

    bool is_dir() const { return S_ISDIR(mode); }
    bool is_regular() const { return S_ISREG(mode); }
    bool is_symlink() const { return S_ISLNK(mode); }

    // Directories. Each answers ENOTDIR or EPERM unless overridden.
    /// The inode of `name`, or ENOENT.
    virtual Result<RefPtr<Inode>> lookup(const Name& name);
    /// A new regular file, device, fifo, socket node (by the type in `new_mode`) owned as `init_owner` says.
    virtual Result<RefPtr<Inode>> mknod(const Name& name, u32 new_mode, dev_t device);
    virtual Result<RefPtr<Inode>> mkdir(const Name& name, u32 new_mode);
    virtual Result<RefPtr<Inode>> symlink(const Name& name, const char* target);
    virtual Result<void> link(const Name& name, Inode& existing);
    virtual Result<void> unlink(const Name& name, Inode& victim);
    virtual Result<void> rmdir(const Name& name, Inode& victim);
    /// `victim` is what the new name stands for now, or null. With RENAME_EXCHANGE both change places.
    virtual Result<void> rename(const Name& from, Inode& moved, Inode& to_dir, const Name& to, Inode* victim,
                                u32 flags);
    /// A file without a name (O_TMPFILE).
    virtual Result<RefPtr<Inode>> tmpfile(u32 new_mode);
    /// Lists entries from context.position on (fs/dir_context.h).
    virtual Result<void> iterate(DirContext& context);
    /// False when a cached name may have gone stale (procfs: the process is gone).
    virtual bool still_valid() { return true; }
    /// Names in this directory may be kept in the cache after their last user.
    virtual bool cache_names() const { return true; }

    // Symbolic links.
    /// The target's text.
    virtual Result<KString> readlink();
    /// A link that leads to an object and not through its text (/proc/PID/fd/N); an empty Path means "use the
    /// text".
    virtual Result<Path> follow_magic() { return Path{}; }

    // Any file.
    /// The open file for `flags` (the VFS fills in path and flags afterwards).
    virtual Result<RefPtr<File>> open(int flags);
    virtual Result<void> set_size(u64 new_size);
    /// Fills `out`; the default takes it from the fields.
    virtual void getattr(KernelStat* out);
    /// When it was made, for statx(2); null when the file system does not know.
    virtual const timespec64* birth_time() const { return nullptr; }
    /// Before mode, owner or times are changed; procfs refuses with EPERM.
    virtual Result<void> may_setattr() { return {}; }
    /// After mode, owner or times were changed: what has them on a disk writes them, `lazily` when that can wait.
    virtual Result<void> attributes_changed(bool /*lazily*/) { return {}; }
    virtual MemoryObject* memory_object() { return nullptr; }
    /// fsync(2) of the file or directory; `data_only`: fdatasync(2). EINVAL when the file system has nothing of the
    /// kind.
    virtual Result<void> sync(bool /*data_only*/) { return Errno::EINVAL; }

    // Extended attributes (fs/xattr.h); EOPNOTSUPP, and no names, unless overridden.
    /// The value's size; the value goes to `buffer` unless `size` is 0. ENODATA, ERANGE (`size` too small).
    virtual Result<size_t> getxattr(const char* name, void* buffer, size_t size);
    /// `flags`: kXattrCreate (EEXIST), kXattrReplace (ENODATA). ENOSPC.
    virtual Result<void> setxattr(const char* name, const void* value, size_t size, int flags);
    /// ENODATA.
    virtual Result<void> removexattr(const char* name);
    /// Appends the names, each with its NUL.
    virtual Result<void> listxattr(KString& names);

    virtual i64 block_count() const { return (static_cast<i64>(size) + 511) / 512; }

    void touch_mtime();  ///< mtime and ctime = now
    void touch_ctime();
    void touch_atime();
    void init_owner(
        Inode& directory);  ///< owner, group and set-group-ID as a new file in `directory` has them

    /// ETXTBSY rules: writers and executors exclude each other.
    Result<void> get_write_access();
    void put_write_access() { __atomic_sub_fetch(&write_count, 1, __ATOMIC_ACQ_REL); }
    Result<void> deny_write_access();
    void allow_write_access() { __atomic_add_fetch(&write_count, 1, __ATOMIC_ACQ_REL); }

    SuperBlock* sb;
    u64 ino;
    u32 mode;
    u32 uid = 0;
    u32 gid = 0;
    u32 nlink = 1;
    bool linkable = false;  ///< without a name, but linkat may give it one (O_TMPFILE without O_EXCL)
    dev_t rdev = 0;
    u64 size = 0;
    timespec64 atime{};
    timespec64 mtime{};
    timespec64 ctime{};
    Mutex lock;                        ///< bare: over an operation as a whole; its rank depends on the kind
    int write_count = 0;               ///< open writers; negative: being executed that many times
    FileLocks* locks = nullptr;        ///< record and flock locks (fs/file_locks.h), made at first use
    ListNode watches;                  ///< inotify\'s, under its lock (fs/inotify.cpp)
    RefPtr<Pipe> pipe;                 ///< an open fifo's pipe (fs/pipe.h)
    bool no_capabilities = false;      ///< known to have no file capabilities; under `lock`
    mutable u8 acl_state[2] = {0, 0};  ///< what is known of its two ACLs (fs/posix_acl.cpp); atomic
};

/// A device number of no device, for st_dev; no other has it.
dev_t anonymous_device();

class SuperBlock : public RefCounted {
  public:
    SuperBlock(const char* fs_type, i64 fs_magic);
    ~SuperBlock() override;
    virtual Result<void> statfs(KernelStatfs* out);
    /// Options for /proc/mounts, beginning with a comma (",size=1024k"), or nothing.
    virtual Result<void> show_options(KString& /*out*/) { return {}; }
    /// sync(2), syncfs(2), before a change to read-only and before the last unmount: all that was written so far is
    /// on stable storage afterwards. EIO.
    virtual Result<void> sync() { return {}; }
    /// mount -o remount,DATA; `flags`: MS_RDONLY and its kin. EINVAL for an option it does not know, EROFS.
    virtual Result<void> remount(u64 /*flags*/, const char* /*data*/) { return {}; }

    const char* type;
    i64 magic;
    dev_t dev;                           ///< anonymous: major 0; on a block device that device's number
    RefPtr<BlockDevice> mounted_device;  ///< what it lies on, claimed while it is mounted; null: nothing
    RefPtr<UserNamespace> user_ns;       ///< whose ids its files may have; null: the first's, so any
    RefPtr<Dentry> root;                 ///< broken up by SuperBlock::shutdown
    bool read_only = false;
    u64 next_ino = 1;

    /// Drops the root and every cached name of this instance; after the last mount is gone.
    void shutdown();
};
