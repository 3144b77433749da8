// Reading and writing a regular tmpfs file, seeking over its holes, fallocate, and memfd's seals.
#include "core/string.h"
#include "fs/cred.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/open_file.h"
#include "fs/size_limit.h"
#include "fs/tmpfs/tmpfs.h"
#include "sched/sched.h"

namespace {

class TmpfsFile final : public File {
  public:
    explicit TmpfsFile(TmpfsInode& file_inode) : File(file_inode) {}

    Result<size_t> read(IovIter& to, loff_t& pos) override;
    Result<size_t> write(IovIter& from, loff_t& pos) override;
    Result<loff_t> seek(loff_t offset, int whence) override;
    Result<void> allocate(int mode, loff_t offset, loff_t length) override;
    Result<void> check_flags(int new_flags) override {
        return (new_flags & O_DIRECT) ? Result<void>(Errno::EINVAL) : Result<void>();
    }

  private:
    TmpfsInode& node() const { return static_cast<TmpfsInode&>(*inode); }
};

Result<size_t> TmpfsFile::read(IovIter& to, loff_t& pos) {
    TmpfsPages& pages = *node().pages;
    size_t done = 0;
    u64 at = static_cast<u64>(pos);
    // Not under the inode's lock: a reader does not wait for writers, and the size is looked at page by page.
    while (to.remaining() > 0 && at < pages.size()) {
        const u64 in_page = at & ~kPageMask;
        const size_t n = min<u64>(min<u64>(kPageSize - in_page, pages.size() - at), to.remaining());
        size_t moved;
        if (Page* page = pages.peek_page(at >> kPageShift)) {
            moved = to.copy_to(static_cast<u8*>(page_address(page)) + in_page, n);
            page_put(page);
        } else {
            moved = to.zero(n);
        }
        done += moved;
        at += moved;
        if (moved < n) {
            if (done == 0) return Errno::EFAULT;
            break;
        }
        cond_resched();
    }
    pos = static_cast<loff_t>(at);
    if ((flags & O_NOATIME) == 0 && path.mount && (path.mount->flags & MS_NOATIME) == 0) update_atime(*inode);
    return size_t{done};
}

Result<size_t> TmpfsFile::write(IovIter& from, loff_t& pos) {
    TmpfsInode& file = node();
    TmpfsPages& pages = *file.pages;
    MutexGuard guard(file.lock);
    if (flags & O_APPEND) pos = static_cast<loff_t>(file.size);
    if (from.remaining() == 0) return size_t{0};
    if (file.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return Errno::EPERM;
    if ((file.seals & F_SEAL_GROW) && static_cast<u64>(pos) + from.remaining() > file.size) {
        if (static_cast<u64>(pos) >= file.size) return Errno::EPERM;
        from.truncate(file.size - static_cast<u64>(pos));
    }
    TRY(limit_write_size(from, pos));
    size_t done = 0;
    u64 at = static_cast<u64>(pos);
    Errno trouble = Errno::OK;
    while (from.remaining() > 0) {
        const u64 in_page = at & ~kPageMask;
        const size_t n = min<u64>(kPageSize - in_page, from.remaining());
        Result<Page*> page = pages.ensure_page(at >> kPageShift);
        if (!page.ok()) {
            trouble = page.error();
            break;
        }
        const size_t moved = from.copy_from(static_cast<u8*>(page_address(page.value())) + in_page, n);
        page_put(page.value());
        done += moved;
        at += moved;
        if (moved < n) {
            trouble = Errno::EFAULT;
            break;
        }
        cond_resched();
    }
    if (done == 0) return trouble;
    pages.grow_size(at);
    file.size = pages.size();
    drop_set_ids(file);
    file.touch_mtime();
    pos = static_cast<loff_t>(at);
    return size_t{done};
}

Result<loff_t> TmpfsFile::seek(loff_t offset, int whence) {
    if (whence != SEEK_DATA && whence != SEEK_HOLE) return File::seek(offset, whence);
    TmpfsPages& pages = *node().pages;
    if (offset < 0 || static_cast<u64>(offset) >= pages.size()) return Errno::ENXIO;
    const u64 start = static_cast<u64>(offset);
    const u64 target = whence == SEEK_DATA ? pages.next_data(start) : pages.next_hole(start);
    if (target >= pages.size() && whence == SEEK_DATA) return Errno::ENXIO;
    position = static_cast<loff_t>(target);
    return loff_t{position};
}

Result<void> TmpfsFile::allocate(int mode, loff_t offset, loff_t length) {
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) return Errno::EOPNOTSUPP;
    TmpfsInode& file = node();
    TmpfsPages& pages = *file.pages;
    const u64 from = static_cast<u64>(offset);
    const u64 to = from + static_cast<u64>(length);
    MutexGuard guard(file.lock);
    if (mode & FALLOC_FL_PUNCH_HOLE) {
        if ((mode & FALLOC_FL_KEEP_SIZE) == 0) return Errno::EOPNOTSUPP;
        if (file.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return Errno::EPERM;
        pages.punch(from, to);
        file.touch_mtime();
        return {};
    }
    if ((file.seals & F_SEAL_GROW) && to > file.size) return Errno::EPERM;
    if (to > task_rlimit(kRlimitFsize) && to > file.size) return Errno::EFBIG;
    const u64 limit = file.page_limit();
    if (limit && static_cast<u64>(length) >> kPageShift > limit) return Errno::ENOSPC;
    for (u64 i = from >> kPageShift; i < (to + kPageSize - 1) >> kPageShift; i++) {
        page_put(TRY(pages.ensure_page(i)));
        if (signal_pending(current())) return Errno::EINTR;
    }
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0) {
        pages.grow_size(to);
        file.size = pages.size();
    }
    file.touch_ctime();
    return {};
}

}  // namespace

Result<RefPtr<File>> TmpfsInode::open(int flags) {
    if (!is_regular()) return Inode::open(flags);
    if (flags & O_DIRECT) return Errno::EINVAL;
    return RefPtr<File>(TRY(make_ref<TmpfsFile>(*this)));
}

Result<void> TmpfsInode::set_size(u64 new_size) {
    if (!is_regular()) return Inode::set_size(new_size);
    if ((seals & F_SEAL_SHRINK) && new_size < size) return Errno::EPERM;
    if ((seals & F_SEAL_GROW) && new_size > size) return Errno::EPERM;
    if (new_size > size) TRY(check_file_size(new_size));
    pages->set_size(new_size);
    size = new_size;
    touch_mtime();
    return {};
}

u64 TmpfsInode::page_limit() const {
    return super().quota->max_pages;
}

i64 TmpfsInode::block_count() const {
    return pages ? static_cast<i64>(pages->page_count() * (kPageSize / 512)) : 0;
}
