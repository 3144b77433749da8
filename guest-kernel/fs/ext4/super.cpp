// The super block: read and checked, its end, errors, statfs and options.
#include "core/printk.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4_inode.h"

using namespace ext4;

namespace {

constexpr i64 kMagicNumber = 0xef53;

u64 blocks_of(u32 low, u32 high, bool wide) {
    return low | (wide ? u64{high} << 32 : 0);
}

}  // namespace

Ext4Super::Ext4Super(const char* fs_type, RefPtr<BlockDevice> block_device)
    : SuperBlock(fs_type, kMagicNumber), device(std::move(block_device)) {
    dev = device->number();
}

SuperBlockDisk& Ext4Super::disk() {
    return *reinterpret_cast<SuperBlockDisk*>(super_buffer_->data + super_offset_);
}

bool Ext4Super::valid_blocks(u64 start, u64 count) const {
    return start > first_data_block && start < blocks_count && count <= blocks_count - start;
}

Result<BufferRef> Ext4Super::read_block(u64 block) {
    if (block >= blocks_count)
        return fs_error("ext4_read_block", 0, "block beyond the end of the file system");
    return cache_->read(block);
}

Result<BufferRef> Ext4Super::fresh_block(u64 block) {
    if (block >= blocks_count)
        return fs_error("ext4_read_block", 0, "block beyond the end of the file system");
    BufferRef buffer = TRY(cache_->get(block));
    memset(buffer->data, 0, block_size);
    buffer->clear(kBufferChecked);
    buffer->set_uptodate();
    return buffer;
}

Errno Ext4Super::fs_error(const char* where, u64 inode, const char* what) {
    if (inode)
        printk(KERN_CRIT "EXT4-fs error (device %s): %s: inode #%llu: %s\n", device->name(), where,
               static_cast<unsigned long long>(inode), what);
    else
        printk(KERN_CRIT "EXT4-fs error (device %s): %s: %s\n", device->name(), where, what);
    if (!super_buffer_ || read_only || aborted_) return Errno::EUCLEAN;
    SuperBlockDisk& s = disk();
    const u32 now = static_cast<u32>(ktime_get_real_seconds());
    s.s_state |= kStateError;
    if (s.s_error_count++ == 0) {
        s.s_first_error_time = now;
        s.s_first_error_ino = static_cast<u32>(inode);
        copy_string(s.s_first_error_func, where, sizeof(s.s_first_error_func));
    }
    s.s_last_error_time = now;
    s.s_last_error_ino = static_cast<u32>(inode);
    copy_string(s.s_last_error_func, where, sizeof(s.s_last_error_func));
    if (mounted_) (void)write_super();
    if (options.errors == kErrorsPanic)
        panic("EXT4-fs (device %s): panic forced after error", device->name());
    if (options.errors == kErrorsReadOnly) {
        if (journal.active()) journal.abort(Errno::EUCLEAN);
        if (!read_only) printk(KERN_CRIT "EXT4-fs (%s): Remounting filesystem read-only\n", device->name());
        aborted_ = true;
        read_only = true;
    }
    return Errno::EUCLEAN;
}

void Ext4Super::update_super() {
    SuperBlockDisk& s = disk();
    s.s_wtime = static_cast<u32>(ktime_get_real_seconds());
    s.s_free_blocks_count_lo = static_cast<u32>(free_blocks_);
    if (has_incompat(kIncompat64Bit)) s.s_free_blocks_count_hi = static_cast<u32>(free_blocks_ >> 32);
    s.s_free_inodes_count = static_cast<u32>(free_inodes_);
    if (metadata_csum) s.s_checksum = crc32c(~0u, &s, __builtin_offsetof(SuperBlockDisk, s_checksum));
}

void Ext4Super::dirty_super(Ext4Op& op) {
    update_super();
    op.dirty(super_buffer_);
}

/// The super block goes straight to the disk: what it says of the mount is no part of a transaction.
Result<void> Ext4Super::write_super() {
    update_super();
    return device->write(super_buffer_->sector(), super_buffer_->data, block_size,
                         options.barrier ? static_cast<u8>(kBioFua | kBioPreflush) : 0);
}

Result<void> Ext4Super::check_features(const SuperBlockDisk& s, bool for_writing) {
    if (s.s_rev_level == 0) return {};
    if (const u32 unknown = s.s_feature_incompat & ~kIncompatKnown) {
        printk(KERN_ERR "EXT4-fs (%s): Couldn't mount because of unsupported optional features (%x)\n",
               device->name(), unknown);
        return Errno::EINVAL;
    }
    if (!for_writing) return {};
    if (s.s_feature_ro_compat & kRoReadOnly) {
        printk(KERN_INFO "EXT4-fs (%s): filesystem is read-only\n", device->name());
        read_only = true;
        return {};
    }
    if (const u32 unknown = s.s_feature_ro_compat & ~kRoKnown) {
        printk(KERN_ERR "EXT4-fs (%s): couldn't mount RDWR because of unsupported optional features (%x)\n",
               device->name(), unknown);
        return Errno::EINVAL;
    }
    return {};
}

