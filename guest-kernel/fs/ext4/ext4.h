// ext4, and ext2 and ext3 by the same code: an instance (Ext4Super), its inodes (Ext4Inode) and a change of it
// (Ext4Op).
//
// Guarantees:
//   - One lock per instance, `Ext4Super::lock` (LockRank::kBlockMap), is held over every look at or change of
//     metadata: maps, bitmaps, directories, inodes on disk. File data is the page cache's; no page is locked, read
//     or written under this lock except by write_back, which owns the pages already.
//   - A change is made inside one Ext4Op, which is part of one journal transaction: after a power cut either all
//     of it is there or nothing.
//   - Blocks of a file are given when its pages are written back (delayed allocation): the data is on the device
//     before the map that leads to it is in the journal, which is what data=ordered promises.
//   - Whatever the disk says, nothing here reads or writes outside of a block or of the device, and no loop is
//     longer than the structure it walks may be: what cannot be answers EUCLEAN and is reported by fs_error().
#pragma once

#include "core/unique.h"
#include "fs/buffer_cache.h"
#include "fs/ext4/dir_hash.h"
#include "fs/ext4/layout.h"
#include "fs/jbd2/journal.h"
#include "fs/vfs.h"
#include "time/clock.h"

class Ext4Inode;
class Ext4Op;
class Ext4Super;

/// What mount's options say, and what they are when they say nothing.
struct Ext4Options {
    bool barrier = true;
    bool discard = false;
    bool user_xattr = true;
    bool acl = true;
    bool delalloc = true;
    bool noload = false;
    bool journal_checksum = false;
    bool block_validity = true;
    bool init_itable = true;
    bool lazytime = false;
    u16 errors = ext4::kErrorsContinue;
    u32 commit_seconds = 5;
    u32 resuid = 0;
    u32 resgid = 0;
    u32 sb_block = 1;
    enum class Data : u8 { kOrdered, kWriteback, kJournal } data = Data::kOrdered;
    bool data_given = false;

    static constexpr u32 kDefaultCommit = 5;

    /// Reads "errors=remount-ro,barrier=0"; may be null. EINVAL, with the kernel's message, for what is unknown.
    Result<void> parse(const char* text);
    /// What differs from `defaults`, which the super block gives.
    Result<void> show(KString& out, const Ext4Options& defaults, bool has_journal) const;

  private:
    bool parse_flag(const Name& option);
    bool parse_value(const Name& key, const Name& value);
};

/// Where a run of a file's blocks is.
struct Ext4Mapping {
    enum class Kind : u8 { kHole, kMapped, kUnwritten } kind = Kind::kHole;
    u64 physical = 0;  ///< of the first block; nothing for a hole
    u32 length = 0;    ///< blocks, at least one
};

/// A run of blocks of the device.
struct Ext4Run {
    u64 start;
    u32 length;
};

/// Buffer state of this file system's own: the block's checksum was right when it was read.
constexpr u32 kBufferChecked = 1u << 16;

/// Blocks that a change may touch at most, for Ext4Op::begin: an inode, its map's path and its split, bitmaps and
/// descriptors of the groups that blocks come from, a directory's path and its split.
constexpr u32 kChangeCredits = 64;
constexpr u32 kUnmapCredits = 48;
constexpr u32 kDeleteCredits = 64;
constexpr u32 kInodeCredits = 4;

class Ext4Super final : public SuperBlock, private Journal::Client {
  public:
    Ext4Super(const char* fs_type, RefPtr<BlockDevice> block_device);
    ~Ext4Super() override;
    /// Reads the super block and everything that must be right before anybody may look at a file; replays the
    /// journal and clears the orphans away. EINVAL with the kernel's message for what is no ext4 or cannot be
    /// mounted, EROFS for what may only be read, EIO, EUCLEAN.
    static Result<RefPtr<SuperBlock>> mount(const char* fs_type, RefPtr<BlockDevice> device, bool read_only,
                                            const char* options);

    Result<void> statfs(KernelStatfs* out) override;
    Result<void> show_options(KString& out) override;
    Result<void> remount(u64 flags, const char* data) override;
    /// All that was written so far is on stable storage. EIO.
    Result<void> sync() override;
    /// Commits what has changed so far (the commit thread's work). EIO.
    Result<void> commit();
    u64 commit_if_due(u64 now);

    // --- Inodes (inode_table.cpp)
    /// The inode `number`. ESTALE for a free one, EUCLEAN for one that cannot be.
    Result<RefPtr<Ext4Inode>> get_inode(u32 number, bool special = false);
    void inode_unused(Ext4Inode& inode);
    /// Enters a new inode, whose number nobody else has; gives it as a reference.
    RefPtr<Ext4Inode> enter_inode(Ext4Inode* fresh);

