#include "emulator/time-travel/timeline/page_store.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace orrery {

PageStore::~PageStore() {
    for (u8* slab : slabs_) munmap(slab, kSlabPages * kPage);
}

PageStore::Id PageStore::add(const u8* page) {
    Id id;
    if (!free_.empty()) {
        id = free_.back();
        free_.pop_back();
    } else {
        id = static_cast<Id>(references_.size());
        if (id / kSlabPages >= slabs_.size()) {
            void* slab = mmap(nullptr, kSlabPages * kPage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (slab == MAP_FAILED) throw std::bad_alloc();
            slabs_.push_back(static_cast<u8*>(slab));
        }
        references_.push_back(0);
    }
    std::memcpy(slabs_[id / kSlabPages] + u64{id % kSlabPages} * kPage, page, kPage);
    references_[id] = 1;
    ++used_;
    return id;
}

void PageStore::release(Id id) {
    if (id == kZeroPage || --references_[id] != 0) return;
    free_.push_back(id);
    --used_;
}

PageMap::Chunk::Chunk(const Chunk& other) : store(other.store), ids(other.ids) {
    for (const PageStore::Id id : ids) store->retain(id);
}

PageMap::Chunk::~Chunk() {
    for (const PageStore::Id id : ids) store->release(id);
}

void PageMap::set(u64 page, PageStore::Id id) {
    std::shared_ptr<Chunk>& chunk = chunks_[page / kChunk];
    if (!chunk)
        chunk = std::make_shared<Chunk>(*store_);
    else if (chunk.use_count() > 1)
        chunk = std::make_shared<Chunk>(*chunk);
    PageStore::Id& held = chunk->ids[page % kChunk];
    store_->release(held);
    held = id;
}

}  // namespace orrery
