// An inode's fields between memory and the disk, with its checksum and its times (nanoseconds and the 34-bit epoch
// live in the part beyond the old 128 bytes).
#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4_inode.h"

using namespace ext4;

namespace {

constexpr size_t kChecksumLo = __builtin_offsetof(InodeDisk, i_checksum_lo);
constexpr size_t kChecksumHi = __builtin_offsetof(InodeDisk, i_checksum_hi);

timespec64 decode_time(u32 seconds, u32 extra) {
    return {static_cast<i64>(static_cast<i32>(seconds)) + (static_cast<i64>(extra & 3) << 32),
            min<i64>(extra >> 2, kNsPerSec - 1)};
}

void encode_time(const timespec64& time, u32* seconds, u32* extra) {
    *seconds = static_cast<u32>(time.tv_sec);
    if (!extra) return;
    const u64 epoch = static_cast<u64>(time.tv_sec - static_cast<i32>(time.tv_sec)) >> 32;
    *extra = static_cast<u32>(epoch & 3) | (static_cast<u32>(time.tv_nsec) << 2);
}

/// Is the field that ends at `end` within the inode, as far as it says itself?
bool holds(const InodeDisk& raw, u32 inode_size, size_t end) {
    return inode_size > kGoodOldInodeSize && kGoodOldInodeSize + raw.i_extra_isize >= end;
}
#define EXT4_HOLDS(raw, field) \
    holds(raw, fs().inode_size, __builtin_offsetof(InodeDisk, field) + sizeof((raw).field))

dev_t decode_device(const u32* blocks) {
    if (blocks[0]) return make_dev((blocks[0] >> 8) & 0xff, blocks[0] & 0xff);
    const u32 wide = blocks[1];
    return make_dev((wide & 0xfff00) >> 8, (wide & 0xff) | ((wide >> 12) & 0xfff00));
}

void encode_device(dev_t device, u32* blocks) {
    const u32 major = dev_major(device);
    const u32 minor = dev_minor(device);
    if (major < 256 && minor < 256) {
        blocks[0] = (major << 8) | minor;
        blocks[1] = 0;
    } else {
        blocks[0] = 0;
        blocks[1] = (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
        blocks[2] = 0;
    }
}

bool is_special(u32 mode) {
    return !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode);
}

bool known_type(u32 mode) {
    return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
           S_ISFIFO(mode) || (mode & S_IFMT) == S_IFSOCK;
}

/// The checksum of a raw inode of `size` bytes.
u32 raw_checksum(const u8* raw, u32 size, u32 seed) {
    const u16 zero = 0;
    u32 crc = crc32c(seed, raw, kChecksumLo);
    crc = crc32c(crc, &zero, 2);
    crc = crc32c(crc, raw + kChecksumLo + 2, kGoodOldInodeSize - kChecksumLo - 2);
    if (size > kGoodOldInodeSize) {
        crc = crc32c(crc, raw + kGoodOldInodeSize, kChecksumHi - kGoodOldInodeSize);
        size_t at = kChecksumHi;
        if (holds(*reinterpret_cast<const InodeDisk*>(raw), size, kChecksumHi + 2)) {
            crc = crc32c(crc, &zero, 2);
            at += 2;
        }
        crc = crc32c(crc, raw + at, size - at);
    }
    return crc;
}

}  // namespace

Ext4Inode::Ext4Inode(Ext4Super& super, u32 inode_number, u32 new_mode)
    : Inode(&super, inode_number, new_mode) {}

Ext4Inode::~Ext4Inode() = default;

u32 Ext4Inode::checksum_seed() const {
    const u32 n = number();
    return crc32c(crc32c(fs().csum_seed, &n, sizeof(n)), &generation, sizeof(generation));
}

Result<u32> Ext4Super::peek_mode(u32 number) {
    u32 offset = 0;
    BufferRef buffer = TRY(inode_block(number, &offset));
    return u32{reinterpret_cast<const InodeDisk*>(buffer->data + offset)->i_mode};
}

