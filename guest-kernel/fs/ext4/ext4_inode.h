// Ext4Inode: an inode in memory, and Ext4Pages: the data of a regular file.
#pragma once

#include "fs/ext4/ext4.h"
#include "fs/mapped_pages.h"

class Ext4Inode;

/// The pages of a regular file. Blocks for new pages are reserved by write_begin (how many stands in the page's
/// private_data) and given by write_pages, which writes them before the map leads to them.
class Ext4Pages final : public MappedPages {
  public:
    explicit Ext4Pages(Ext4Inode& file);
    ~Ext4Pages() override { drop_all(); }

    Result<BlockExtent> map_blocks(u64 first, u64 count, bool create) override;
    void write_pages(Page** pages, u32 count) override;
    Result<Page*> write_begin(u64 position, u32 length, void** state) override;
    void release_private(Page& page) override { unreserve(page); }

  private:
    Result<bool> needs_blocks(u64 first, u64 end);
    Result<void> write_new(Page** pages, u32 count, u64 end);
    Result<void> write_run(Ext4Op& op, Page** pages, u64 first, u64 end, u64* next);
    Result<void> reserve(Page& page, u64 end);
    void unreserve(Page& page);

    Ext4Inode& file_;
};

class Ext4Inode final : public Inode {
  public:
    Ext4Inode(Ext4Super& super, u32 number, u32 new_mode);
    ~Ext4Inode() override;
    Ext4Super& fs() const { return static_cast<Ext4Super&>(*sb); }
    u32 number() const { return static_cast<u32>(ino); }

    // --- As a file of the VFS
    Result<RefPtr<Inode>> lookup(const Name& name) override;
    Result<RefPtr<Inode>> mknod(const Name& name, u32 new_mode, dev_t device) override;
    Result<RefPtr<Inode>> mkdir(const Name& name, u32 new_mode) override;
    Result<RefPtr<Inode>> symlink(const Name& name, const char* target) override;
    Result<void> link(const Name& name, Inode& existing) override;
    Result<void> unlink(const Name& name, Inode& victim) override;
    Result<void> rmdir(const Name& name, Inode& victim) override;
    Result<void> rename(const Name& from, Inode& moved, Inode& to_dir, const Name& to, Inode* victim,
                        u32 rename_flags) override;
    Result<RefPtr<Inode>> tmpfile(u32 new_mode) override;
    Result<void> iterate(DirContext& context) override;
    Result<KString> readlink() override;
    Result<RefPtr<File>> open(int open_flags) override;
    Result<void> set_size(u64 new_size) override;
    void getattr(KernelStat* out) override;
    const timespec64* birth_time() const override { return extra_isize >= 24 ? &crtime : nullptr; }
    Result<void> may_setattr() override;
    Result<void> allocate_range(int mode, u64 offset, u64 length);
    Result<long> ioctl(u32 request, u64 argument, File& file);
    MemoryObject* memory_object() override { return pages.get(); }
    Result<void> sync(bool data_only) override;
    Result<void> attributes_changed(bool lazily) override;
    Result<size_t> getxattr(const char* name, void* buffer, size_t buffer_size) override;
    Result<void> setxattr(const char* name, const void* value, size_t value_size, int flags) override;
    Result<void> removexattr(const char* name) override;
    Result<void> listxattr(KString& names) override;
    i64 block_count() const override;
    void unref_last() override;
    using Inode::drop_reference;

    /// A new inode on the disk, owned as `directory` says, not entered anywhere yet: the caller's.
    static Result<Ext4Inode*> create(Ext4Op& op, Ext4Inode& directory, u32 new_mode);
    /// Takes a new inode back that got no name.
    static Errno discard(Ext4Op& op, Ext4Inode* fresh, Errno why);
    Result<RefPtr<Inode>> make_child(const Name& name, u32 new_mode, dev_t device);
    Result<void> drop_name(Ext4Op& op, bool is_directory);
    Result<void> cut_to(u64 new_size);
    Result<void> clear_range(u64 from, u64 to);
    Result<void> zero_page_part(u64 from, u64 to);
    Result<void> preallocate(u64 from, u64 to);
    Result<void> set_flags(u32 wanted);
    /// Where data (or a hole) begins at or after `offset`; ~0: nowhere.
    Result<u64> next_data(u64 offset, bool hole);

    // --- On the disk (inode_disk.cpp); all with the instance's lock held
    /// Fills the fields from the disk. EUCLEAN, ESTALE.
    Result<void> read_from_disk(bool special);
    /// Writes the fields into the inode's block.
    Result<void> write_to_disk(Ext4Op& op);
    /// What only memory knows (atime, mtime of a write) goes to the disk.
    Result<void> write_if_dirty();
    void seal_raw(u8* bytes) const;
    Result<void> make_pages();
    u32 checksum_seed() const;
    bool uses_extents() const { return (disk_flags & ext4::kInodeExtents) != 0; }
    bool is_fast_symlink() const;

    // --- The map from the file's blocks to the device's (map.cpp, extents*.cpp, indirect.cpp)
    Result<Ext4Mapping> map(u32 block, u32 max);
    /// Blocks for the hole [block, block + want): as many as are consecutive.
    Result<Ext4Mapping> allocate(Ext4Op& op, u32 block, u32 want, bool unwritten, bool reserved);
    /// Enters blocks that were taken for a hole.
    Result<void> enter_blocks(Ext4Op& op, u32 block, const Ext4Run& run, bool unwritten = false);
    /// Makes [block, block + count) of an unwritten extent data.
    Result<void> mark_written(Ext4Op& op, u32 block, u32 count);
    /// Takes [first, last] away and frees its blocks. The change may be cut into several transactions.
    Result<void> unmap(Ext4Op& op, u32 first, u32 last);
    u64 goal_for(u32 block);
    void add_blocks(i64 count) { sectors += static_cast<u64>(count) << (fs().block_bits - 9); }

    bool has_dirty_pages() const { return pages && pages->dirty_count() > 0; }
    bool is_special_file() const { return !is_regular() && !is_dir() && !is_symlink(); }

    // --- Whole changes, inside an Ext4Op
    Result<void> truncate_blocks(Ext4Op& op, u64 new_size);
    Result<void> drop_xattr_block(Ext4Op& op);
    /// A name more or less. Beyond 65000 subdirectories a directory's count is 1: not known.
    void count_name(bool one_more);

    u32 disk_flags = 0;
    u32 i_block[15] = {};
    u64 disk_size = 0;  ///< i_size on the disk: what has been written back
    u64 sectors = 0;    ///< i_blocks
    u64 xattr_block = 0;
    u32 generation = 0;
    u32 disk_nlink = 1;
    u32 project = 0;
    u64 version = 0;
    timespec64 crtime{};
    u16 extra_isize = 0;
    bool fields_dirty = false;  ///< memory knows more than the disk
    bool is_new = false;        ///< nothing of it is on the disk yet
    bool parent_checked = false;
    u64 names_version = 0;  ///< of a directory: counts the changes of its names
    u32 sync_tid = 0;       ///< the transaction that last changed it
    u32 reserved = 0;       ///< blocks promised to dirty pages
    u64 alloc_goal = 0;
    RefPtr<Ext4Pages> pages;

    // Orphans: a list on the disk, threaded through i_dtime; or a place in the orphan file.
    bool orphan = false;
    u32 next_orphan = 0;

    // The table of inodes in memory (inode_table.cpp), under its lock.
    ListNode hash_node;
    ListNode unused_node;
    bool dying = false;
};
