// An open block device: its data through the device's own page cache, and its ioctls (ioctl_list(2), <linux/fs.h>).
#include "block/block_registry.h"
#include "fs/block_pages.h"
#include "fs/cached_file.h"
#include "fs/cred.h"
#include "mm/user_ptr.h"

namespace {

enum Request : u32 {
    BLKROSET = 0x125d,
    BLKROGET = 0x125e,
    BLKRRPART = 0x125f,
    BLKGETSIZE = 0x1260,
    BLKFLSBUF = 0x1261,
    BLKRASET = 0x1262,
    BLKRAGET = 0x1263,
    BLKFRASET = 0x1264,
    BLKFRAGET = 0x1265,
    BLKSECTGET = 0x1267,
    BLKSSZGET = 0x1268,
    BLKDISCARD = 0x1277,
    BLKIOMIN = 0x1278,
    BLKIOOPT = 0x1279,
    BLKALIGNOFF = 0x127a,
    BLKPBSZGET = 0x127b,
    BLKDISCARDZEROES = 0x127c,
    BLKROTATIONAL = 0x127e,
    BLKZEROOUT = 0x127f,
    BLKBSZGET = 0x80081270,
    BLKBSZSET = 0x40081271,
    BLKGETSIZE64 = 0x80081272,
    HDIO_GETGEO = 0x301,
};

struct Geometry {  // struct hd_geometry
    u8 heads, sectors;
    u16 cylinders;
    u64 start;
};

class BlockFile final : public CachedFile {
  public:
    BlockFile(Inode& node, RefPtr<BlockDevice> device, BlockPages& pages)
        : CachedFile(node, pages, device->logical_block_size()), device_(std::move(device)) {
        device_->add_opener();
    }
    ~BlockFile() override { device_->remove_opener(); }
    Result<long> ioctl(u32 request, u64 argument) override;
    Result<void> sync(bool) override {
        cache().write_back(0, ~0ull, true);
        cache().wait_range(0, ~0ull);
        TRY(check_error());
        return device_->flush();
    }
    Result<void> allocate(int mode, loff_t offset, loff_t length) override;

  protected:
    Result<void> check_write(IovIter& from, loff_t pos) override;
    void wrote() override {}

  private:
    Result<void> flush_buffers();
    Result<void> discard_range(u64 argument, bool zero);
    Result<void> zero(u64 start, u64 length);