Result<void> Ext4Inode::read_from_disk(bool special) {
    Ext4Super& super = fs();
    u32 offset = 0;
    BufferRef buffer = TRY(super.inode_block(number(), &offset));
    const u8* bytes = buffer->data + offset;
    const InodeDisk& raw = *reinterpret_cast<const InodeDisk*>(bytes);
    const bool large = super.inode_size > kGoodOldInodeSize;
    if (raw.i_mode == 0 && raw.i_links_count == 0) return Errno::ESTALE;
    if (large && (kGoodOldInodeSize + raw.i_extra_isize > super.inode_size || (raw.i_extra_isize & 3) != 0)) {
        return super.fs_error("ext4_iget", ino, "iget: bad extra_isize");
    }
    generation = raw.i_generation;
    if (super.metadata_csum) {
        const u32 crc = raw_checksum(bytes, super.inode_size, checksum_seed());
        const bool wide = EXT4_HOLDS(raw, i_checksum_hi);
        const u32 stored = raw.i_checksum_lo | (wide ? u32{raw.i_checksum_hi} << 16 : 0);
        if (stored != (wide ? crc : crc & 0xffff)) {
            (void)super.fs_error("ext4_iget", ino, "iget: checksum invalid");
            return Errno::EBADMSG;
        }
    }
    mode = raw.i_mode;
    if (!known_type(mode)) return super.fs_error("ext4_iget", ino, "iget: bogus i_mode");
    uid = raw.i_uid_lo | (u32{raw.i_uid_high} << 16);
    gid = raw.i_gid_lo | (u32{raw.i_gid_high} << 16);
    disk_nlink = nlink = raw.i_links_count;
    disk_flags = raw.i_flags;
    memcpy(i_block, raw.i_block, sizeof(i_block));
    disk_size = raw.i_size_lo;
    if (S_ISREG(mode) || super.has_incompat(kIncompatLargeDir)) disk_size |= u64{raw.i_size_high} << 32;
    size = disk_size;
    sectors = raw.i_blocks_lo;
    if (super.has_ro_compat(kRoHugeFile)) {
        sectors |= u64{raw.i_blocks_high} << 32;
        if (disk_flags & kInodeHugeFile) sectors <<= super.block_bits - 9;
    }
    xattr_block = raw.i_file_acl_lo;
    if (super.has_incompat(kIncompat64Bit)) xattr_block |= u64{raw.i_file_acl_high} << 32;
    next_orphan = raw.i_dtime;
    extra_isize = large ? raw.i_extra_isize : 0;
    atime = decode_time(raw.i_atime, EXT4_HOLDS(raw, i_atime_extra) ? raw.i_atime_extra : 0);
    mtime = decode_time(raw.i_mtime, EXT4_HOLDS(raw, i_mtime_extra) ? raw.i_mtime_extra : 0);
    ctime = decode_time(raw.i_ctime, EXT4_HOLDS(raw, i_ctime_extra) ? raw.i_ctime_extra : 0);
    if (EXT4_HOLDS(raw, i_crtime_extra)) crtime = decode_time(raw.i_crtime, raw.i_crtime_extra);
    version = raw.i_version_lo;
    if (EXT4_HOLDS(raw, i_version_hi)) version |= u64{raw.i_version_hi} << 32;
    if (is_special(mode)) rdev = decode_device(i_block);
    if (uses_extents() && !super.has_incompat(kIncompatExtents)) {
        return super.fs_error("ext4_iget", ino, "extents flag without the feature");
    }
    if (disk_flags & (kInodeEncrypt | kInodeInlineData | kInodeEaInode)) {
        return super.fs_error("ext4_iget", ino, "unexpected inode flag");
    }
    if (disk_size > super.max_file_size(uses_extents()))
        return super.fs_error("ext4_iget", ino, "iget: bad i_size value");
    if (is_fast_symlink() && disk_size >= sizeof(i_block))
        return super.fs_error("ext4_iget", ino, "bogus symlink size");
    if (xattr_block != 0 && !super.valid_blocks(xattr_block, 1)) {
        return super.fs_error("ext4_iget", ino, "iget: bogus i_file_acl");
    }
    if (nlink == 0 && !special && !super.clearing_orphans_) return Errno::ESTALE;
    return special ? Result<void>() : make_pages();
}

Result<void> Ext4Inode::make_pages() {
    if (!is_regular()) return {};
    pages = TRY(make_ref<Ext4Pages>(*this));
    pages->set_size(size);
    return {};
}

bool Ext4Inode::is_fast_symlink() const {
    if (!is_symlink()) return false;
    const u64 own = sectors - (xattr_block ? fs().block_size / 512 : 0);
    return own == 0 && (disk_flags & kInodeExtents) == 0;
}

