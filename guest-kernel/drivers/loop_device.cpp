// A loop device: giving it a file and taking it away (drivers/loop_device.h).
#include "drivers/loop_device.h"

#include "block/block_class.h"
#include "block/block_registry.h"
#include "core/string.h"
#include "fs/block_pages.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/mount.h"
#include "mm/user_ptr.h"
#include "task/kthread.h"

namespace {

enum Request : u32 {
    LOOP_SET_FD = 0x4c00,
    LOOP_CLR_FD = 0x4c01,
    LOOP_SET_STATUS = 0x4c02,
    LOOP_GET_STATUS = 0x4c03,
    LOOP_SET_STATUS64 = 0x4c04,
    LOOP_GET_STATUS64 = 0x4c05,
    LOOP_CHANGE_FD = 0x4c06,
    LOOP_SET_CAPACITY = 0x4c07,
    LOOP_SET_DIRECT_IO = 0x4c08,
    LOOP_SET_BLOCK_SIZE = 0x4c09,
    LOOP_CONFIGURE = 0x4c0a,
};

struct OldLoopInfo {  // struct loop_info
    i32 lo_number, pad;
    u64 lo_device, lo_inode, lo_rdevice;
    i32 lo_offset, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    char lo_name[64];
    u8 lo_encrypt_key[32];
    u64 lo_init[2];
    char reserved[8];
};

// Which flags LOOP_CONFIGURE sets, which LOOP_SET_STATUS sets, and which it takes away.
constexpr u32 kConfigurable =
    LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO;
constexpr u32 kSettable = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
constexpr u32 kClearable = LO_FLAGS_AUTOCLEAR;

// Bare: it orders changes as a whole, which sleep.
Mutex g_lock{LockRank::kLoop};

LoopDevice* as_loop(BlockDevice* device) {
    return device && dev_major(device->number()) == LoopDevice::kMajor ? static_cast<LoopDevice*>(device)
                                                                       : nullptr;
}

bool valid_block_size(u64 size) {
    return size >= kSectorSize && size <= 4096 && (size & (size - 1)) == 0;
}

LoopInfo widened(const OldLoopInfo& old) {
    LoopInfo info{};
    info.lo_offset = static_cast<u64>(i64{old.lo_offset});
    info.lo_encrypt_type = static_cast<u32>(old.lo_encrypt_type);
    info.lo_encrypt_key_size = static_cast<u32>(old.lo_encrypt_key_size);
    info.lo_flags = static_cast<u32>(old.lo_flags);
    memcpy(info.lo_file_name, old.lo_name, sizeof(info.lo_file_name));
    return info;
}

/// EOVERFLOW where the old structure has no room.
Result<OldLoopInfo> narrowed(const LoopInfo& info) {
    OldLoopInfo old{};
    old.lo_number = static_cast<i32>(info.lo_number);
    old.lo_device = info.lo_device;
    old.lo_inode = info.lo_inode;
    old.lo_rdevice = info.lo_rdevice;
    old.lo_offset = static_cast<i32>(info.lo_offset);
    old.lo_flags = static_cast<i32>(info.lo_flags);
    memcpy(old.lo_name, info.lo_file_name, sizeof(old.lo_name));
    if (static_cast<u64>(i64{old.lo_offset}) != info.lo_offset) return Errno::EOVERFLOW;
    return old;
}

}  // namespace

Mutex& loop_lock() {
    return g_lock;
}

LoopDevice::LoopDevice(u32 number, const char* its_name)
    : Disk(its_name, make_dev(kMajor, number)), loop_number_(number) {
    with_queue([](RequestQueue& queue) { queue.set_scheduler(RequestQueue::Scheduler::kNone); });
}

RefPtr<File> LoopDevice::backing() const {
    return work_.with([](Work& work) { return work.file; });
}

/// A regular file or block device, and no loop device that leads back here. EINVAL, EBADF.
Result<void> LoopDevice::check_file(const File& file) {
    RefPtr<File> under(const_cast<File*>(&file));
    while (S_ISBLK(under->inode->mode)) {
        RefPtr<BlockDevice> device = find_block_device(under->inode->rdev);
        LoopDevice* loop = as_loop(device.get());
        if (!loop) break;
        if (loop == this) return Errno::EBADF;
        RefPtr<File> next = loop->backing();
        if (!next) return Errno::EINVAL;
        under = std::move(next);
    }
    const u32 mode = file.inode->mode;
    return S_ISREG(mode) || S_ISBLK(mode) ? Result<void>() : Result<void>(Errno::EINVAL);
}

