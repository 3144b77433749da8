// Ext4Directory: the names in a directory, in a row of blocks or, with an htree, in blocks found by the name's hash.
//
// Guarantees: a record is looked at only when it lies within its block and is as long as its name; an index block
// only when its counts fit. Damage answers EUCLEAN; an htree that makes no sense is searched as if it were none.
#pragma once

#include "fs/ext4/ext4_inode.h"

class Ext4Directory {
  public:
    explicit Ext4Directory(Ext4Inode& dir) : dir_(dir), fs_(dir.fs()) {}

    /// A place in a directory: the record and its block.
    struct Found {
        BufferRef buffer;
        u32 offset = 0;
        ext4::DirEntry& entry() const { return *reinterpret_cast<ext4::DirEntry*>(buffer->data + offset); }
    };

    /// ENOENT.
    Result<Found> find(const Name& name);
    /// ENOSPC. The caller writes the inode.
    Result<void> add(Ext4Op& op, const Name& name, u32 child, u32 child_mode);
    Result<void> remove(Ext4Op& op, Found& found);
    /// The record leads to another inode from now on.
    void replace(Ext4Op& op, Found& found, u32 child, u32 child_mode);
    /// The first block of a new directory.
    Result<void> make(Ext4Op& op, u32 parent);
    Result<bool> is_empty();
    /// Hands a block's names on, or those of a few that belong together; nothing at the end.
    Result<void> iterate(DirContext& context);

  private:
    struct Frame {
        BufferRef buffer;
        ext4::DxEntry* entries = nullptr;
        u32 at = 0;
    };
    struct IndexPath {
        static constexpr u32 kMaxLevels = 3;
        Frame frames[kMaxLevels];
        u32 levels = 0;  // of index blocks
        ext4::HashVersion version = ext4::HashVersion::kHalfMd4;
        Frame& last() { return frames[levels - 1]; }
    };
    struct Sorted {
        u32 hash;
        u32 minor;
        u32 offset;
        u32 block;  // which of the gathered blocks
    };

    Errno damaged(const char* what) { return fs_.fs_error("ext4_dir", dir_.ino, what); }
    u32 block_count() const { return static_cast<u32>(dir_.disk_size >> fs_.block_bits); }
    u32 usable() const { return fs_.block_size - (fs_.metadata_csum ? sizeof(ext4::DirTail) : 0); }
    bool indexed() const {
        return (dir_.disk_flags & ext4::kInodeIndex) && fs_.has_compat(ext4::kCompatDirIndex);
    }

    // Rows of records (directory.cpp)
    Result<BufferRef> read_block(u32 block);
    Result<void> check_block(u32 block, const BufferRef& buffer);
    bool sound(const BufferRef& buffer, u32 offset) const;
    static u32 record_size(u32 name_length) { return (ext4::kDirEntryHead + name_length + 3) & ~3u; }
    Result<bool> find_in(BufferRef& buffer, const Name& name, Found* found);
    Result<bool> add_in(Ext4Op& op, BufferRef& buffer, const Name& name, u32 child, u32 child_mode);
    void fill_record(ext4::DirEntry& entry, const Name& name, u32 child, u32 child_mode) const;
    void clear_block(u8* data) const;
    void seal(Ext4Op& op, BufferRef& buffer) const;
    Result<BufferRef> append(Ext4Op& op, u32* block);
    Result<void> iterate_rows(DirContext& context);

    // Index (htree.cpp, htree_change.cpp)
    ext4::HashVersion hash_version(u8 on_disk) const;
    u32 hash_of(const Name& name, ext4::HashVersion version) const {
        return ext4::dir_hash(name.text, name.length, version, fs_.disk().s_hash_seed);
    }
    u32 index_limit(bool root) const;
    Result<void> load_frame(Frame& frame, u32 block, bool root);
    Result<void> probe(IndexPath& path, u32 hash);
    Result<void> probe_name(IndexPath& path, const Name& name, u32* hash);
    /// To the next leaf; false at the end. `*hash`: with what it begins, its lowest bit set if the leaf before it
    /// ends with the same.
    Result<bool> next_leaf(IndexPath& path, u32* hash);
    Result<Found> find_by_hash(const Name& name, bool* bad_index);
    Result<void> add_by_hash(Ext4Op& op, const Name& name, u32 child, u32 child_mode);
    Result<void> make_index(Ext4Op& op);
    Result<void> make_index_room(Ext4Op& op, IndexPath& path, u32 hash);
    Result<void> deepen(Ext4Op& op, IndexPath& path);
    Result<void> split_index(Ext4Op& op, IndexPath& path, u32 level);
    Result<void> split_leaf(Ext4Op& op, IndexPath& path, BufferRef& leaf, u32 hash, BufferRef* target);
    void insert_index(Ext4Op& op, Frame& frame, u32 hash, u32 block);
    void seal_index(Ext4Op& op, BufferRef& buffer, ext4::DxEntry* entries) const;
    bool index_checksum_ok(const BufferRef& buffer, const ext4::DxEntry* entries) const;
    u32 index_checksum(const u8* data, const ext4::DxEntry* entries) const;
    Result<void> iterate_sorted(DirContext& context);
    Result<void> iterate_all(DirContext& context, ext4::HashVersion version);
    Result<bool> emit_sorted(DirContext& context, Vec<BufferRef>& blocks, Vec<Sorted>& all);
    Result<void> gather(const BufferRef& buffer, u32 which, ext4::HashVersion version, u64 from,
                        Vec<Sorted>& all);

    Ext4Inode& dir_;
    Ext4Super& fs_;
};

/// The file type of a record as getdents(2) has it.
u8 ext4_dt_type(u8 file_type);

/// Entries of an index block: the first one's hash is how many there may be and are.
struct DxCount {
    u16 limit;
    u16 count;
};
inline DxCount& dx_count(ext4::DxEntry* entries) {
    return *reinterpret_cast<DxCount*>(entries);
}
