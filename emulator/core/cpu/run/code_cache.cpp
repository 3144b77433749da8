#include "emulator/core/cpu/run/code_cache.h"

#include <algorithm>

namespace orrery {

Block* CodePage::find_slow(unsigned offset, u32 key) {
    for (Owned& owned : blocks_) {
        Block* block = owned.block.get();
        if (block->page_offset == offset && block->mode == key) {
            table_[slot(offset)] = block;
            return block;
        }
    }
    return nullptr;
}

void CodePage::add(std::unique_ptr<Block> block, std::unique_ptr<Op[]> ops) {
    for (unsigned at = block->page_offset / kGrain; at <= (block->page_offset + block->bytes - 1u) / kGrain;
         ++at)
        decoded_.set(at);
    table_[slot(block->page_offset)] = block.get();
    blocks_.push_back({std::move(block), std::move(ops)});
}

bool CodePage::overlaps(unsigned offset, unsigned size) const {
    for (unsigned at = offset / kGrain; at <= (offset + size - 1) / kGrain; ++at)
        if (decoded_.test(at)) return true;
    return false;
}

CodePage& CodeCache::page(u64 physical) {
    std::unique_ptr<CodePage>& page = pages_[physical >> 12];
    if (!page) page = std::make_unique<CodePage>(physical & ~u64{0xfff});
    return *page;
}

CodePage* CodeCache::find_page(u64 physical) {
    auto found = pages_.find(physical >> 12);
    return found != pages_.end() ? found->second.get() : nullptr;
}

void CodeCache::drop(CodePage& page) {
    for (CodePage::Owned& owned : page.blocks_) {
        owned.block->dead = true;
        owned.block->ops[0].fn = leave_;
        dropped_.push_back(std::move(owned));
    }
    blocks_dropped += page.blocks_.size();
    page.blocks_.clear();
    page.decoded_.reset();
    std::fill(std::begin(page.table_), std::end(page.table_), nullptr);
}

void CodeCache::arm(WriteWatch& watch, u64 physical) {
    watch.line = physical & ~(WriteWatch::kLine - 1);
    watch.armed = true;
    note_code(physical & ~u64{0xfff});
}

bool CodeCache::wants_writes(u64 physical) {
    const CodePage* page = find_page(physical);
    if (page != nullptr && page->has_code()) return true;
    return std::any_of(watches_.begin(), watches_.end(), [&](const WriteWatch* watch) {
        return watch->armed && watch->line >> 12 == physical >> 12;
    });
}

bool CodeCache::trigger_watches(u64 physical, u64 size) {
    bool any = false;
    for (WriteWatch* watch : watches_) {
        if (!watch->armed || physical >= watch->line + WriteWatch::kLine || watch->line >= physical + size)
            continue;
        watch->armed = false;
        any = true;
    }
    return any;
}

bool CodeCache::invalidate(u64 physical, u64 size) {
    bool any = trigger_watches(physical, size);
    const u64 end = physical + size;
    while (physical < end) {
        const unsigned offset = physical & 0xfff;
        const unsigned length = static_cast<unsigned>(std::min<u64>(end - physical, 4096 - offset));
        CodePage* page = find_page(physical);
        if (page != nullptr && page->has_code() && page->overlaps(offset, length)) {
            drop(*page);
            any = true;
        }
        physical += length;
    }
    return any;
}

// Links lead from live blocks into dropped ones: they are cut before the memory goes.
bool CodeCache::collect() {
    if (dropped_.size() < kCollectAt) return false;
    for (auto& [number, page] : pages_) {
        for (CodePage::Owned& owned : page->blocks_) {
            for (Link& link : owned.block->link)
                if (link.to != nullptr && link.to->dead) link.to = nullptr;
        }
    }
    dropped_.clear();
    return true;
}

void CodeCache::clear() {
    for (auto& [number, page] : pages_) drop(*page);
}

}  // namespace orrery
