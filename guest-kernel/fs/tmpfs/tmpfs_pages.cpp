// The pages of a tmpfs file.
#include "core/string.h"
#include "fs/tmpfs/tmpfs.h"

bool TmpfsQuota::take(u64& used, u64 limit, u64 count) {
    const u64 now = __atomic_add_fetch(&used, count, __ATOMIC_RELAXED);
    if (limit == 0 || now <= limit) return true;
    __atomic_sub_fetch(&used, count, __ATOMIC_RELAXED);
    return false;
}

u64 tmpfs_total_pages = 0;

bool TmpfsQuota::take_pages(u64 count) {
    if (!take(used_pages, max_pages, count)) return false;
    __atomic_add_fetch(&tmpfs_total_pages, count, __ATOMIC_RELAXED);
    return true;
}

void TmpfsQuota::give_pages(u64 count) {
    __atomic_sub_fetch(&used_pages, count, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&tmpfs_total_pages, count, __ATOMIC_RELAXED);
}

TmpfsPages::~TmpfsPages() {
    quota_->give_pages(pages_.clear_from(0));
}

Result<Page*> TmpfsPages::get_page(u64 index, bool) {
    MutexGuard guard(lock_);
    if (index >= (size_ + kPageSize - 1) >> kPageShift) return Errno::ENXIO;
    return ensure_locked(index);
}

bool TmpfsPages::cached_pages(u64 first, u64 count, Page** pages) {
    MutexGuard guard(lock_);
    const u64 end = (size_ + kPageSize - 1) >> kPageShift;
    for (u64 i = 0; i < count; i++) {
        pages[i] = first + i < end ? pages_.get(first + i) : nullptr;
        if (pages[i]) page_get(pages[i]);
    }
    return true;
}

Result<Page*> TmpfsPages::ensure_page(u64 index) {
    MutexGuard guard(lock_);
    return ensure_locked(index);
}

Result<Page*> TmpfsPages::ensure_locked(u64 index) {
    if (Page* page = pages_.get(index)) {
        page_get(page);
        return page;
    }
    if (!quota_->take_pages(1)) return Errno::ENOSPC;
    Page* page = alloc_page(kAllocZero | kAllocUser);
    if (!page) {
        quota_->give_pages(1);
        return Errno::ENOMEM;
    }
    if (!pages_.set(index, page).ok()) {
        page_put(page);
        quota_->give_pages(1);
        return Errno::ENOMEM;
    }
    page->mapping = this;
    page->index = index;
    page_count_++;
    page_get(page);
    return page;
}

Page* TmpfsPages::peek_page(u64 index) {
    MutexGuard guard(lock_);
    Page* page = pages_.get(index);
    if (page) page_get(page);
    return page;
}

void TmpfsPages::grow_size(u64 at_least) {
    MutexGuard guard(lock_);
    if (at_least > size_) size_ = at_least;
}

// Zeroes [from, to) where pages exist; both within one page.
void TmpfsPages::zero_tail(u64 from, u64 to) {
    if (from >= to) return;
    if (Page* page = pages_.get(from >> kPageShift)) {
        memset(static_cast<u8*>(page_address(page)) + (from & ~kPageMask), 0, to - from);
    }
}

void TmpfsPages::set_size(u64 new_size) {
    const u64 first_gone = (new_size + kPageSize - 1) >> kPageShift;
    u64 old_size;
    {
        MutexGuard guard(lock_);
        old_size = size_;
        size_ = new_size;
    }
    if (new_size >= old_size) return;
    // With the size lowered no fault maps these pages again; then they leave the mappings, then the tree.
    unmap_mapping_range(*this, first_gone, ~0ull, true);
    MutexGuard guard(lock_);
    zero_tail(new_size, align_up(new_size, kPageSize));
    const u64 dropped = pages_.clear_from(first_gone);
    page_count_ -= dropped;
    quota_->give_pages(dropped);
}

void TmpfsPages::punch(u64 from, u64 to) {
    const u64 first = align_up(from, kPageSize) >> kPageShift;
    const u64 end = to >> kPageShift;
    if (first < end) unmap_mapping_range(*this, first, end - 1, false);
    MutexGuard guard(lock_);
    zero_tail(from, min(to, align_up(from, kPageSize)));
    if (end >= first) zero_tail(max(from, align_down(to, kPageSize)), to);
    for (u64 i = pages_.next_present(first); i < end; i = pages_.next_present(i + 1)) {
        page_put(pages_.take(i));
        page_count_--;
        quota_->give_pages(1);
    }
}

u64 TmpfsPages::next_data(u64 offset) {
    MutexGuard guard(lock_);
    const u64 index = pages_.next_present(offset >> kPageShift);
    if (index == ~0ull) return ~0ull;
    return max(offset, index << kPageShift);
}

u64 TmpfsPages::next_hole(u64 offset) {
    MutexGuard guard(lock_);
    u64 index = offset >> kPageShift;
    while ((index << kPageShift) < size_ && pages_.get(index)) index++;
    return min(max(offset, index << kPageShift), size_);
}
