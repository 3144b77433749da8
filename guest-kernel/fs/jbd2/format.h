// The journal's format (Linux, include/linux/jbd2.h; Documentation/filesystems/ext4/journal): big-endian, in the
// blocks of an inode of the file system.
#pragma once

#include "core/types.h"

namespace jbd2 {

/// A big-endian number in memory.
struct Be32 {
    u32 raw;
    operator u32() const { return __builtin_bswap32(raw); }
    Be32& operator=(u32 value) {
        raw = __builtin_bswap32(value);
        return *this;
    }
};
struct Be16 {
    u16 raw;
    operator u16() const { return __builtin_bswap16(raw); }
    Be16& operator=(u16 value) {
        raw = __builtin_bswap16(value);
        return *this;
    }
};
struct Be64 {
    u64 raw;
    operator u64() const { return __builtin_bswap64(raw); }
    Be64& operator=(u64 value) {
        raw = __builtin_bswap64(value);
        return *this;
    }
};

constexpr u32 kMagic = 0xc03b3998;
enum BlockType : u32 { kDescriptor = 1, kCommit = 2, kSuperV1 = 3, kSuperV2 = 4, kRevoke = 5 };

constexpr u32 kCompatChecksum = 1;
constexpr u32 kIncompatRevoke = 1;
constexpr u32 kIncompat64Bit = 2;
constexpr u32 kIncompatAsyncCommit = 4;
constexpr u32 kIncompatCsumV2 = 8;
constexpr u32 kIncompatCsumV3 = 16;
constexpr u32 kIncompatKnown =
    kIncompatRevoke | kIncompat64Bit | kIncompatAsyncCommit | kIncompatCsumV2 | kIncompatCsumV3;
constexpr u8 kChecksumCrc32c = 4;

struct Header {
    Be32 magic;
    Be32 type;
    Be32 sequence;
};

struct Super {
    Header header;
    Be32 block_size;
    Be32 max_length;  // blocks of the journal
    Be32 first;       // the first block of log
    Be32 sequence;    // of the first transaction to replay
    Be32 start;       // where it is; 0: the journal is empty
    Be32 error;
    Be32 feature_compat;  // from here on: version 2
    Be32 feature_incompat;
    Be32 feature_ro_compat;
    u8 uuid[16];
    Be32 users_count;
    Be32 dynsuper;
    Be32 max_transaction;
    Be32 max_trans_data;
    u8 checksum_type;
    u8 padding1[3];
    Be32 fast_commit_blocks;
    Be32 head;
    u32 padding[40];
    Be32 checksum;
    u8 users[16 * 48];
};
static_assert(sizeof(Super) == 1024);
static_assert(__builtin_offsetof(Super, checksum) == 0xfc);

enum TagFlags : u32 { kEscaped = 1, kSameUuid = 2, kDeleted = 4, kLastTag = 8 };

struct Tag3 {  // with CSUM_V3
    Be32 block;
    Be32 flags;
    Be32 block_high;
    Be32 checksum;
};
struct Tag {  // otherwise; block_high only with 64BIT
    Be32 block;
    Be16 checksum;
    Be16 flags;
    Be32 block_high;
};
static_assert(sizeof(Tag3) == 16 && sizeof(Tag) == 12);
constexpr u32 kTailSize = 4;  // the checksum at the end of descriptor and revoke blocks

struct Commit {
    Header header;
    u8 checksum_type;
    u8 checksum_size;
    u8 padding[2];
    Be32 checksum[8];
    Be64 seconds;
    Be32 nanoseconds;
};
static_assert(__builtin_offsetof(Commit, seconds) == 0x30);

struct RevokeHeader {
    Header header;
    Be32 count;  // bytes used, with this header
};

}  // namespace jbd2
