// Decoded blocks, by physical page. A page that holds decoded code is watched at a grain of 32 bytes: a write
// that touches decoded bytes drops the page's blocks, other writes to it do not (Linux keeps data beside
// code, and patches code through other mappings).
#pragma once

#include <bitset>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emulator/core/cpu/run/op.h"
#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

// A cache line whose next write somebody waits for (MONITOR). The write clears `armed`.
struct WriteWatch {
    static constexpr u64 kLine = 64;
    u64 line = 0;  // physical address
    bool armed = false;
    void visit(Archive& archive) {
        archive.field("line", line);
        archive.field("armed", armed);
    }
};

class CodePage {
  public:
    explicit CodePage(u64 physical_page) : physical(physical_page) {}

    // The block at `offset` under `key`, nullptr if it has not been decoded. Blocks found often come first.
    Block* find(unsigned offset, u32 key) {
        Block* block = table_[slot(offset)];
        if (block != nullptr && block->page_offset == offset && block->mode == key) return block;
        return find_slow(offset, key);
    }
    void add(std::unique_ptr<Block> block, std::unique_ptr<Op[]> ops);

    // True if any byte of [offset, offset + size) has been decoded.
    bool overlaps(unsigned offset, unsigned size) const;
    bool has_code() const { return !blocks_.empty(); }

    const u64 physical;  // page address

  private:
    friend class CodeCache;
    struct Owned {
        std::unique_ptr<Block> block;
        std::unique_ptr<Op[]> ops;
    };
    // Two blocks share a slot only if they begin within the same four bytes, or differ in key alone.
    static unsigned slot(unsigned offset) { return offset >> 2; }
    Block* find_slow(unsigned offset, u32 key);

    static constexpr unsigned kSlots = 1024;
    static constexpr unsigned kGrain = 32;
    Block* table_[kSlots] = {};
    std::vector<Owned> blocks_;
    std::bitset<4096 / kGrain> decoded_;
};

class CodeCache {
  public:
    // The page's record, made on first use. Stays valid until clear().
    CodePage& page(u64 physical);
    // Null where nothing was ever decoded.
    CodePage* find_page(u64 physical);

    // RAM in [physical, physical + size) is about to change: drops what was decoded from it, and tells those
    // who watch it. True if there was any of either: the writer is to end its run after the instruction.
    // Dropped blocks stay in memory until collect(), since one of them may be running, and links may still
    // lead to them: their first Op then only leaves for the run loop.
    bool invalidate(u64 physical, u64 size);
    void clear();
    // Frees dropped blocks once there are many. Only at a boundary where no block runs. True if it did:
    // pointers to blocks that anyone kept are then void.
    bool collect();
    // The handler that a dropped block's first Op gets.
    void set_leave_handler(Handler handler) { leave_ = handler; }

    // Watches are looked at in each invalidate(); arm() is to be called when one becomes armed. They outlive
    // clear().
    void add_watch(WriteWatch* watch) { watches_.push_back(watch); }
    void remove_watch(WriteWatch* watch) { std::erase(watches_, watch); }
    void arm(WriteWatch& watch, u64 physical);
    // Whether writes to this page must come through invalidate().
    bool wants_writes(u64 physical);

    // Told of each page that begins or ends to hold code: fast write paths to it must go, or may come back.
    void on_page_code(std::function<void(u64 physical_page)> hook) { page_code_ = std::move(hook); }
    void note_code(u64 physical_page) {
        if (page_code_) page_code_(physical_page);
    }
    u64 blocks_decoded = 0;
    u64 blocks_dropped = 0;

  private:
    static constexpr size_t kCollectAt = 4096;
    void drop(CodePage& page);
    bool trigger_watches(u64 physical, u64 size);

    std::unordered_map<u64, std::unique_ptr<CodePage>> pages_;
    std::vector<CodePage::Owned> dropped_;
    std::vector<WriteWatch*> watches_;
    std::function<void(u64)> page_code_;
    Handler leave_ = nullptr;
};

}  // namespace orrery
