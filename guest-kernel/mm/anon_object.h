// Shared anonymous memory: pages that exist once for all processes that inherited the mapping.
//
// Guarantees: zero-filled on first use; freed with the last mapping; its memory is promised when it is made
// (mm/overcommit.h) unless the program said that it need not be.
#pragma once

#include "fs/page_tree.h"
#include "mm/memory_object.h"
#include "sync/guarded.h"

class AnonObject final : public MemoryObject {
  public:
    /// ENOMEM: no memory for it, or no promise of `pages`; with `promised` false none is asked for.
    static Result<RefPtr<AnonObject>> make(u64 pages, bool promised);
    explicit AnonObject(u64 promised_pages) : promised_(promised_pages) {}
    Result<Page*> get_page(u64 index, bool for_write) override;

  protected:
    ~AnonObject() override;

  private:
    Guarded<PageTree, LockRank::kObjectPages> pages_;
    const u64 promised_;
};
