// Open files of ext4, their sizes, holes and flags.
#include "core/string.h"
#include "fs/cached_file.h"
#include "fs/cred.h"
#include "fs/ext4/directory.h"
#include "fs/ext4/directory_reader.h"
#include "fs/ext4/extents.h"
#include "fs/open_file.h"
#include "fs/size_limit.h"
#include "mm/user_ptr.h"

using namespace ext4;

namespace {

constexpr u32 kIocGetFlags = 0x80086601;
constexpr u32 kIocSetFlags = 0x40086602;
constexpr u32 kIocGetVersion = 0x80087601;
constexpr int kFallocZeroRange = 0x10;

class Ext4File final : public CachedFile {
  public:
    explicit Ext4File(Ext4Inode& file_inode) : CachedFile(file_inode, *file_inode.pages) {}

    Result<loff_t> seek(loff_t offset, int whence) override {
        if (whence != SEEK_DATA && whence != SEEK_HOLE) return CachedFile::seek(offset, whence);
        if (offset < 0 || static_cast<u64>(offset) >= cache().size()) return Errno::ENXIO;
        const u64 found = TRY(node().next_data(static_cast<u64>(offset), whence == SEEK_HOLE));
        if (found == ~0ull) return Errno::ENXIO;
        position = static_cast<loff_t>(found);
        return loff_t{position};
    }
    Result<void> allocate(int mode, loff_t offset, loff_t length) override {
        return node().allocate_range(mode, static_cast<u64>(offset), static_cast<u64>(length));
    }
    Result<long> ioctl(u32 request, u64 argument) override { return node().ioctl(request, argument, *this); }

  protected:
    Result<void> check_write(IovIter& from, loff_t pos) override {
        TRY(CachedFile::check_write(from, pos));
        if (node().disk_flags & kInodeImmutable) return Errno::EPERM;
        const u64 most = node().fs().max_file_size(node().uses_extents());
        if (static_cast<u64>(pos) >= most) return Errno::EFBIG;
        from.truncate(most - static_cast<u64>(pos));
        return {};
    }
    void wrote() override {
        CachedFile::wrote();
        node().fields_dirty = true;
    }

  private:
    Ext4Inode& node() const { return static_cast<Ext4Inode&>(*inode); }
};

class Ext4DirFile final : public File {
  public:
    explicit Ext4DirFile(Ext4Inode& dir) : File(dir) {}
    Result<void> iterate(DirContext& context) override {
        return reader_.read(static_cast<Ext4Inode&>(*inode), context);
    }
    Result<long> ioctl(u32 request, u64 argument) override {
        return static_cast<Ext4Inode&>(*inode).ioctl(request, argument, *this);
    }

  private:
    Ext4DirReader reader_;  // under the directory's lock
};

}  // namespace

Result<RefPtr<File>> Ext4Inode::open(int open_flags) {
    const bool for_writing = (open_flags & O_ACCMODE) != O_RDONLY;
    if (for_writing && (disk_flags & kInodeImmutable)) return Errno::EPERM;
    if ((disk_flags & kInodeAppend) && ((for_writing && !(open_flags & O_APPEND)) || (open_flags & O_TRUNC)))
        return Errno::EPERM;
    if (is_regular()) return RefPtr<File>(TRY(make_ref<Ext4File>(*this)));
    if (is_dir()) return RefPtr<File>(TRY(make_ref<Ext4DirFile>(*this)));
    return Inode::open(open_flags);
}

void Ext4Inode::getattr(KernelStat* out) {
    Inode::getattr(out);
    out->st_blksize = fs().block_size;
}

Result<void> Ext4Inode::may_setattr() {
    return (disk_flags & (kInodeImmutable | kInodeAppend)) ? Result<void>(Errno::EPERM) : Result<void>();
}

/// A file's data has been written by who calls; here its metadata and what that hangs on.
Result<void> Ext4Inode::sync(bool data_only) {
    if (!is_regular() && !is_dir()) return Errno::EINVAL;
    if (fs().read_only) return {};
    if (!data_only || fields_dirty) TRY(write_if_dirty());
    MutexGuard guard(fs().lock);
    Ext4Super& super = fs();
    if (!super.journal.active()) {
        TRY(super.cache().sync());
        return super.options.barrier ? super.device->flush() : Result<void>();
    }
    if (sync_tid == super.journal.running_id() && !super.journal.empty()) return super.journal.commit();
    return super.options.barrier ? super.device->flush() : Result<void>();
}

