// An open regular file of an overlay: it works through an open file of the real inode, the lower one until a copy was made.
// What was mapped before that stays the lower file's, as Linux has it.
#include "fs/cached_file.h"
#include "fs/overlay/overlay.h"
#include "fs/size_limit.h"

namespace {

class OvlFile final : public File {
  public:
    OvlFile(OvlInode& file_inode, RefPtr<File> real_file, bool is_upper)
        : File(file_inode), opened_(std::move(real_file)), opened_upper_(is_upper) {}
    ~OvlFile() override {
        if (reopened_) reopened_->unref();
    }

    Result<size_t> read(IovIter& to, loff_t& pos) override {
        File& file = *TRY(real());
        const size_t n = TRY(file.read(to, pos));
        const bool counts = (flags & O_NOATIME) == 0 && path.mount && !path.mount->read_only() &&
                            (path.mount->flags & MS_NOATIME) == 0;
        if (counts && node().upper()) update_atime(*file.inode);
        return size_t{n};
    }
    Result<size_t> write(IovIter& from, loff_t& pos) override {
        File& file = *TRY(real());
        const size_t n = TRY(file.write(from, pos));
        if (inode->mode & (S_ISUID | S_ISGID)) {  // the real one has lost them
            MutexGuard guard(inode->lock);
            inode->mode = file.inode->mode;
        }
        return size_t{n};
    }
    Result<loff_t> seek(loff_t offset, int whence) override {
        File& file = *TRY(real());
        file.position = position;
        const loff_t moved = TRY(file.seek(offset, whence));
        position = file.position;
        return loff_t{moved};
    }
    Result<long> ioctl(u32 request, u64 argument) override { return TRY(real())->ioctl(request, argument); }
    Result<void> sync(bool data_only) override {
        return node().upper() ? TRY(real())->sync(data_only) : Result<void>();
    }
    Result<void> allocate(int mode, loff_t offset, loff_t length) override {
        return TRY(real())->allocate(mode, offset, length);
    }
    Result<void> check_flags(int new_flags) override { return TRY(real())->check_flags(new_flags); }
    CachedFile* as_cached_file() override {
        Result<File*> file = real();
        return file.ok() ? file.value()->as_cached_file() : nullptr;
    }
    MemoryObject* memory_object() override {
        Result<File*> file = real();
        return file.ok() ? file.value()->memory_object() : nullptr;
    }

  private:
    OvlInode& node() const { return static_cast<OvlInode&>(*inode); }

    /// The real file that is up to date, with this one's flags.
    Result<File*> real() {
        File* file = opened_.get();
        if (!opened_upper_ && node().upper()) file = TRY(upper_file());
        file->flags = flags;
        return file;
    }
    Result<File*> upper_file() {
        if (File* there = __atomic_load_n(&reopened_, __ATOMIC_ACQUIRE)) return there;
        RefPtr<File> fresh = TRY(node().upper()->inode().open(flags & ~(O_CREAT | O_EXCL | O_TRUNC)));
        File* none = nullptr;
        if (__atomic_compare_exchange_n(&reopened_, &none, fresh.get(), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return fresh.leak();
        return none;  // somebody was faster
    }

    RefPtr<File> opened_;
    const bool opened_upper_;
    File* reopened_ = nullptr;  // a reference; set once
};

}  // namespace

Result<RefPtr<File>> ovl_open_regular(OvlInode& inode, int flags) {
    const bool is_upper = inode.upper() != nullptr;
    Inode& from = is_upper ? inode.upper()->inode() : inode.lowers()[0]->inode();
    RefPtr<File> real = TRY(from.open(flags & ~(O_CREAT | O_EXCL | O_TRUNC)));
    return RefPtr<File>(TRY(make_ref<OvlFile>(inode, std::move(real), is_upper)));
}
