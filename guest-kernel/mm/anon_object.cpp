// Shared anonymous memory (mm/anon_object.h).
//
// Guarantees: as in the header; a mapping may grow by mremap, so the size is only a hint.
#include "mm/anon_object.h"

Result<Page*> AnonObject::get_page(u64 index, bool) {
    if (index >= max(page_count_, u64{1}) + (1ull << 36)) return Errno::ENXIO;
    const auto locked = chunks_.lock();
    Chunks& chunks = *locked;
    const u64 chunk = index / kChunk;
    while (chunks.size() <= chunk) TRY(chunks.push(nullptr));
    if (!chunks[chunk]) {
        chunks[chunk] = static_cast<Page**>(kzalloc(kChunk * sizeof(Page*)));
        if (!chunks[chunk]) return Errno::ENOMEM;
    }
    Page*& slot = chunks[chunk][index % kChunk];
    if (!slot) {
        slot = alloc_page(kAllocZero | kAllocUser);
        if (!slot) return Errno::ENOMEM;
    }
    page_get(slot);
    return slot;
}

AnonObject::~AnonObject() {
    for (Page** chunk : *chunks_.lock()) {
        if (!chunk) continue;
        for (u64 i = 0; i < kChunk; i++) {
            if (chunk[i]) page_put(chunk[i]);
        }
        kfree(chunk);
    }
}
