// Configuring a file system step by step (fs/fs_context.h).
#include "fs/fs_context.h"

#include "core/string.h"

namespace {

class TreeFile final : public File {
  public:
    TreeFile(Inode& file_inode, RefPtr<MntNamespace> tree) : File(file_inode), tree_(std::move(tree)) {}

  private:
    RefPtr<MntNamespace> tree_;
};

}  // namespace

Result<RefPtr<File>> make_tree_file(const Path& path, RefPtr<MntNamespace> tree) {
    RefPtr<File> file = TRY(make_ref<TreeFile>(path.inode(), std::move(tree)));
    file->path = path;
    file->flags = O_PATH;
    return file;
}

Result<void> FsContext::set(const char* key, const char* value) {
    // What every file system has (Linux, fs/fs_context.c).
    static constexpr struct {
        const char* key;
        u64 set, clear;
    } kFlags[] = {{"ro", MS_RDONLY, 0},
                  {"rw", 0, MS_RDONLY},
                  {"sync", MS_SYNCHRONOUS, 0},
                  {"async", 0, MS_SYNCHRONOUS}};
    MutexGuard guard(lock_);
    if (phase != Phase::kParameters && phase != Phase::kReconfigure) return Errno::EBUSY;
    for (const auto& flag : kFlags) {
        if (strcmp(flag.key, key) != 0) continue;
        super_flags_ = (super_flags_ | flag.set) & ~flag.clear;
        flags_given_ |= flag.set | flag.clear;
        return {};
    }
    if (strcmp(key, "source") == 0) {
        if (!value || has_source_) return Errno::EINVAL;
        source_ = TRY(KString::make(value));
        has_source_ = true;
        return {};
    }
    if (strchr(key, ',') || (value && strchr(value, ',')) || options_.size() > 4000) return Errno::EINVAL;
    if (!options_.empty()) TRY(options_.append(","));
    TRY(options_.append(key));
    return value ? options_.appendf("=%s", value) : Result<void>();
}

Result<void> FsContext::create() {
    MutexGuard guard(lock_);
    if (phase != Phase::kParameters) return Errno::EBUSY;
    Result<RefPtr<SuperBlock>> made =
        make_instance(*type, has_source_ ? source_.c_str() : nullptr, super_flags_, options_.c_str());
    phase = made.ok() ? Phase::kCreated : Phase::kFailed;
    super = TRY(std::move(made));
    return {};
}

Result<void> FsContext::reconfigure() {
    MutexGuard guard(lock_);
    if (phase != Phase::kReconfigure) return Errno::EBUSY;
    const u64 before = super->read_only ? MS_RDONLY : 0;
    return remount_instance(*super, super_flags_ | (before & ~flags_given_), options_.c_str());
}

Result<RefPtr<Mount>> FsContext::mount(u64 mount_flags) {
    MutexGuard guard(lock_);
    if (!super) return Errno::EINVAL;
    if (phase != Phase::kCreated) return Errno::EBUSY;
    RefPtr<Mount> made =
        TRY(Mount::make(super, super->root, has_source_ ? source_.c_str() : "none", mount_flags));
    phase = Phase::kMounted;
    super.reset();
    return made;
}
