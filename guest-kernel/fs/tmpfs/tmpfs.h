// tmpfs: a file system in memory (tmpfs(5)). A file's data is a MemoryObject, so read(), write(), mmap() and
// execve() see the same pages; a directory is a table of names in memory.
//
// Guarantees: limits on pages and inodes as mounted (ENOSPC beyond); holes cost nothing; a removed file lives
// until its last user closes or unmaps it. Also the root file system, and the home of memfd files.
#pragma once

#include "fs/inode.h"
#include "fs/page_tree.h"
#include "fs/vfs.h"
#include "fs/xattr.h"
#include "mm/memory_object.h"

/// What an instance may use; outlives the instance while pages of it are still mapped.
struct TmpfsQuota : RefCounted {
    u64 max_pages = 0;   ///< 0: no limit
    u64 max_inodes = 0;  ///< 0: no limit
    u64 used_pages = 0;
    u64 used_inodes = 0;

    bool take(u64& used, u64 limit, u64 count);
    bool take_pages(u64 count);
    void give_pages(u64 count);
};
/// Pages of all instances together, for /proc/meminfo (Shmem, Cached).
extern u64 tmpfs_total_pages;

/// The data of one regular file.
class TmpfsPages final : public MemoryObject {
  public:
    explicit TmpfsPages(RefPtr<TmpfsQuota> quota) : quota_(std::move(quota)) {}
    ~TmpfsPages() override;

    Result<Page*> get_page(u64 index, bool for_write) override;
    bool cached_pages(u64 first, u64 count, Page** pages) override;
    /// The page of `index`, made if it is a hole, also beyond the end; with a reference. ENOMEM, ENOSPC.
    Result<Page*> ensure_page(u64 index);
    /// The page, or null for a hole; with a reference.
    Page* peek_page(u64 index);
    /// Cuts or extends; what is cut off is gone from every mapping.
    void set_size(u64 new_size);
    /// Zeroes [from, to) and gives whole pages back (FALLOC_FL_PUNCH_HOLE).
    void punch(u64 from, u64 to);
    u64 size() const { return __atomic_load_n(&size_, __ATOMIC_RELAXED); }
    void grow_size(u64 at_least);
    u64 page_count() const { return __atomic_load_n(&page_count_, __ATOMIC_RELAXED); }
    /// The first byte at or after `offset` that is data (or hole), for SEEK_DATA and SEEK_HOLE.
    u64 next_data(u64 offset);
    u64 next_hole(u64 offset);

  private:
    void zero_tail(u64 from, u64 to);
    Result<Page*> ensure_locked(u64 index);

    Mutex lock_{LockRank::kObjectPages};
    PageTree pages_;
    u64 size_ = 0;
    u64 page_count_ = 0;
    RefPtr<TmpfsQuota> quota_;
};

class TmpfsInode;
struct MountOption;

class TmpfsSuper : public SuperBlock {
  public:
    static constexpr i64 kMagic = 0x01021994;
    TmpfsSuper(const char* fs_type, RefPtr<TmpfsQuota> limits, i64 fs_magic = kMagic);
    ~TmpfsSuper() override;
    /// An instance with its root; `options` as mount's data ("size=64m,mode=1777"), may be null. EINVAL.
    static Result<RefPtr<SuperBlock>> mount(const char* fs_type, const char* options);
    Result<void> statfs(KernelStatfs* out) override;
    Result<void> show_options(KString& out) override;
    Result<void> remount(u64 flags, const char* data) override;

    /// An inode, owned as in `directory` if there is one. ENOSPC beyond the limit, ENOMEM.
    Result<RefPtr<TmpfsInode>> new_inode(u32 new_mode, Inode* directory);

    RefPtr<TmpfsQuota> quota;
    u32 root_mode = 01777;
    u32 root_uid = 0;
    u32 root_gid = 0;
    bool size_given = false;
    bool inodes_given = false;
    bool wide_numbers = true;  ///< inode64

  protected:
    /// Null when memory is short.
    virtual TmpfsInode* make_inode(u32 new_mode);
    /// uid=, gid=, mode=. False for anything else.
    bool parse_owner(const MountOption& option);
    /// `super` with its root made as the options say.
    static Result<RefPtr<SuperBlock>> with_root(RefPtr<TmpfsSuper> super);