    // --- Metadata blocks; all with `lock` held
    /// The block, read and checked as far as `kind` says. EUCLEAN when it lies outside, EIO.
    Result<BufferRef> read_block(u64 block);
    /// The block without reading it: all zero. It will be written as a whole.
    Result<BufferRef> fresh_block(u64 block);
    /// True if [start, start + count) are blocks that a file may have.
    bool valid_blocks(u64 start, u64 count) const;
    /// Reports damage as Linux does: the log, the super block's error fields, and errors=. Answers EUCLEAN.
    [[nodiscard]] Errno fs_error(const char* where, u64 inode, const char* what);
    /// Nothing may be changed any more: the device or the journal failed.
    bool broken() const { return aborted_; }

    // --- Block groups (groups.cpp)
    Result<void> read_groups();
    Result<void> check_groups();
    ext4::GroupDesc& group(u32 index);
    void dirty_group(Ext4Op& op, u32 index);
    u64 block_bitmap_of(const ext4::GroupDesc& g) const;
    u64 inode_bitmap_of(const ext4::GroupDesc& g) const;
    u64 inode_table_of(const ext4::GroupDesc& g) const;
    u32 free_blocks_of(const ext4::GroupDesc& g) const;
    void set_free_blocks(ext4::GroupDesc& g, u32 count) const;
    u32 free_inodes_of(const ext4::GroupDesc& g) const;
    void set_free_inodes(ext4::GroupDesc& g, u32 count) const;
    u32 used_dirs_of(const ext4::GroupDesc& g) const;
    void set_used_dirs(ext4::GroupDesc& g, u32 count) const;
    u32 itable_unused_of(const ext4::GroupDesc& g) const;
    void set_itable_unused(ext4::GroupDesc& g, u32 count) const;
    u64 group_first_block(u32 index) const { return first_data_block + u64{index} * blocks_per_group; }
    u32 blocks_in_group(u32 index) const;
    Result<BufferRef> block_bitmap(u32 index);
    Result<BufferRef> inode_bitmap(u32 index);
    void set_block_bitmap_csum(u32 index, const u8* bitmap);
    void set_inode_bitmap_csum(u32 index, const u8* bitmap);
    bool has_super(u32 index) const;

    // --- Blocks (block_alloc.cpp)
    /// Up to `want` consecutive blocks near `goal`. ENOSPC. `reserved`: for metadata and blocks reserved before,
    /// which may also use what is kept back.
    u64 free_blocks_left() const { return free_blocks_; }
    Result<Ext4Run> allocate_blocks(Ext4Op& op, u64 goal, u32 want, bool reserved);
    Result<void> free_blocks(Ext4Op& op, u64 start, u32 count, bool metadata);
    /// Sets blocks aside for pages that will be written later. ENOSPC.
    Result<void> reserve_blocks(u32 count);
    void release_reserved(u32 count);

    // --- Inodes on the disk (inode_alloc.cpp)
    Result<u32> allocate_inode(Ext4Op& op, const Ext4Inode* directory, u32 mode);
    Result<void> free_inode(Ext4Op& op, u32 number, bool is_dir);
    /// The block and offset of an inode.
    Result<BufferRef> inode_block(u32 number, u32* offset);

    // --- Orphans (orphan.cpp)
    Result<void> orphan_add(Ext4Op& op, Ext4Inode& inode);
    Result<void> orphan_del(Ext4Op& op, Ext4Inode& inode);
    Result<void> clear_orphans();

    // --- The super block
    ext4::SuperBlockDisk& disk();
    const ext4::SuperBlockDisk& disk() const { return const_cast<Ext4Super*>(this)->disk(); }
    void dirty_super(Ext4Op& op);
    bool has_compat(u32 bit) const { return disk().s_feature_compat & bit; }
    bool has_incompat(u32 bit) const { return disk().s_feature_incompat & bit; }
    bool has_ro_compat(u32 bit) const { return disk().s_feature_ro_compat & bit; }
    u32 csum(const void* data, size_t size) const;
    /// In bytes, of a file of either kind.
    u64 max_file_size(bool extents) const;
    BufferCache& cache() { return *cache_; }
    u32 new_generation() {
        generation_seed_++;
        return csum(&generation_seed_, sizeof(generation_seed_));
    }
    bool uses_reserve() const { return has_incompat(ext4::kIncompatExtents); }

    Mutex lock{LockRank::kBlockMap};  ///< bare: over whole changes
    RefPtr<BlockDevice> device;
    Ext4Options options;
    Ext4Options default_options;  ///< what the super block says
    Journal journal;