Result<void> Ext4Inode::write_to_disk(Ext4Op& op) {
    Ext4Super& super = fs();
    u32 offset = 0;
    BufferRef buffer = TRY(super.inode_block(number(), &offset));
    u8* bytes = buffer->data + offset;
    InodeDisk& raw = *reinterpret_cast<InodeDisk*>(bytes);
    if (is_new) {
        memset(bytes, 0, super.inode_size);
        is_new = false;
    }
    raw.i_mode = static_cast<u16>(mode);
    raw.i_uid_lo = static_cast<u16>(uid);
    raw.i_uid_high = static_cast<u16>(uid >> 16);
    raw.i_gid_lo = static_cast<u16>(gid);
    raw.i_gid_high = static_cast<u16>(gid >> 16);
    raw.i_links_count = static_cast<u16>(nlink);
    disk_nlink = nlink;
    raw.i_dtime = next_orphan;
    raw.i_flags = disk_flags & ~kInodeHugeFile;
    raw.i_size_lo = static_cast<u32>(disk_size);
    raw.i_size_high = static_cast<u32>(disk_size >> 32);
    raw.i_blocks_lo = static_cast<u32>(sectors);
    raw.i_blocks_high = 0;
    if (sectors > 0xffffffffull) {
        if (sectors > 0xffffffffffffull) {
            raw.i_flags |= kInodeHugeFile;
            raw.i_blocks_lo = static_cast<u32>(sectors >> (super.block_bits - 9));
            raw.i_blocks_high = static_cast<u16>(sectors >> (super.block_bits - 9) >> 32);
        } else {
            raw.i_blocks_high = static_cast<u16>(sectors >> 32);
        }
    }
    disk_flags = raw.i_flags;
    raw.i_file_acl_lo = static_cast<u32>(xattr_block);
    if (super.has_incompat(kIncompat64Bit)) raw.i_file_acl_high = static_cast<u16>(xattr_block >> 32);
    raw.i_generation = generation;
    if (is_special(mode)) encode_device(rdev, i_block);
    memcpy(raw.i_block, i_block, sizeof(i_block));
    raw.i_version_lo = static_cast<u32>(version);
    if (super.inode_size > kGoodOldInodeSize) raw.i_extra_isize = extra_isize;
    encode_time(atime, &raw.i_atime, EXT4_HOLDS(raw, i_atime_extra) ? &raw.i_atime_extra : nullptr);
    encode_time(mtime, &raw.i_mtime, EXT4_HOLDS(raw, i_mtime_extra) ? &raw.i_mtime_extra : nullptr);
    encode_time(ctime, &raw.i_ctime, EXT4_HOLDS(raw, i_ctime_extra) ? &raw.i_ctime_extra : nullptr);
    if (EXT4_HOLDS(raw, i_crtime_extra)) encode_time(crtime, &raw.i_crtime, &raw.i_crtime_extra);
    if (EXT4_HOLDS(raw, i_version_hi)) raw.i_version_hi = static_cast<u32>(version >> 32);
    seal_raw(bytes);
    // The file system says when it has files beyond 2 GiB.
    if (is_regular() && disk_size > 0x7fffffff && !super.has_ro_compat(kRoLargeFile)) {
        super.disk().s_feature_ro_compat |= kRoLargeFile;
        super.dirty_super(op);
    }
    op.dirty(buffer);
    sync_tid = super.journal.running_id();
    fields_dirty = false;
    return {};
}

/// The checksum of this inode's raw form, after a change of any of its bytes.
void Ext4Inode::seal_raw(u8* bytes) const {
    if (!fs().metadata_csum) return;
    InodeDisk& raw = *reinterpret_cast<InodeDisk*>(bytes);
    const u32 crc = raw_checksum(bytes, fs().inode_size, checksum_seed());
    raw.i_checksum_lo = static_cast<u16>(crc);
    if (EXT4_HOLDS(raw, i_checksum_hi)) raw.i_checksum_hi = static_cast<u16>(crc >> 16);
}

Result<void> Ext4Inode::write_if_dirty() {
    if (!fields_dirty || fs().read_only) return {};
    Ext4Op op(fs());
    TRY(op.begin(4));
    return write_to_disk(op);
}

Result<void> Ext4Inode::attributes_changed(bool lazily) {
    fields_dirty = true;
    return lazily ? Result<void>() : write_if_dirty();
}

i64 Ext4Inode::block_count() const {
    return static_cast<i64>(sectors + (u64{reserved} << (fs().block_bits - 9)));
}

u64 Ext4Super::max_file_size(bool extents) const {
    if (extents) return (u64{0xffffffff} << block_bits);
    const u64 per_block = block_size / 4;
    const u64 blocks = 12 + per_block + per_block * per_block + per_block * per_block * per_block;
    return min<u64>(blocks, 0xffffffffull) << block_bits;
}