Result<void> Ext4Inode::set_size(u64 new_size) {
    if (!is_regular()) return Inode::set_size(new_size);
    if (disk_flags & (kInodeImmutable | kInodeAppend)) return Errno::EPERM;
    if (new_size > size) {
        TRY(check_file_size(new_size));
        if (new_size > fs().max_file_size(uses_extents())) return Errno::EFBIG;
    }
    return cut_to(new_size);
}

/// Makes the file `new_size` long. A shorter one is an orphan while its blocks are freed, so that a power cut in
/// between is put right by the next mount.
Result<void> Ext4Inode::cut_to(u64 new_size) {
    const bool shorter = new_size < size;
    if (fs().read_only) return Errno::EROFS;
    // The rest of the last block must be zero before the file can grow over it again.
    if (shorter && (new_size & (fs().block_size - 1)) != 0) TRY(zero_page_part(new_size, size));
    pages->truncate(new_size);
    touch_mtime();
    Ext4Op op(fs());
    TRY(op.begin(kDeleteCredits));
    size = new_size;
    const bool cut = new_size < disk_size || shorter;
    disk_size = new_size;
    if (!cut) return write_to_disk(op);
    const bool was_orphan = orphan;
    TRY(fs().orphan_add(op, *this));
    TRY(write_to_disk(op));
    Result<void> done = truncate_blocks(op, new_size);
    if (!was_orphan) {
        Result<void> removed = fs().orphan_del(op, *this);
        if (done.ok()) done = std::move(removed);
    }
    Result<void> written = write_to_disk(op);
    return done.ok() ? std::move(written) : std::move(done);
}

/// Zeroes bytes [from, to) of the one page that `from` lies in, as far as there is data.
Result<void> Ext4Inode::zero_page_part(u64 from, u64 to) {
    const u64 page_end = (from & kPageMask) + kPageSize;
    to = min(to, page_end);
    if (from >= to) return {};
    bool in_cache = false;
    if (Page* there = pages->find(from >> kPageShift)) {
        in_cache = true;
        page_put(there);
    }
    if (!in_cache) {
        MutexGuard guard(fs().lock);
        const Ext4Mapping at = TRY(map(static_cast<u32>(from >> fs().block_bits), 1));
        if (at.kind != Ext4Mapping::Kind::kMapped) return {};
    }
    Page* page = TRY(pages->read_page(from >> kPageShift));
    pages->lock_page(page);
    if (page->mapping == pages.get()) {
        memset(static_cast<u8*>(page_address(page)) + (from & ~kPageMask), 0, to - from);
        pages->mark_dirty(page);
    }
    PageCache::unlock_page(page);
    page_put(page);
    return {};
}

/// Takes the data in [from, to) away: whole blocks become holes, parts of blocks zeroes.
Result<void> Ext4Inode::clear_range(u64 from, u64 to) {
    to = min(to, align_up(max(size, disk_size), fs().block_size));
    if (from >= to) return {};
    const u64 bs = fs().block_size;
    const u64 first = (from + bs - 1) / bs, end = to >= size ? (to + bs - 1) / bs : to / bs;
    if ((from & ~kPageMask) != 0 || to - from < kPageSize) TRY(zero_page_part(from, to));
    if ((to & ~kPageMask) != 0 && (to >> kPageShift) != (from >> kPageShift))
        TRY(zero_page_part(to & kPageMask, to));
    // Everything dirty goes to the disk first, so that no page has blocks reserved for what becomes a hole.
    TRY(pages->write_and_wait(from >> kPageShift, (to - 1) >> kPageShift));
    if (first < end) {
        pages->drop_range((first * bs) >> kPageShift, (end * bs - 1) >> kPageShift);
        Ext4Op op(fs());
        TRY(op.begin(kDeleteCredits));
        TRY(unmap(op, static_cast<u32>(first), static_cast<u32>(end - 1)));
        TRY(write_to_disk(op));
    }
    return {};
}