/// As ext2 or ext3 only what those had may be mounted.
Result<void> Ext4Super::check_type(const SuperBlockDisk& s) {
    const bool ext2 = strcmp(type, "ext2") == 0;
    if (!ext2 && strcmp(type, "ext3") != 0) return {};
    const u32 incompat = kIncompatFiletype | kIncompatMetaBg | (ext2 ? 0 : kIncompatRecover);
    const bool good = (s.s_feature_incompat & ~incompat) == 0 && (s.s_feature_ro_compat & ~0x7u) == 0 &&
                      (ext2 || (s.s_feature_compat & kCompatHasJournal));
    if (good) {
        printk(KERN_INFO "EXT4-fs (%s): mounting %s file system using the ext4 subsystem\n", device->name(),
               type);
        return {};
    }
    printk(KERN_ERR "EXT4-fs (%s): couldn't mount as %s due to feature incompatibilities\n", device->name(),
           type);
    return Errno::EINVAL;
}

Result<void> Ext4Super::check_geometry(const SuperBlockDisk& s) {
    const auto refuse = [this](const char* why) {
        printk(KERN_ERR "EXT4-fs (%s): %s\n", device->name(), why);
        return Errno::EINVAL;
    };
    const bool wide = (s.s_feature_incompat & kIncompat64Bit) != 0;
    if (s.s_log_block_size > 6) return refuse("Invalid log block size");
    block_bits = s.s_log_block_size + 10;
    block_size = 1u << block_bits;
    if (block_size > kPageSize) return refuse("bad block size");
    if (s.s_log_cluster_size != s.s_log_block_size && s.s_log_cluster_size != 0)
        return refuse("cluster size is not the block size");
    blocks_count = blocks_of(s.s_blocks_count_lo, s.s_blocks_count_hi, wide);
    first_data_block = s.s_first_data_block;
    blocks_per_group = s.s_blocks_per_group;
    inodes_per_group = s.s_inodes_per_group;
    inodes_count = s.s_inodes_count;
    inode_size = s.s_rev_level == 0 ? kGoodOldInodeSize : s.s_inode_size;
    desc_size = wide ? s.s_desc_size : kMinDescSize;
    if (inode_size < kGoodOldInodeSize || inode_size > block_size || (inode_size & (inode_size - 1)) != 0)
        return refuse("unsupported inode size");
    if (s.s_rev_level != 0 && s.s_first_ino < 11) return refuse("invalid first ino");
    if (desc_size < kMinDescSize || desc_size > 1024 || (desc_size & (desc_size - 1)) != 0 ||
        (wide && desc_size < 64))
        return refuse("unsupported descriptor size");
    if (desc_size > block_size) return refuse("unsupported descriptor size");
    if (blocks_per_group == 0 || blocks_per_group > block_size * 8 || blocks_per_group % 8 != 0)
        return refuse("#blocks per group too big");
    if (inodes_per_group == 0 || inodes_per_group > block_size * 8 || inodes_per_group % 8 != 0 ||
        inodes_per_group < block_size / inode_size)
        return refuse("invalid inodes per group");
    if (first_data_block != (block_size == 1024 ? 1u : 0u))
        return refuse("bad geometry: first data block is out of range");
    if (blocks_count <= first_data_block + 1u) return refuse("bad geometry: too few blocks");
    if (blocks_count > device->bytes() >> block_bits) {
        printk(KERN_WARNING
               "EXT4-fs (%s): bad geometry: block count %llu exceeds size of device (%llu blocks)\n",
               device->name(), static_cast<unsigned long long>(blocks_count),
               static_cast<unsigned long long>(device->bytes() >> block_bits));
        return Errno::EINVAL;
    }
    const u64 groups = (blocks_count - first_data_block + blocks_per_group - 1) / blocks_per_group;
    if (groups * inodes_per_group != inodes_count) {
        printk(KERN_ERR "EXT4-fs (%s): inodes count not valid: %u vs %llu\n", device->name(), inodes_count,
               static_cast<unsigned long long>(groups * inodes_per_group));
        return Errno::EINVAL;
    }
    groups_count = static_cast<u32>(groups);
    metadata_csum = (s.s_feature_ro_compat & kRoMetadataCsum) != 0;
    gdt_csum = !metadata_csum && (s.s_feature_ro_compat & kRoGdtCsum);
    if (metadata_csum && s.s_checksum_type != 1)
        return refuse("VFS: Found ext4 filesystem with unknown checksum algorithm.");
    csum_seed = (s.s_feature_incompat & kIncompatCsumSeed) ? s.s_checksum_seed
                                                           : crc32c(~0u, s.s_uuid, sizeof(s.s_uuid));
    reserved_for_root_ = blocks_of(s.s_r_blocks_count_lo, s.s_r_blocks_count_hi, wide);
    return {};
}

