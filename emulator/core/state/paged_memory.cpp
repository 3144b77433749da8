#include "emulator/core/state/paged_memory.h"

#include <sys/mman.h>
#include <xxhash.h>

#include <cstring>
#include <new>

namespace orrery {

PagedMemory::PagedMemory(u64 size) : size_(size), marks_(size / kPage) {
    if (size == 0) return;
    void* mapping =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<u8*>(mapping);
    madvise(mapping, size, MADV_NOHUGEPAGE);
}

PagedMemory::~PagedMemory() {
    if (data_ != nullptr) munmap(data_, size_);
}

void PagedMemory::advise_dense() {
    if (data_ != nullptr) madvise(data_, size_, MADV_HUGEPAGE);
}

// Private anonymous pages come back as zeros.
void PagedMemory::clear() {
    if (data_ == nullptr) return;
    madvise(data_, size_, MADV_DONTNEED);
    for (u8& mark : marks_)
        if ((mark & kHoldsData) != 0) mark = kHash | kSnapshot;
}

void PagedMemory::clear_page(u64 page) {
    touch(page);
    madvise(data_ + page * kPage, kPage, MADV_DONTNEED);
}

bool PagedMemory::skip(u64 page, Watcher watcher) const {
    if (page + 8 > marks_.size()) return false;
    u64 eight;
    std::memcpy(&eight, marks_.data() + page, sizeof eight);
    return (eight & (watcher * u64{0x0101'0101'0101'0101})) == 0;
}

u64 PagedMemory::hash() {
    if (page_hashes_.empty()) page_hashes_.resize(pages());
    take_written(kHash, [this](u64 page) {
        const u8* at = data_ + page * kPage;
        const u64 value = is_zero_page(at) ? 0 : XXH3_64bits_withSeed(at, kPage, page + 1);
        hash_ += value - page_hashes_[page];
        page_hashes_[page] = value;
    });
    return hash_;
}

bool is_zero_page(const u8* page) {
    static constexpr u8 kZeros[PagedMemory::kPage] = {};
    return std::memcmp(page, kZeros, PagedMemory::kPage) == 0;
}

}  // namespace orrery