    RefPtr<BlockDevice> device_;
};

Result<void> BlockFile::check_write(IovIter& from, loff_t pos) {
    const u64 end = data_end();
    if (static_cast<u64>(pos) >= end) return Errno::ENOSPC;
    from.truncate(end - static_cast<u64>(pos));
    return {};
}

Result<void> BlockFile::flush_buffers() {
    TRY(cache().write_and_wait());
    cache().invalidate(0, ~0ull - 1);
    return {};
}

Result<void> BlockFile::zero(u64 start, u64 length) {
    constexpr u32 kPiece = 64 * 1024;
    u8* zeroes = static_cast<u8*>(kzalloc(kPiece));
    if (!zeroes) return Errno::ENOMEM;
    Result<void> done;
    for (u64 at = start; at < start + length && done.ok(); at += kPiece) {
        done = device_->write(at >> kSectorShift, zeroes,
                              static_cast<u32>(min<u64>(kPiece, start + length - at)));
    }
    kfree(zeroes);
    return done;
}

/// BLKDISCARD and BLKZEROOUT: `argument` points at the first byte and the length.
Result<void> BlockFile::discard_range(u64 argument, bool zeroes) {
    struct Range {
        u64 start, length;
    };
    if (!writable()) return Errno::EBADF;
    const Range r = TRY(UserPtr<Range>(argument).read());
    const u64 mask = device_->logical_block_size() - 1;
    u64 end;
    if (((r.start | r.length) & mask) != 0 || __builtin_add_overflow(r.start, r.length, &end))
        return Errno::EINVAL;
    if (end > device_->bytes()) return Errno::EINVAL;
    if (!zeroes && !device_->can_discard()) return Errno::EOPNOTSUPP;
    if (r.length == 0) return {};
    TRY(cache().write_and_wait(r.start >> kPageShift, (end - 1) >> kPageShift));
    cache().invalidate(r.start >> kPageShift, (end - 1) >> kPageShift);
    if (zeroes) return zero(r.start, r.length);
    return device_->discard(r.start >> kSectorShift, r.length >> kSectorShift);
}

Result<void> BlockFile::allocate(int mode, loff_t offset, loff_t length) {
    const u64 mask = device_->logical_block_size() - 1;
    const u64 start = static_cast<u64>(offset), end = start + static_cast<u64>(length);
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_PUNCH_HOLE &&
        (mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_ZERO_RANGE)
        return Errno::EOPNOTSUPP;
    if (end > device_->bytes() || ((start | end) & mask) != 0) return Errno::EINVAL;
    TRY(cache().write_and_wait(start >> kPageShift, (end - 1) >> kPageShift));
    cache().invalidate(start >> kPageShift, (end - 1) >> kPageShift);
    return zero(start, end - start);
}

template <class T>
Result<long> give(u64 argument, T value) {
    TRY(UserPtr<T>(argument).write(value));
    return 0L;
}

Result<long> BlockFile::ioctl(u32 request, u64 argument) {
    BlockDevice& d = *device_;
    const bool admin = current_cred().has(kCapSysAdmin);
    switch (request) {
        case BLKGETSIZE64:
            return give<u64>(argument, d.bytes());
        case BLKGETSIZE:
            return give<u64>(argument, d.sectors());
        case BLKSSZGET:
            return give<i32>(argument, static_cast<i32>(d.logical_block_size()));
        case BLKPBSZGET:
        case BLKIOMIN:
            return give<u32>(argument, d.physical_block_size());
        case BLKBSZGET:
            return give<i32>(argument, 4096);
        case BLKBSZSET: {
            if (!admin) return Errno::EACCES;
            const i32 size = TRY(UserPtr<i32>(argument).read());
            return size < 512 || size > 4096 || (size & (size - 1)) ? Result<long>(Errno::EINVAL)
                                                                    : Result<long>(0L);
        }
        case BLKIOOPT:
        case BLKDISCARDZEROES:
            return give<u32>(argument, 0);
        case BLKALIGNOFF:
            return give<i32>(argument, 0);
        case BLKROTATIONAL:
            return give<u16>(argument, 0);
        case BLKSECTGET:
            return give<u16>(argument, 2560);
        case BLKRAGET:
        case BLKFRAGET:
            return give<u64>(argument, 256);
        case BLKRASET:
        case BLKFRASET:
            return admin ? Result<long>(0L) : Result<long>(Errno::EACCES);
        case BLKROGET:
            return give<i32>(argument, d.read_only());
        case BLKROSET:
            if (!admin) return Errno::EACCES;
            d.set_read_only(TRY(UserPtr<i32>(argument).read()) != 0);
            return 0L;
        case BLKFLSBUF:
            if (!admin) return Errno::EACCES;
            TRY(flush_buffers());
            return 0L;
        case BLKRRPART:
            if (!admin) return Errno::EACCES;
            TRY(cache().write_and_wait());
            TRY(rescan_partitions(d));
            return 0L;
        case BLKDISCARD:
            TRY(discard_range(argument, false));
            return 0L;
        case BLKZEROOUT:
            TRY(discard_range(argument, true));
            return 0L;
        case HDIO_GETGEO:
            return give<Geometry>(argument, {64, 32, static_cast<u16>(d.sectors() >> 11), 0});
        default:
            return d.ioctl(*this, request, argument);
    }
}

}  // namespace

Result<RefPtr<File>> open_block_device(Inode& inode, int flags) {
    RefPtr<BlockDevice> device = find_block_device(inode.rdev);
    if (!device) return Errno::ENXIO;
    const bool writes = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
    if (writes && device->read_only()) return Errno::EACCES;
    if ((flags & O_EXCL) && device->claimed()) return Errno::EBUSY;
    BlockPages* pages = TRY(device->pages());
    return RefPtr<File>(TRY(make_ref<BlockFile>(inode, std::move(device), *pages)));
}
