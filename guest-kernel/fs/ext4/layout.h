// What an ext2, ext3 or ext4 file system is on its disk (Linux, Documentation/filesystems/ext4; the same for
// all three: they differ in which features they use).
//
// Guarantees: sizes and offsets are checked at compile time. All numbers are little-endian, as is the CPU.
// Nothing here has been checked for sense: whoever reads a field from a disk must expect any value in it.
#pragma once

#include "core/types.h"

namespace ext4 {

constexpr u16 kSuperMagic = 0xef53;
constexpr u64 kSuperOffset = 1024;
constexpr u32 kRootIno = 2;
constexpr u32 kResizeIno = 7;
constexpr u32 kJournalIno = 8;
constexpr u32 kNameMax = 255;
constexpr u32 kMinDescSize = 32;
constexpr u32 kLinkMax = 65000;
constexpr u32 kMaxSymlinkFast = 60;

// s_feature_compat: a kernel that does not know one may still read and write.
constexpr u32 kCompatHasJournal = 0x0004;
constexpr u32 kCompatExtAttr = 0x0008;
constexpr u32 kCompatDirIndex = 0x0020;
constexpr u32 kCompatSparseSuper2 = 0x0200;
constexpr u32 kCompatOrphanFile = 0x1000;

// s_feature_ro_compat: a kernel that does not know one may only read.
constexpr u32 kRoSparseSuper = 0x0001;
constexpr u32 kRoLargeFile = 0x0002;
constexpr u32 kRoHugeFile = 0x0008;
constexpr u32 kRoGdtCsum = 0x0010;
constexpr u32 kRoDirNlink = 0x0020;
constexpr u32 kRoExtraIsize = 0x0040;
constexpr u32 kRoQuota = 0x0100;
constexpr u32 kRoBigalloc = 0x0200;
constexpr u32 kRoMetadataCsum = 0x0400;
constexpr u32 kRoReadOnly = 0x1000;
constexpr u32 kRoProject = 0x2000;
constexpr u32 kRoVerity = 0x8000;
constexpr u32 kRoOrphanPresent = 0x10000;
constexpr u32 kRoKnown = kRoSparseSuper | kRoLargeFile | 0x0004 /* btree_dir, never used */ | kRoHugeFile |
                         kRoGdtCsum | kRoDirNlink | kRoExtraIsize | kRoMetadataCsum | kRoReadOnly |
                         kRoOrphanPresent;

// s_feature_incompat: a kernel that does not know one must not mount.
constexpr u32 kIncompatFiletype = 0x0002;
constexpr u32 kIncompatRecover = 0x0004;
constexpr u32 kIncompatJournalDev = 0x0008;
constexpr u32 kIncompatMetaBg = 0x0010;
constexpr u32 kIncompatExtents = 0x0040;
constexpr u32 kIncompat64Bit = 0x0080;
constexpr u32 kIncompatMmp = 0x0100;
constexpr u32 kIncompatFlexBg = 0x0200;
constexpr u32 kIncompatEaInode = 0x0400;
constexpr u32 kIncompatCsumSeed = 0x2000;
constexpr u32 kIncompatLargeDir = 0x4000;
constexpr u32 kIncompatInlineData = 0x8000;
constexpr u32 kIncompatEncrypt = 0x10000;
constexpr u32 kIncompatCasefold = 0x20000;
constexpr u32 kIncompatKnown = kIncompatFiletype | kIncompatRecover | kIncompatMetaBg | kIncompatExtents |
                               kIncompat64Bit | kIncompatFlexBg | kIncompatCsumSeed | kIncompatLargeDir;

// s_state, s_errors, s_flags
constexpr u16 kStateValid = 1;
constexpr u16 kStateError = 2;
constexpr u16 kStateOrphans = 4;
constexpr u16 kErrorsContinue = 1;
constexpr u16 kErrorsReadOnly = 2;
constexpr u16 kErrorsPanic = 3;
constexpr u32 kFlagSignedHash = 1;
constexpr u32 kFlagUnsignedHash = 2;

// s_default_mount_opts
constexpr u32 kDefaultUserXattr = 0x0004;
constexpr u32 kDefaultAcl = 0x0008;

struct SuperBlockDisk {
    u32 s_inodes_count;
    u32 s_blocks_count_lo;
    u32 s_r_blocks_count_lo;
    u32 s_free_blocks_count_lo;
    u32 s_free_inodes_count;
    u32 s_first_data_block;
    u32 s_log_block_size;
    u32 s_log_cluster_size;
    u32 s_blocks_per_group;
    u32 s_clusters_per_group;
    u32 s_inodes_per_group;
    u32 s_mtime;
    u32 s_wtime;
    u16 s_mnt_count;
    u16 s_max_mnt_count;
    u16 s_magic;
    u16 s_state;
    u16 s_errors;
    u16 s_minor_rev_level;
    u32 s_lastcheck;
    u32 s_checkinterval;
    u32 s_creator_os;
    u32 s_rev_level;
    u16 s_def_resuid;
    u16 s_def_resgid;
    u32 s_first_ino;  // from here on: revision 1
    u16 s_inode_size;
    u16 s_block_group_nr;
    u32 s_feature_compat;
    u32 s_feature_incompat;
    u32 s_feature_ro_compat;
    u8 s_uuid[16];
    char s_volume_name[16];
    char s_last_mounted[64];
    u32 s_algorithm_usage_bitmap;
    u8 s_prealloc_blocks;
    u8 s_prealloc_dir_blocks;
    u16 s_reserved_gdt_blocks;
    u8 s_journal_uuid[16];
    u32 s_journal_inum;
    u32 s_journal_dev;
    u32 s_last_orphan;
    u32 s_hash_seed[4];
    u8 s_def_hash_version;
    u8 s_jnl_backup_type;
    u16 s_desc_size;
    u32 s_default_mount_opts;
    u32 s_first_meta_bg;
    u32 s_mkfs_time;
    u32 s_jnl_blocks[17];
    u32 s_blocks_count_hi;
    u32 s_r_blocks_count_hi;
    u32 s_free_blocks_count_hi;
    u16 s_min_extra_isize;
    u16 s_want_extra_isize;
    u32 s_flags;
    u16 s_raid_stride;
    u16 s_mmp_interval;
    u64 s_mmp_block;
    u32 s_raid_stripe_width;
    u8 s_log_groups_per_flex;
    u8 s_checksum_type;
    u16 s_reserved_pad;
    u64 s_kbytes_written;
    u32 s_snapshot_inum;
    u32 s_snapshot_id;
    u64 s_snapshot_r_blocks_count;
    u32 s_snapshot_list;
    u32 s_error_count;
    u32 s_first_error_time;
    u32 s_first_error_ino;
    u64 s_first_error_block;
    char s_first_error_func[32];
    u32 s_first_error_line;
    u32 s_last_error_time;
    u32 s_last_error_ino;
    u32 s_last_error_line;
    u64 s_last_error_block;
    char s_last_error_func[32];
    u8 s_mount_opts[64];
    u32 s_usr_quota_inum;
    u32 s_grp_quota_inum;
    u32 s_overhead_clusters;
    u32 s_backup_bgs[2];
    u8 s_encrypt_algos[4];
    u8 s_encrypt_pw_salt[16];
    u32 s_lpf_ino;
    u32 s_prj_quota_inum;
    u32 s_checksum_seed;
    u8 s_time_hi[8];
    u16 s_encoding;
    u16 s_encoding_flags;
    u32 s_orphan_file_inum;
    u32 s_reserved[94];
    u32 s_checksum;
};
static_assert(sizeof(SuperBlockDisk) == 1024);
static_assert(__builtin_offsetof(SuperBlockDisk, s_first_ino) == 0x54);
static_assert(__builtin_offsetof(SuperBlockDisk, s_hash_seed) == 0xec);
static_assert(__builtin_offsetof(SuperBlockDisk, s_kbytes_written) == 0x178);
static_assert(__builtin_offsetof(SuperBlockDisk, s_checksum_seed) == 0x270);
static_assert(__builtin_offsetof(SuperBlockDisk, s_orphan_file_inum) == 0x280);

// bg_flags
constexpr u16 kGroupInodeUninit = 1;
constexpr u16 kGroupBlockUninit = 2;
constexpr u16 kGroupInodeZeroed = 4;

struct GroupDesc {
    u32 bg_block_bitmap_lo;
    u32 bg_inode_bitmap_lo;
    u32 bg_inode_table_lo;
    u16 bg_free_blocks_count_lo;
    u16 bg_free_inodes_count_lo;
    u16 bg_used_dirs_count_lo;
    u16 bg_flags;
    u32 bg_exclude_bitmap_lo;
    u16 bg_block_bitmap_csum_lo;
    u16 bg_inode_bitmap_csum_lo;
    u16 bg_itable_unused_lo;
    u16 bg_checksum;
    u32 bg_block_bitmap_hi;  // from here on: only with the feature 64bit and s_desc_size >= 64
    u32 bg_inode_bitmap_hi;
    u32 bg_inode_table_hi;
    u16 bg_free_blocks_count_hi;
    u16 bg_free_inodes_count_hi;
    u16 bg_used_dirs_count_hi;
    u16 bg_itable_unused_hi;
    u32 bg_exclude_bitmap_hi;
    u16 bg_block_bitmap_csum_hi;
    u16 bg_inode_bitmap_csum_hi;
    u32 bg_reserved;
};
static_assert(sizeof(GroupDesc) == 64);
static_assert(__builtin_offsetof(GroupDesc, bg_checksum) == 0x1e);

// i_flags
constexpr u32 kInodeSecrm = 0x1;
constexpr u32 kInodeSync = 0x8;
constexpr u32 kInodeImmutable = 0x10;
constexpr u32 kInodeAppend = 0x20;
constexpr u32 kInodeNodump = 0x40;
constexpr u32 kInodeNoatime = 0x80;
constexpr u32 kInodeEncrypt = 0x800;
constexpr u32 kInodeIndex = 0x1000;  // a directory with an htree
constexpr u32 kInodeJournalData = 0x4000;
constexpr u32 kInodeNotail = 0x8000;
constexpr u32 kInodeDirsync = 0x10000;
constexpr u32 kInodeTopdir = 0x20000;
constexpr u32 kInodeHugeFile = 0x40000;  // i_blocks counts blocks, not sectors
constexpr u32 kInodeExtents = 0x80000;
constexpr u32 kInodeVerity = 0x100000;
constexpr u32 kInodeEaInode = 0x200000;
constexpr u32 kInodeInlineData = 0x10000000;
constexpr u32 kInodeProjInherit = 0x20000000;
constexpr u32 kInodeCasefold = 0x40000000;
constexpr u32 kInodeUserVisible = 0x604bdfff;     // what FS_IOC_GETFLAGS shows
constexpr u32 kInodeUserModifiable = 0x604b80ff;  // what FS_IOC_SETFLAGS may change
constexpr u32 kInodeInherited = kInodeSecrm | 0x2 | 0x4 | kInodeSync | kInodeNodump | kInodeNoatime | 0x400 |
                                kInodeJournalData | kInodeNotail | kInodeDirsync | kInodeProjInherit;

struct InodeDisk {
    u16 i_mode;
    u16 i_uid_lo;
    u32 i_size_lo;
    u32 i_atime;
    u32 i_ctime;
    u32 i_mtime;
    u32 i_dtime;  // while on the orphan list: the next orphan's number
    u16 i_gid_lo;
    u16 i_links_count;
    u32 i_blocks_lo;
    u32 i_flags;
    u32 i_version_lo;
    u32 i_block[15];
    u32 i_generation;
    u32 i_file_acl_lo;
    u32 i_size_high;
    u32 i_faddr;
    u16 i_blocks_high;
    u16 i_file_acl_high;
    u16 i_uid_high;
    u16 i_gid_high;
    u16 i_checksum_lo;
    u16 i_reserved;
    u16 i_extra_isize;  // from here on: only in inodes of more than 128 bytes, as far as it says itself
    u16 i_checksum_hi;
    u32 i_ctime_extra;
    u32 i_mtime_extra;
    u32 i_atime_extra;
    u32 i_crtime;
    u32 i_crtime_extra;
    u32 i_version_hi;
    u32 i_projid;
};
static_assert(sizeof(InodeDisk) == 160);
constexpr u32 kGoodOldInodeSize = 128;
static_assert(__builtin_offsetof(InodeDisk, i_block) == 40);
static_assert(__builtin_offsetof(InodeDisk, i_extra_isize) == kGoodOldInodeSize);
constexpr u32 kWantExtraIsize = sizeof(InodeDisk) - kGoodOldInodeSize;

// Extent trees: a header, then entries of 12 bytes; the root is in i_block.
constexpr u16 kExtentMagic = 0xf30a;
constexpr u32 kExtentMaxDepth = 5;
constexpr u32 kExtentMaxLen = 32768;  // a longer ee_len means unwritten: len - 32768
struct ExtentHeader {
    u16 eh_magic;
    u16 eh_entries;
    u16 eh_max;
    u16 eh_depth;
    u32 eh_generation;
};
struct Extent {
    u32 ee_block;
    u16 ee_len;
    u16 ee_start_hi;
    u32 ee_start_lo;