Result<void> Ext4Inode::preallocate(u64 from, u64 to) {
    if (!uses_extents()) return Errno::EOPNOTSUPP;
    const u32 bits = fs().block_bits;
    const u64 end = (to + fs().block_size - 1) >> bits;
    for (u64 block = from >> bits; block < end;) {
        Ext4Op op(fs());
        TRY(op.begin(kChangeCredits));
        const u32 want = static_cast<u32>(min<u64>(end - block, kMaxUnwrittenLen));
        Ext4Mapping at = TRY(map(static_cast<u32>(block), want));
        if (at.kind == Ext4Mapping::Kind::kHole) {
            at = TRY(allocate(op, static_cast<u32>(block), at.length, true, false));
            TRY(write_to_disk(op));
        }
        block += at.length;
    }
    return {};
}

Result<void> Ext4Inode::allocate_range(int mode_bits, u64 offset, u64 length) {
    if (mode_bits & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | kFallocZeroRange))
        return Errno::EOPNOTSUPP;
    MutexGuard guard(lock);
    if (fs().read_only) return Errno::EROFS;
    const u64 end = offset + length;
    if (end > fs().max_file_size(uses_extents())) return Errno::EFBIG;
    if (disk_flags & kInodeImmutable) return Errno::EPERM;
    if (mode_bits & FALLOC_FL_PUNCH_HOLE) {
        if ((mode_bits & FALLOC_FL_KEEP_SIZE) == 0) return Errno::EOPNOTSUPP;
        TRY(clear_range(offset, end));
        touch_mtime();
        return attributes_changed(false);
    }
    if (!uses_extents()) return Errno::EOPNOTSUPP;
    const bool grows = (mode_bits & FALLOC_FL_KEEP_SIZE) == 0 && end > size;
    if (grows) TRY(check_file_size(end));
    if (mode_bits & kFallocZeroRange) TRY(clear_range(offset, end));
    // Pages that wait for their blocks get them first: a block must not be counted twice.
    TRY(pages->write_and_wait(offset >> kPageShift, (end - 1) >> kPageShift));
    TRY(preallocate(offset, end));
    if (grows) {
        pages->set_size(end);
        size = disk_size = end;
    }
    touch_ctime();
    if (grows || (mode_bits & kFallocZeroRange)) touch_mtime();
    return attributes_changed(false);
}

Result<u64> Ext4Inode::next_data(u64 offset, bool hole) {
    // What waits in memory for its block is data: it goes out first.
    TRY(pages->write_and_wait());
    MutexGuard guard(fs().lock);
    const u32 bits = fs().block_bits;
    const u64 end = (size + fs().block_size - 1) >> bits;
    for (u64 block = offset >> bits; block < end;) {
        const Ext4Mapping at =
            TRY(map(static_cast<u32>(block), static_cast<u32>(min<u64>(end - block, 0x7fffffff))));
        if ((at.kind != Ext4Mapping::Kind::kMapped) == hole) return max(offset, block << bits);
        block += at.length;
    }
    return hole ? u64{size} : ~0ull;
}

Result<void> Ext4Inode::set_flags(u32 wanted) {
    if (!capable_over(*this, kCapFowner) && current_cred().fsuid != uid) return Errno::EPERM;
    if (fs().read_only) return Errno::EROFS;
    MutexGuard guard(lock);
    wanted &= is_dir() ? ~0u : ~(kInodeDirsync | kInodeTopdir);
    const u32 changed = wanted ^ disk_flags;
    if ((changed & (kInodeImmutable | kInodeAppend)) && !current_cred().has(kCapLinuxImmutable))
        return Errno::EPERM;
    if (changed & kInodeUserVisible & ~kInodeUserModifiable & wanted) return Errno::EOPNOTSUPP;
    if (changed & (kInodeExtents | kInodeJournalData) & kInodeUserModifiable) return Errno::EOPNOTSUPP;
    disk_flags = (disk_flags & ~kInodeUserModifiable) | (wanted & kInodeUserModifiable);
    touch_ctime();
    return attributes_changed(false);
}

Result<long> Ext4Inode::ioctl(u32 request, u64 argument, File& file) {
    switch (request) {
        case kIocGetFlags:
            TRY(UserPtr<u32>(argument).write(disk_flags & kInodeUserVisible));
            return 0l;
        case kIocSetFlags: {
            const u32 wanted = TRY(UserPtr<u32>(argument).read());
            TRY(set_flags(wanted));
            return 0l;
        }
        case kIocGetVersion:
            TRY(UserPtr<u32>(argument).write(generation));
            return 0l;
        default:
            return file.File::ioctl(request, argument);
    }
}
