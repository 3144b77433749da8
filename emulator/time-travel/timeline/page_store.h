// Pages of 4 KiB that snapshots share, and the maps that say which page lies where: copies of a map share
// what they have in common.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

class PageStore {
  public:
    using Id = u32;
    static constexpr Id kZeroPage = 0;  // always there
    static constexpr u64 kPage = 4096;

    PageStore() = default;
    ~PageStore();
    PageStore(const PageStore&) = delete;
    PageStore& operator=(const PageStore&) = delete;

    // A copy of the page, with one reference.
    Id add(const u8* page);
    void retain(Id id) { ++references_[id]; }
    void release(Id id);
    // Valid as long as the page is; not for kZeroPage.
    const u8* at(Id id) const { return slabs_[id / kSlabPages] + u64{id % kSlabPages} * kPage; }
    // In use, in bytes.
    u64 bytes() const { return used_ * kPage; }

  private:
    static constexpr u32 kSlabPages = 1024;  // pages come from the host in pieces of 4 MiB
    std::vector<u8*> slabs_;
    std::vector<u32> references_{1};
    std::vector<Id> free_;
    u64 used_ = 0;
};

// Which page lies where in a memory. Copies are cheap, and share what is not changed in either.
class PageMap {
  public:
    PageMap(PageStore& store, u64 pages) : store_(&store), chunks_((pages + kChunk - 1) / kChunk) {}

    PageStore::Id at(u64 page) const {
        const auto& chunk = chunks_[page / kChunk];
        return chunk ? chunk->ids[page % kChunk] : PageStore::kZeroPage;
    }
    // Takes over the caller's reference to `id`.
    void set(u64 page, PageStore::Id id);

    // Calls each(page) for the pages that are not the same in both; of two maps of one memory.
    template <typename Each>
    void differences(const PageMap& other, Each each) const {
        for (u64 i = 0; i < chunks_.size(); ++i) {
            if (chunks_[i] == other.chunks_[i]) continue;
            for (u64 page = i * kChunk; page < (i + 1) * kChunk; ++page)
                if (at(page) != other.at(page)) each(page);
        }
    }

  private:
    static constexpr u64 kChunk = 512;
    struct Chunk {
        explicit Chunk(PageStore& from) : store(&from) {}
        Chunk(const Chunk& other);
        ~Chunk();
        Chunk& operator=(const Chunk&) = delete;
        PageStore* store;
        std::array<PageStore::Id, kChunk> ids{};
    };
    PageStore* store_;
    std::vector<std::shared_ptr<Chunk>> chunks_;  // null: all zeros
};

}  // namespace orrery