    bool unwritten() const { return ee_len > kExtentMaxLen; }
    u32 length() const { return unwritten() ? ee_len - kExtentMaxLen : ee_len; }
    u64 start() const { return (u64{ee_start_hi} << 32) | ee_start_lo; }
    u64 end() const { return u64{ee_block} + length(); }
    void set_start(u64 block) {
        ee_start_lo = static_cast<u32>(block);
        ee_start_hi = static_cast<u16>(block >> 32);
    }
    void set_length(u32 length, bool is_unwritten) {
        ee_len = static_cast<u16>(is_unwritten ? length + kExtentMaxLen : length);
    }
};
struct ExtentIndex {
    u32 ei_block;
    u32 ei_leaf_lo;
    u16 ei_leaf_hi;
    u16 ei_unused;

    u64 leaf() const { return (u64{ei_leaf_hi} << 32) | ei_leaf_lo; }
    void set_leaf(u64 block) {
        ei_leaf_lo = static_cast<u32>(block);
        ei_leaf_hi = static_cast<u16>(block >> 32);
    }
};
static_assert(sizeof(ExtentHeader) == 12 && sizeof(Extent) == 12 && sizeof(ExtentIndex) == 12);
constexpr u32 kMaxUnwrittenLen = kExtentMaxLen - 1;

// Directories: records that fill the block; the last one may be a tail with the block's checksum.
struct DirEntry {
    u32 inode;
    u16 rec_len;
    u8 name_len;
    u8 file_type;
    char name[255];
};
constexpr u32 kDirEntryHead = 8;
struct DirTail {
    u32 zero1;
    u16 rec_len;  // 12
    u8 zero2;
    u8 file_type;  // 0xde
    u32 checksum;
};
static_assert(sizeof(DirTail) == 12);
constexpr u8 kDirTailType = 0xde;

// Indexed directories: block 0 begins with "." and "..", then the root; other index blocks with an empty entry.
struct DxEntry {
    u32 hash;  // in the first entry of a block: u16 limit, u16 count
    u32 block;
};
struct DxRootInfo {
    u32 reserved_zero;
    u8 hash_version;
    u8 info_length;  // 8
    u8 indirect_levels;
    u8 unused_flags;
};
struct DxTail {
    u32 reserved;
    u32 checksum;
};
constexpr u32 kDxRootInfoOffset = 24;
constexpr u32 kDxRootEntries = 32;
constexpr u32 kDxNodeEntries = 8;

// Extended attributes: in what is left of a large inode, and in one block.
constexpr u32 kXattrMagic = 0xea020000;
struct XattrHeader {
    u32 h_magic;
    u32 h_refcount;
    u32 h_blocks;
    u32 h_hash;
    u32 h_checksum;
    u32 h_reserved[3];
};
static_assert(sizeof(XattrHeader) == 32);
struct XattrEntry {
    u8 e_name_len;
    u8 e_name_index;
    u16 e_value_offs;
    u32 e_value_inum;
    u32 e_value_size;
    u32 e_hash;
};
static_assert(sizeof(XattrEntry) == 16);

// The orphan file: blocks of inode numbers, each with a tail.
constexpr u32 kOrphanBlockMagic = 0x0b10ca04;
struct OrphanTail {
    u32 ob_magic;
    u32 ob_checksum;
};

}  // namespace ext4
