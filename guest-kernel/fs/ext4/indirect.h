// The block map of ext2 and ext3: twelve direct blocks, then trees of pointers one, two and three levels deep.
//
// Guarantees: a pointer is followed only when it lies on the device; no more than three levels are walked.
#pragma once

#include "fs/ext4/ext4_inode.h"

class IndirectMap {
  public:
    explicit IndirectMap(Ext4Inode& inode)
        : inode_(inode), fs_(inode.fs()), per_block_(fs_.block_size / sizeof(u32)) {}

    Result<Ext4Mapping> find(u32 block, u32 max);
    /// Enters `count` blocks into holes; makes the blocks of pointers on the way. ENOSPC, EFBIG.
    Result<void> insert(Ext4Op& op, u32 block, u32 count, u64 physical);
    /// Takes [first, last] away and frees its blocks, and blocks of pointers that are empty then.
    Result<void> remove(Ext4Op& op, u32 first, u32 last);

  private:
    static constexpr u32 kDirect = 12;
    struct Place {
        u32 root;        // of i_block
        u32 levels;      // blocks of pointers on the way
        u32 offsets[3];  // in each of them
    };
    Result<Place> place_of(u64 block) const;
    Errno damaged() { return fs_.fs_error("ext4_check_blockref", inode_.ino, "invalid block reference"); }
    Result<BufferRef> pointers(u32 block);
    Result<void> clear(Ext4Op& op, u32* slot, BufferRef* holder, u32 level, u64 base, u64 first, u64 last);
    u64 span(u32 level) const {
        u64 blocks = 1;
        for (u32 i = 0; i < level; i++) blocks *= per_block_;
        return blocks;
    }

    Ext4Inode& inode_;
    Ext4Super& fs_;
    const u32 per_block_;
};