    // Immutable after mount.
    u32 block_size = 0;
    u32 block_bits = 0;
    u64 blocks_count = 0;
    u32 first_data_block = 0;
    u32 blocks_per_group = 0;
    u32 inodes_per_group = 0;
    u32 inodes_count = 0;
    u32 groups_count = 0;
    u32 desc_size = 0;
    u32 inode_size = 0;
    u32 csum_seed = 0;
    bool metadata_csum = false;
    bool gdt_csum = false;

  private:
    friend class Ext4Op;
    static Result<RefPtr<Ext4Super>> open(const char* fs_type, RefPtr<BlockDevice> device, bool read_only,
                                          const char* options, bool* replayed);
    Result<void> read_super();
    Result<void> check_super(const ext4::SuperBlockDisk& s);
    Result<void> check_features(const ext4::SuperBlockDisk& s, bool for_writing);
    Result<void> check_geometry(const ext4::SuperBlockDisk& s);
    Result<void> check_type(const ext4::SuperBlockDisk& s);
    Result<void> open_journal(bool* replayed);
    Result<void> start_writing();
    Result<void> stop_writing();
    Result<void> write_super();
    void update_super();
    void count_free();
    void count_overhead();
    void show_mounted();
    Result<void> enter_instance();
    void leave_instances();
    void transaction_committed() override;
    void journal_aborted() override;
    i64 now_seconds() override;
    u32 now_nanoseconds() override;

    u64 group_desc_block(u32 index) const;
    bool group_desc_csum_ok(u32 index);
    u32 group_desc_copies(u32 index) const;
    void init_block_bitmap(u32 index, u8* bitmap);
    u16 group_desc_csum(u32 index) const;
    u32 find_free_run(const u8* bitmap, const u8* pending, u32 bits, u32 from, u32 want, u32* length) const;
    Result<void> add_pending(u32 index, u32 bit, u32 count);
    Result<Ext4Run> take_from_group(Ext4Op& op, u32 index, u32 from, u32 want, u32 at_least);
    u64 kept_back() const;
    u64 reserved_now() const { return __atomic_load_n(&reserved_blocks_, __ATOMIC_RELAXED); }
    u32 first_inode_group(const Ext4Inode* directory, u32 mode);
    Result<void> init_group(Ext4Op& op, u32 index);

    Result<void> make_inode_table();
    void free_inode_table();
    Result<u32> peek_mode(u32 number);
    Result<RefPtr<Ext4Inode>> read_inode(u32 number, bool special);
    void evict(Ext4Inode& inode);
    void evict_all();
    void drop_all_pages();
    Result<void> delete_inode(Ext4Inode& inode);
    Result<void> write_dirty_inodes();
    Result<void> clear_orphan_file(u32* cleared);
    Result<bool> clear_orphan_inode(u32 number, bool listed, u32* next);
    Result<bool> inode_in_use(u32 number);
    Ext4Inode* inode_in_memory(u32 number);

    Unique<BufferCache> cache_;
    BufferRef super_buffer_;
    u32 super_offset_ = 0;
    Vec<BufferRef> group_buffers_;
    Vec<u8*> pending_free_;  ///< per group, null or a bitmap: freed, but not committed yet
    u64 free_blocks_ = 0;
    u64 free_inodes_ = 0;
    u64 pending_count_ = 0;
    u64 reserved_blocks_ = 0;  ///< promised to dirty pages; atomic: given back without the lock
    u64 reserved_for_root_ = 0;
    u64 overhead_blocks_ = 0;
    Vec<u32> orphans_;  ///< the list on the disk, from its end: s_last_orphan is the last
    u32 generation_seed_ = 0;
    bool aborted_ = false;
    bool mounted_ = false;  ///< as a whole: what unmounting undoes is there
    bool clearing_orphans_ = false;
    bool entered_ = false;  ///< among the instances that the commit thread looks at
    u64 last_commit_ns_ = 0;

    struct InodeTable;
    InodeTable* inodes_ = nullptr;
    friend class Ext4Inode;
};

/// A change: from begin() on the instance is locked and what is made dirty belongs to one transaction.
class Ext4Op {
  public:
    explicit Ext4Op(Ext4Super& super) : fs(super) {}
    ~Ext4Op();
    Ext4Op(const Ext4Op&) = delete;
    Ext4Op& operator=(const Ext4Op&) = delete;

    /// Takes the lock and makes sure that `credits` blocks fit into the transaction. EROFS, EIO.
    Result<void> begin(u32 credits);
    /// In the middle of a long change, at a point where the disk would be whole: makes room for `credits` more,
    /// by a commit if need be.
    Result<void> extend(u32 credits);
    /// `buffer` has been changed (or is about to be, before the lock is given back).
    void dirty(BufferRef& buffer);
    /// The metadata block is free now: what the journal has of it must not be replayed.
    void forget(u64 block);

    Ext4Super& fs;

  private:
    bool locked_ = false;
};
