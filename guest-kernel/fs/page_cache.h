// PageCache: the pages of one file (or block device) in memory, read and written by its file system: the one
// cache under read(), write(), mmap() and execve().
//
// A page is found under a spin lock; filling and changing it as a whole happen under its own sleeping lock, the
// flag kPageLocked. Rules:
//   - a page's lock is taken before LockRank::kMappings and what lies above (block maps, buffers), and never
//     while a user copy may fault: a page fault waits for page locks under mmap_lock. Several are taken in
//     ascending order of index.
//   - a page is the file's while page->mapping is this object: look again after its lock was waited for.
//   - a page that a program may write (a writable entry in a page table) is dirty; cleaning takes the right away.
//   - references: the cache has one, each entry of a page table one, each caller of find() and the like one.
//
// Guarantees: what was read is not read again while its page stays; a page goes when it is clean, unlocked and
// unused, oldest first (shrink_page_cache); a failed write-back is told to the next fsync of every open file.
#pragma once

#include "fs/page_tree.h"
#include "mm/memory_object.h"
#include "sync/wait_queue.h"

class PageCache : public MemoryObject {
  public:
    /// `owner`: what write-back keeps alive while it works, the inode; null: this object itself. An object with
    /// dirty pages is not kept alive by them: the owner's destructor calls write_and_wait() (or not, if the file is
    /// deleted) and then drop_all().
    explicit PageCache(RefCounted* owner = nullptr) : owner_(owner) {}

    // --- What a file system supplies. Several tasks may be in them at once.

    /// Fills `count` consecutive pages, all locked and not up to date. Each ends by end_read(), now or later, also
    /// from an interrupt handler. Holes and what lies beyond the end read as zeroes.
    virtual void read_pages(Page** pages, u32 count) = 0;
    /// Writes `count` consecutive pages, each locked by the caller (who unlocks after the return) and marked
    /// kPageWriteback. Each ends by end_write(), now or later, also from an interrupt handler. Allocates what
    /// write_begin has only reserved.
    virtual void write_pages(Page** pages, u32 count) = 0;
    /// Makes bytes [position, position + length) of one page writable: the page, locked, with a reference, its
    /// blocks there (or reserved), and up to date unless all of it will be written. `state` goes to write_end.
    /// ENOSPC, EDQUOT, EIO, ENOMEM.
    virtual Result<Page*> write_begin(u64 position, u32 length, void** state) = 0;
    /// `copied` bytes are in the page (less than `length` only if the page was up to date, else 0 or all): marks it
    /// dirty, extends the size over what was copied, unlocks the page and gives its reference back.
    virtual Result<void> write_end(u64 position, u32 length, u32 copied, Page* page, void* state) = 0;
    /// Before a page with private_data leaves the cache; it is locked and clean.
    virtual void release_private(Page& /*page*/) {}
    /// May a page with private_data leave? Under the tree's spin lock.
    virtual bool private_unused(const Page& /*page*/) { return true; }

    /// A block device's own (Buffers in /proc/meminfo).
    virtual bool is_device() const { return false; }

    // --- MemoryObject
    Result<Page*> get_page(u64 index, bool for_write) override;
    bool cached_pages(u64 first, u64 count, Page** pages) override;

    // --- Size, in bytes. The inode's size follows it (or it the inode's).
    u64 size() const { return __atomic_load_n(&size_, __ATOMIC_ACQUIRE); }
    /// Only the number; truncate() also throws pages away.
    void set_size(u64 bytes) { __atomic_store_n(&size_, bytes, __ATOMIC_RELEASE); }
    void grow_size(u64 at_least);
    u64 page_count() const { return __atomic_load_n(&page_count_, __ATOMIC_RELAXED); }
    u64 dirty_count() const { return __atomic_load_n(&dirty_count_, __ATOMIC_RELAXED); }

    // --- Pages, for file systems
    /// The page if it is there, perhaps locked or not up to date; with a reference. Or null.
    Page* find(u64 index);
    /// The page, locked, made if need be (then not up to date); with a reference. ENOMEM.
    Result<Page*> grab(u64 index);
    /// The page up to date, with a reference; read if need be, alone. EIO, ENOMEM.
    Result<Page*> read_page(u64 index) { return read_page_ahead(index, 1); }
    /// The same, but with what is missing of the `ahead` pages from `index` on (not beyond the end).
    Result<Page*> read_page_ahead(u64 index, u32 ahead);
    /// Begins to read what is missing of [first, first + count); waits for nothing. `marker`: the page whose use
    /// asks for more (~0: none).
    void start_read(u64 first, u64 count, u64 marker = ~0ull);