/// Offset, limit and name. EINVAL for the ciphers of old, EOVERFLOW.
Result<void> LoopDevice::take_info(const LoopInfo& info) {
    if (info.lo_encrypt_type != 0 || info.lo_encrypt_key_size > sizeof(info.lo_encrypt_key))
        return Errno::EINVAL;
    if (static_cast<i64>(info.lo_offset) < 0 || static_cast<i64>(info.lo_sizelimit) < 0)
        return Errno::EOVERFLOW;
    __atomic_store_n(&offset_, info.lo_offset, __ATOMIC_RELAXED);
    __atomic_store_n(&size_limit_, info.lo_sizelimit, __ATOMIC_RELAXED);
    memcpy(file_name_, info.lo_file_name, sizeof(file_name_));
    file_name_[sizeof(file_name_) - 1] = '\0';
    return {};
}

void LoopDevice::refresh_size() {
    u64 bytes = 0;
    if (RefPtr<File> file = backing()) {
        RefPtr<BlockDevice> device;
        if (S_ISBLK(file->inode->mode)) device = find_block_device(file->inode->rdev);
        bytes = device ? device->bytes() : file->inode->size;
        bytes = bytes > offset_ ? bytes - offset_ : 0;
        if (size_limit_ != 0) bytes = min(bytes, size_limit_);
    }
    set_sectors(bytes >> kSectorShift);
    if (BlockPages* used = pages_if_any()) used->refresh_size();
}

void LoopDevice::drop_pages() {
    BlockPages* used = pages_if_any();
    if (!used) return;
    (void)used->write_and_wait().ok();
    used->invalidate(0, ~0ull - 1);
}

Result<void> LoopDevice::set_up(File& control, const LoopConfig& config) {
    RefPtr<File> file = TRY(get_file(static_cast<int>(config.fd)));
    if (backing()) return Errno::EBUSY;
    TRY(check_file(*file));
    if (config.info.lo_flags & ~kConfigurable) return Errno::EINVAL;
    if (config.block_size != 0 && !valid_block_size(config.block_size)) return Errno::EINVAL;
    TRY(take_info(config.info));
    if (!has_thread_) TRY(kthread_run(run, this, name()));
    has_thread_ = true;
    u32 fresh = config.info.lo_flags;
    if (!file->writable() || !control.writable()) fresh |= LO_FLAGS_READ_ONLY;
    __atomic_store_n(&flags_, fresh, __ATOMIC_RELAXED);
    set_read_only((fresh & LO_FLAGS_READ_ONLY) != 0);
    const u32 block = config.block_size ? config.block_size : kSectorSize;
    set_block_sizes(block, block);
    work_.with([&](Work& work) { std::swap(work.file, file); });
    refresh_size();
    if (has_partitions()) (void)rescan_partitions(*this).ok();
    return {};
}

/// Others have it open: it goes when the last of them closes it.
Result<void> LoopDevice::clear() {
    TRY(require_bound());
    if (openers() > 1) {
        __atomic_fetch_or(&flags_, u32{LO_FLAGS_AUTOCLEAR}, __ATOMIC_RELAXED);
        return {};
    }
    drop_pages();
    set_sectors(0);
    wait_event_uninterruptible(idle_, [this] { return idle(); });
    RefPtr<File> gone;
    work_.with([&](Work& work) { std::swap(work.file, gone); });
    remove_partitions(*this);
    __atomic_store_n(&flags_, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&offset_, u64{0}, __ATOMIC_RELAXED);
    __atomic_store_n(&size_limit_, u64{0}, __ATOMIC_RELAXED);
    file_name_[0] = '\0';
    set_read_only(false);
    set_block_sizes(kSectorSize, kSectorSize);
    refresh_size();
    return {};
}

void LoopDevice::released() {
    MutexGuard guard(g_lock);
    if (openers() == 0 && (flags() & LO_FLAGS_AUTOCLEAR)) (void)clear().ok();
}

Result<void> LoopDevice::change_file(File&, int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    TRY(require_bound());
    if (!(flags() & LO_FLAGS_READ_ONLY)) return Errno::EINVAL;
    TRY(check_file(*file));
    if (file->inode->size != backing()->inode->size) return Errno::EINVAL;
    drop_pages();
    wait_event_uninterruptible(idle_, [this] { return idle(); });
    work_.with([&](Work& work) { std::swap(work.file, file); });
    if (has_partitions()) (void)rescan_partitions(*this).ok();
    return {};
}

Result<void> LoopDevice::set_status(const LoopInfo& info) {
    TRY(require_bound());
    const u32 before = flags();
    const bool moves = info.lo_offset != offset_ || info.lo_sizelimit != size_limit_;
    if (moves) drop_pages();
    TRY(take_info(info));
    const u32 now = (info.lo_flags & kSettable) | (before & ~kSettable) | (before & ~kClearable);
    __atomic_store_n(&flags_, now, __ATOMIC_RELAXED);
    if (moves) refresh_size();
    if ((now & ~before) & LO_FLAGS_PARTSCAN) (void)rescan_partitions(*this).ok();
    return {};
}

