// Memory that is state, in pages of 4 KiB: RAM, a display's memory, a disk's overlay. It knows which pages
// may have been written, so that snapshots and hashes look at those alone.
//
// Whoever writes to it says so first (touch()), or writes through a path that did. A fast path that goes on
// writing to a page without saying so is to be closed when marks are taken away: on_rearm().
#pragma once

#include <functional>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

class PagedMemory {
  public:
    static constexpr u64 kPage = 4096;
    // Who keeps track of written pages, each with marks of its own.
    enum Watcher : u8 { kHash = 1, kSnapshot = 2 };

    // `size` bytes of zeros, a multiple of kPage; 0: none. Address space only, until it is written. Throws
    // std::bad_alloc.
    explicit PagedMemory(u64 size);
    ~PagedMemory();
    PagedMemory(const PagedMemory&) = delete;
    PagedMemory& operator=(const PagedMemory&) = delete;

    u8* data() { return data_; }
    const u8* data() const { return data_; }
    u64 size() const { return size_; }
    u64 pages() const { return size_ / kPage; }
    // Large host pages, where the memory will be used densely.
    void advise_dense();

    // The page is about to be written.
    void touch(u64 page) { marks_[page] = kAll; }
    void touch(u64 page, u64 count) {
        for (u64 i = 0; i < count; ++i) touch(page + i);
    }
    // No mark is missing: a further write changes nothing that is known of the page.
    bool touched(u64 page) const { return marks_[page] == kAll; }
    // False: the page was never written since all was zeros.
    bool may_hold_data(u64 page) const { return (marks_[page] & kHoldsData) != 0; }

    void clear();
    void clear_page(u64 page);

    // Calls each(page) for the pages that may have been written since the last call for this watcher (at
    // first: since all was zeros).
    template <typename Each>
    void take_written(Watcher watcher, Each each) {
        if (rearm_) rearm_();
        for (u64 page = 0; page < marks_.size(); ++page) {
            if (page % 8 == 0 && skip(page, watcher)) {
                page += 7;
                continue;
            }
            if ((marks_[page] & watcher) == 0) continue;
            marks_[page] &= static_cast<u8>(~watcher);
            each(page);
        }
    }
    // Called before marks are taken away.
    void on_rearm(std::function<void()> hook) { rearm_ = std::move(hook); }

    // The sum over all pages that are not all zeros of XXH3-64 (of the page, seeded with its number plus
    // one). Works out anew what was written since the last call.
    u64 hash();

  private:
    static constexpr u8 kHoldsData = 0x80, kAll = kHoldsData | kHash | kSnapshot;
    bool skip(u64 page,
              Watcher watcher) const;  // eight pages, from a multiple of eight, have no mark of this watcher

    u8* data_ = nullptr;
    u64 size_;
    std::vector<u8> marks_;
    std::vector<u64> page_hashes_;
    u64 hash_ = 0;
    std::function<void()> rearm_;
};

bool is_zero_page(const u8* page);

}  // namespace orrery