Result<void> Ext4Super::check_super(const SuperBlockDisk& s) {
    if (s.s_magic != kSuperMagic) {
        printk(KERN_ERR "EXT4-fs (%s): VFS: Can't find ext4 filesystem\n", device->name());
        return Errno::EINVAL;
    }
    if (s.s_rev_level > 1) {
        printk(KERN_ERR "EXT4-fs (%s): revision level too high\n", device->name());
        return Errno::EINVAL;
    }
    if ((s.s_feature_ro_compat & kRoMetadataCsum) && s.s_rev_level == 1 &&
        s.s_checksum != crc32c(~0u, &s, __builtin_offsetof(SuperBlockDisk, s_checksum))) {
        printk(KERN_ERR
               "EXT4-fs (%s): VFS: Found ext4 filesystem with invalid superblock checksum.  Run e2fsck?\n",
               device->name());
        return Errno::EBADMSG;
    }
    TRY(check_type(s));
    TRY(check_features(s, !read_only));
    return check_geometry(s);
}

Result<void> Ext4Super::read_super() {
    Unique<SuperBlockDisk> copy = TRY(make_unique<SuperBlockDisk>());
    if (device->bytes() < kSuperOffset + sizeof(SuperBlockDisk) ||
        device->read(kSuperOffset / kSectorSize, copy.get(), sizeof(SuperBlockDisk)).is_error()) {
        printk(KERN_ERR "EXT4-fs (%s): unable to read superblock\n", device->name());
        return device->bytes() < 4096 ? Errno::EINVAL : Errno::EIO;
    }
    TRY(check_super(*copy));
    default_options.errors = copy->s_errors == kErrorsPanic || copy->s_errors == kErrorsReadOnly
                                 ? copy->s_errors
                                 : kErrorsContinue;
    default_options.resuid = copy->s_def_resuid;
    default_options.resgid = copy->s_def_resgid;
    BufferCache cache = TRY(BufferCache::make(*device, block_size));
    cache_ = TRY(make_unique<BufferCache>(std::move(cache)));
    super_offset_ = kSuperOffset % block_size;
    super_buffer_ = TRY(cache_->read(kSuperOffset / block_size));
    // The cache may hold what was read before somebody wrote the device: look at what will be used.
    return check_super(disk());
}

Result<void> Ext4Super::statfs(KernelStatfs* out) {
    *out = {};
    MutexGuard guard(lock);
    const SuperBlockDisk& s = disk();
    const u64 reserve = uses_reserve() ? min<u64>(blocks_count / 50, 4096) : 0;
    const u64 free = free_blocks_ - min(free_blocks_, reserved_now());
    out->f_type = magic;
    out->f_bsize = out->f_frsize = block_size;
    out->f_blocks = blocks_count - min(blocks_count, overhead_blocks_);
    out->f_bfree = free;
    out->f_bavail = free - min(free, reserved_for_root_ + reserve);
    out->f_files = inodes_count;
    out->f_ffree = free_inodes_;
    out->f_namelen = kNameMax;
    u64 halves[2];
    memcpy(halves, s.s_uuid, sizeof(halves));
    const u64 id = halves[0] ^ halves[1];
    out->f_fsid[0] = static_cast<i32>(id);
    out->f_fsid[1] = static_cast<i32>(id >> 32);
    return {};
}

Result<void> Ext4Super::show_options(KString& out) {
    return options.show(out, default_options, has_compat(kCompatHasJournal));
}

i64 Ext4Super::now_seconds() {
    return ktime_get_real_seconds();
}

u32 Ext4Super::now_nanoseconds() {
    return static_cast<u32>(ktime_get_real_ns() % kNsPerSec);
}

void Ext4Super::journal_aborted() {
    printk(KERN_CRIT "EXT4-fs (%s): Remounting filesystem read-only\n", device->name());
    aborted_ = true;
    read_only = true;
}

Ext4Op::~Ext4Op() {
    if (locked_) fs.lock.unlock();
}

Result<void> Ext4Op::begin(u32 credits) {
    fs.lock.lock();
    locked_ = true;
    if (fs.read_only || fs.aborted_) return Errno::EROFS;
    return extend(credits);
}

Result<void> Ext4Op::extend(u32 credits) {
    if (!fs.journal.active()) return fs.aborted_ ? Result<void>(Errno::EROFS) : Result<void>();
    return fs.journal.make_room(credits);
}

void Ext4Op::dirty(BufferRef& buffer) {
    if (fs.journal.active())
        fs.journal.dirty(buffer);
    else if (!fs.aborted_)
        buffer->mark_dirty();
}

void Ext4Op::forget(u64 block) {
    if (fs.journal.active())
        fs.journal.forget(block);
    else
        fs.cache_->forget(block, 1);
}