Result<void> LoopDevice::get_status(LoopInfo* out) {
    TRY(require_bound());
    *out = {};
    KernelStat of_file{};
    backing()->inode->getattr(&of_file);
    out->lo_device = of_file.st_dev;
    out->lo_inode = of_file.st_ino;
    out->lo_rdevice = of_file.st_rdev;
    out->lo_offset = offset_;
    out->lo_sizelimit = size_limit_;
    out->lo_number = loop_number_;
    out->lo_flags = flags();
    memcpy(out->lo_file_name, file_name_, sizeof(file_name_));
    return {};
}

Result<void> LoopDevice::set_block_size(u64 size) {
    TRY(require_bound());
    if (!valid_block_size(size)) return Errno::EINVAL;
    if (size == logical_block_size()) return {};
    drop_pages();
    set_block_sizes(static_cast<u32>(size), static_cast<u32>(size));
    return {};
}

Result<long> LoopDevice::ioctl_locked(File& file, u32 request, u64 argument) {
    switch (request) {
        case LOOP_SET_FD: {
            LoopConfig config{};
            config.fd = static_cast<u32>(argument);
            TRY(set_up(file, config));
            return 0L;
        }
        case LOOP_CONFIGURE:
            TRY(set_up(file, TRY(UserPtr<LoopConfig>(argument).read())));
            return 0L;
        case LOOP_CHANGE_FD:
            TRY(change_file(file, static_cast<int>(argument)));
            return 0L;
        case LOOP_CLR_FD:
            TRY(clear());
            return 0L;
        case LOOP_SET_STATUS:
            TRY(set_status(widened(TRY(UserPtr<OldLoopInfo>(argument).read()))));
            return 0L;
        case LOOP_SET_STATUS64:
            TRY(set_status(TRY(UserPtr<LoopInfo>(argument).read())));
            return 0L;
        case LOOP_GET_STATUS:
        case LOOP_GET_STATUS64: {
            LoopInfo info;
            TRY(get_status(&info));
            if (request == LOOP_GET_STATUS64)
                TRY(UserPtr<LoopInfo>(argument).write(info));
            else
                TRY(UserPtr<OldLoopInfo>(argument).write(TRY(narrowed(info))));
            return 0L;
        }
        case LOOP_SET_CAPACITY:
            TRY(require_bound());
            refresh_size();
            return 0L;
        case LOOP_SET_DIRECT_IO:
            TRY(require_bound());
            return argument == 0 ? Result<long>(0L)
                                 : Result<long>(Errno::EINVAL);  // always through the cache
        case LOOP_SET_BLOCK_SIZE:
            TRY(set_block_size(argument));
            return 0L;
        default:
            return Errno::EINVAL;
    }
}

Result<long> LoopDevice::ioctl(File& file, u32 request, u64 argument) {
    const bool changes = request == LOOP_SET_STATUS || request == LOOP_SET_STATUS64 ||
                         request == LOOP_SET_CAPACITY || request == LOOP_SET_DIRECT_IO ||
                         request == LOOP_SET_BLOCK_SIZE;
    if (changes && !file.writable() && !current_cred().has(kCapSysAdmin)) return Errno::EPERM;
    MutexGuard guard(g_lock);
    return ioctl_locked(file, request, argument);
}

namespace {

LoopDevice& loop_of(Kobject& object) {
    return static_cast<LoopDevice&>(block_device_of(object));
}
Result<void> show_flag(Kobject& o, KString& out, u32 flag) {
    return out.append((loop_of(o).flags() & flag) ? "1\n" : "0\n");
}
Result<void> show_backing_file(Kobject& o, KString& out) {
    RefPtr<File> file = loop_of(o).backing();
    if (!file) return {};
    KString text = TRY(path_text(file->path, root_path()));
    TRY(out.append(text.c_str()));
    return out.append("\n");
}
Result<void> show_offset(Kobject& o, KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(loop_of(o).offset()));
}
Result<void> show_sizelimit(Kobject& o, KString& out) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(loop_of(o).size_limit()));
}
Result<void> show_autoclear(Kobject& o, KString& out) {
    return show_flag(o, out, LO_FLAGS_AUTOCLEAR);
}
Result<void> show_partscan(Kobject& o, KString& out) {
    return show_flag(o, out, LO_FLAGS_PARTSCAN);
}
Result<void> show_dio(Kobject& o, KString& out) {
    return show_flag(o, out, LO_FLAGS_DIRECT_IO);
}
constexpr Attribute kAttributes[] = {
    {"backing_file", 0444, show_backing_file},
    {"offset", 0444, show_offset},
    {"sizelimit", 0444, show_sizelimit},
    {"autoclear", 0444, show_autoclear},
    {"partscan", 0444, show_partscan},
    {"dio", 0444, show_dio},
    {nullptr, 0},
};
// There while the device has a file.
constexpr AttributeGroup kGroup = {"loop", kAttributes, [](Kobject& o, const Attribute&) {
                                       return static_cast<bool>(loop_of(o).backing());
                                   }};

}  // namespace

const AttributeGroup* LoopDevice::attributes() const {
    return &kGroup;
}
