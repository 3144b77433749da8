// Shared anonymous memory: pages that exist once for all processes that inherited the mapping.
//
// Guarantees: zero-filled on first use; freed with the last mapping.
#pragma once

#include "core/vector.h"
#include "mm/memory_object.h"
#include "sync/guarded.h"

class AnonObject final : public MemoryObject {
  public:
    explicit AnonObject(u64 pages) : page_count_(pages) {}
    Result<Page*> get_page(u64 index, bool for_write) override;

  protected:
    ~AnonObject() override;

  private:
    static constexpr u64 kChunk = 512;
    using Chunks = Vec<Page**>;  // each of kChunk pages, made when first touched
    Guarded<Chunks, LockRank::kObjectPages> chunks_;
    u64 page_count_;
};