  private:
    Result<void> parse(const char* options);
};

struct TmpfsEntry;
/// The names of a directory, newest first, as Linux's tmpfs lists them.
class TmpfsNames {
  public:
    TmpfsNames() = default;
    ~TmpfsNames();
    TmpfsEntry* find(const Name& name) const;
    Result<void> insert(const Name& name, RefPtr<Inode> inode);
    void remove(TmpfsEntry* entry);
    size_t count() const { return count_; }
    /// The entry with the smallest position >= `position`, or null.
    TmpfsEntry* at(loff_t position) const;
    const ListNode* end_marker() const { return &order_; }

  private:
    Result<void> grow();
    Vec<TmpfsEntry*> buckets_;
    ListNode order_;
    size_t count_ = 0;
    loff_t next_position_ = 0;
};

struct TmpfsEntry {
    ListNode order;
    TmpfsEntry* next_in_bucket = nullptr;
    loff_t position = 0;
    KString name;
    u32 hash = 0;
    RefPtr<Inode> inode;
};

class TmpfsInode : public Inode {
  public:
    TmpfsInode(TmpfsSuper& super, u32 new_mode);
    ~TmpfsInode() override;

    Result<RefPtr<Inode>> lookup(const Name& name) override;
    Result<RefPtr<Inode>> mknod(const Name& name, u32 new_mode, dev_t device) override;
    Result<RefPtr<Inode>> mkdir(const Name& name, u32 new_mode) override;
    Result<RefPtr<Inode>> symlink(const Name& name, const char* target) override;
    Result<void> link(const Name& name, Inode& existing) override;
    Result<void> unlink(const Name& name, Inode& victim) override;
    Result<void> rmdir(const Name& name, Inode& victim) override;
    Result<void> rename(const Name& from, Inode& moved, Inode& to_dir, const Name& to, Inode* victim,
                        u32 flags) override;
    Result<RefPtr<Inode>> tmpfile(u32 new_mode) override;
    Result<void> iterate(DirContext& context) override;
    Result<KString> readlink() override;
    Result<RefPtr<File>> open(int flags) override;
    Result<void> set_size(u64 new_size) override;
    MemoryObject* memory_object() override { return pages.get(); }
    Result<void> sync(bool) override {  // all is in memory already
        return is_regular() || is_dir() ? Result<void>() : Result<void>(Errno::EINVAL);
    }
    Result<size_t> getxattr(const char* name, void* buffer, size_t buffer_size) override;
    Result<void> setxattr(const char* name, const void* value, size_t value_size, int flags) override;
    Result<void> removexattr(const char* name) override;
    Result<void> listxattr(KString& all) override { return xattrs.list(all); }
    i64 block_count() const override;
    bool is_empty_dir() const { return names.count() == 0; }

    RefPtr<TmpfsPages> pages;  ///< regular files
    TmpfsNames names;          ///< directories
    KString target;            ///< symbolic links
    MemoryXattrs xattrs;       ///< trusted.*, security.* and ACLs
    u32 seals = 1;             ///< F_SEAL_…; F_SEAL_SEAL alone for files that are not memfd's

    /// How many pages the file system may have; 0: as many as there are.
    u64 page_limit() const;

  protected:
    /// What holds the data of a new regular file. ENOMEM.
    virtual Result<void> make_data();
    TmpfsSuper& super() const { return *static_cast<TmpfsSuper*>(sb); }

  private:
    Result<void> enter(const Name& name, RefPtr<Inode> inode);
    void leave(const Name& name);
    void count_names() { size = 20 * (names.count() + 2); }
    friend class TmpfsNames;
    friend class TmpfsSuper;
};

/// The root of the tree at boot: a tmpfs by another name, which mount(2) does not know.
extern const FileSystemType rootfs_type;
/// Makes tmpfs known to mount(2).
void init_tmpfs();

/// A regular tmpfs file without a name, for memfd_create and shared anonymous memory; it may be sealed when
/// asked.
Result<RefPtr<TmpfsInode>> make_nameless_tmpfs_file(bool sealable);
