// The mount API of file descriptors (fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr; Linux,
// Documentation/filesystems/mount_api.rst): a file system is configured step by step, mounted nowhere first, and then attached.
//
// Options are collected and given to the file system when it is created, so that a wrong one is told then.
#pragma once

#include "fs/file.h"
#include "fs/mount.h"
#include "fs/vfs.h"

/// What is mounted, as a descriptor: a path alone. A tree that is attached nowhere goes with the last reference.
Result<RefPtr<File>> make_tree_file(const Path& path, RefPtr<MntNamespace> tree);

/// A file system that is being configured: what fsopen and fspick give.
class FsContext final : public File {
  public:
    enum class Phase : u8 { kParameters, kCreated, kMounted, kReconfigure, kFailed };

    explicit FsContext(Inode& file_inode) : File(file_inode) {}
    Result<size_t> read(IovIter&, loff_t&) override { return Errno::ENODATA; }  // no messages
    bool has_write() const override { return false; }
    bool is_stream() const override { return true; }
    FsContext* as_fs_context() override { return this; }

    /// "ro", "source", or one of the file system's own; `value` may be null. EINVAL, ENOMEM, EBUSY.
    Result<void> set(const char* key, const char* value);
    /// FSCONFIG_CMD_CREATE and FSCONFIG_CMD_RECONFIGURE. EBUSY out of turn; else the file system's.
    Result<void> create();
    Result<void> reconfigure();
    /// A mount of what was created, with MS_… flags. EINVAL, EBUSY.
    Result<RefPtr<Mount>> mount(u64 mount_flags);

    const FileSystemType* type = nullptr;  ///< of fsopen
    RefPtr<SuperBlock> super;              ///< created, or picked
    Phase phase = Phase::kParameters;

  private:
    Mutex lock_{LockRank::kFsContext};  // bare: over a step as a whole
    KString source_, options_;
    bool has_source_ = false;
    u64 super_flags_ = 0;
    u64 flags_given_ = 0;  // which were set or cleared
};