    static void lock_page(Page* page);
    static bool try_lock_page(Page* page);
    static void unlock_page(Page* page);
    /// Sleeps until nobody writes the page to the device.
    static void wait_writeback(Page* page);
    /// `page` (locked or otherwise kept) differs from what is stored.
    void mark_dirty(Page* page);
    static void end_read(Page* page, Errno status);
    static void end_write(Page* page, Errno status);
    static bool uptodate(const Page* page) { return flag(page, kPageUptodate); }
    static bool dirty(const Page* page) { return flag(page, kPageDirty); }
    static void set_uptodate(Page* page) { set_flag(page, kPageUptodate); }
    /// Used by a reader or writer: not among the oldest.
    static void mark_used(Page* page) {
        if (!flag(page, kPageReferenced)) set_flag(page, kPageReferenced);
    }
    /// Was the page the one whose use asks for the next window? Only the first to ask is told.
    static bool take_readahead_mark(Page* page) {
        return flag(page, kPageReadahead) && clear_flag(page, kPageReadahead);
    }

    // --- Ranges; first and last are page numbers, inclusive
    /// Begins to write the dirty pages. `wait`: first waits for pages that are being written already, so that what
    /// is dirty now is on its way afterwards. At most `limit` pages; returns how many were begun.
    u64 write_back(u64 first, u64 last, bool wait, u64 limit = ~0ull);
    /// Sleeps until none of them is on its way.
    void wait_range(u64 first, u64 last);
    /// Both, and the error if one came up since `seen` (see error_sequence).
    Result<void> write_and_wait(u64 first = 0, u64 last = ~0ull);
    /// Clean and unused pages go; returns how many stay.
    u64 invalidate(u64 first, u64 last);
    /// The size becomes `bytes`; what is beyond goes, from mappings too, and the rest of the last page reads as
    /// zeroes. The last page, if partial, must be brought in and dirtied by the file system where that matters.
    void truncate(u64 bytes);
    /// Every page goes, dirty or not: the file is deleted, or the inode leaves memory after write_and_wait().
    void drop_all();
    /// Pages [first, last] go, dirty or not (punch hole).
    void drop_range(u64 first, u64 last);

    /// Counts failed write-backs; an open file remembers what it has been told.
    u32 error_sequence() const { return __atomic_load_n(&error_sequence_, __ATOMIC_ACQUIRE); }
    /// EIO (or ENOSPC) if a write-back failed since `*seen`, which moves on.
    Result<void> check_error(u32* seen);

  protected:
    ~PageCache() override { BUG_ON(page_count_ != 0); }  // the most derived class calls drop_all()

  protected:
    static bool flag(const Page* page, u32 mask) {
        return (__atomic_load_n(&page->flags, __ATOMIC_ACQUIRE) & mask) != 0;
    }
    static void set_flag(Page* page, u32 mask) { __atomic_fetch_or(&page->flags, mask, __ATOMIC_ACQ_REL); }
    static bool clear_flag(Page* page, u32 mask) {
        return (__atomic_fetch_and(&page->flags, ~mask, __ATOMIC_ACQ_REL) & mask) != 0;
    }
    static void wait_flag_clear(Page* page, u32 mask);
    bool is_mine(const Page* page) const { return __atomic_load_n(&page->mapping, __ATOMIC_ACQUIRE) == this; }
    /// What was tried to be written and failed.
    void note_error(Errno error);

  private:
    Result<Page*> make_page(u64 index);
    u64 pages_of_size() const { return (size() + kPageSize - 1) >> kPageShift; }
    Page* next_page(u64 first, u64 last, u32 with_flag);
    bool begin_write(Page* page, bool wait);
    bool remove_if_unused(Page* page);
    void remove(Page* page);
    void clear_dirty(Page* page);

    RefCounted* owner_;
    Guarded<PageTree, LockRank::kPageTree> tree_;
    u64 size_ = 0;
    u64 page_count_ = 0;
    u64 dirty_count_ = 0;
    u64 writeback_count_ = 0;
    u64 fault_end_ = ~0ull;  // where the last page fault's window ended
    u32 error_sequence_ = 0;
    Errno last_error_ = Errno::OK;

  public:  // for the lists of fs/writeback.cpp and fs/page_lru.cpp
    ListNode dirty_node;
    u64 dirtied_ns = 0;
    u64 dirty_order = 0;
    RefCounted& owner() { return owner_ ? *owner_ : *this; }
    friend u64 shrink_page_cache(u64 pages);
};

/// Numbers for /proc/meminfo and /proc/vmstat, in pages.
struct PageCacheCounts {
    u64 pages;         // in caches of files and devices (not tmpfs)
    u64 device_pages;  // of them block devices' (Buffers)
    u64 dirty;
    u64 writeback;
    u64 dirtied;  // ever, as the rest
    u64 written;
    u64 read;
    u64 reclaimed;
};
extern PageCacheCounts page_cache_counts;  // changed atomically

/// Frees up to `pages` clean unused pages, oldest first; returns how many. Takes spin locks only: may be called
/// by whoever holds no spin lock of kDirtyFiles or above.
u64 shrink_page_cache(u64 pages);
/// /proc/sys/vm/drop_caches.
u64 drop_page_cache();
