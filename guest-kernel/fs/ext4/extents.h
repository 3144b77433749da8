// The extent tree of an inode: which runs of blocks are where. The root is in the inode, the rest in blocks.
//
// Guarantees: a node is looked at only when its header is sound (magic, depth, counts within the block) and, the
// first time, its checksum; a block number is used only when it lies on the device. So a damaged tree answers
// EUCLEAN and no look-up is deeper than kExtentMaxDepth.
#pragma once

#include "fs/ext4/ext4_inode.h"

/// Entries of a root: what the inode's 60 bytes hold.
constexpr u32 kExtentRootRoom = (60 - sizeof(ext4::ExtentHeader)) / sizeof(ext4::Extent);

class ExtentTree {
  public:
    explicit ExtentTree(Ext4Inode& inode) : inode_(inode), fs_(inode.fs()) {}

    /// An empty tree in the inode.
    static void init(Ext4Inode& inode);
    Result<Ext4Mapping> find(u32 block, u32 max);
    /// Enters blocks that the tree does not have; joins neighbours where it can. ENOSPC.
    Result<void> insert(Ext4Op& op, u32 block, u32 count, u64 physical, bool unwritten);
    /// Takes what the tree has of the extent at or after `from` within [from, last] out, without freeing it; the
    /// result says what and where, with a length of 0 when there is nothing left.
    struct Piece {
        u32 block = 0;
        u32 length = 0;
        u64 physical = 0;
        bool unwritten = false;
    };
    Result<Piece> cut_next(Ext4Op& op, u32 from, u32 last);

  private:
    struct Level {
        BufferRef buffer;  // null: the root, in the inode
        ext4::ExtentHeader* header = nullptr;
        i32 at = -1;  // the entry followed; in a leaf the last one that begins at or before the block, or -1
        ext4::Extent* extents() const { return reinterpret_cast<ext4::Extent*>(header + 1); }
        ext4::ExtentIndex* indexes() const { return reinterpret_cast<ext4::ExtentIndex*>(header + 1); }
    };
    struct Path {
        Level levels[ext4::kExtentMaxDepth + 1];
        u32 depth = 0;
        Level& leaf() { return levels[depth]; }
    };

    Errno damaged(const char* what) { return fs_.fs_error("ext4_ext_check", inode_.ino, what); }
    Result<void> check_header(const Level& level, u32 depth, u32 room);
    Result<void> load_root(Path& path);
    Result<void> walk(Path& path, u32 block);
    Result<void> load_child(Path& path, u32 level, u64 block);
    Result<void> make_room(Ext4Op& op, Path& path, u32 block);
    Result<void> grow_root(Ext4Op& op, Path& path);
    Result<void> split(Ext4Op& op, Path& path, u32 level);
    Result<BufferRef> new_node(Ext4Op& op, u64 goal);
    void changed(Ext4Op& op, Level& level);
    void correct_indexes(Ext4Op& op, Path& path);
    Result<void> remove_entry(Ext4Op& op, Path& path);
    bool join(ext4::Extent& left, const ext4::Extent& right) const;
    u32 first_key(const Level& level) const;
    Result<u32> next_extent_start(Path& path, u32 block);

    Ext4Inode& inode_;
    Ext4Super& fs_;
};
