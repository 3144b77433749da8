// Blocks of pointers, followed, filled and emptied.
#include "fs/ext4/indirect.h"

using namespace ext4;

Result<IndirectMap::Place> IndirectMap::place_of(u64 block) const {
    if (block < kDirect) return Place{static_cast<u32>(block), 0, {}};
    block -= kDirect;
    for (u32 levels = 1; levels <= 3; levels++) {
        if (block >= span(levels)) {
            block -= span(levels);
            continue;
        }
        Place place{kDirect + levels - 1, levels, {}};
        for (u32 i = 0; i < levels; i++)
            place.offsets[i] = static_cast<u32>(block / span(levels - 1 - i) % per_block_);
        return place;
    }
    return Errno::EFBIG;
}

Result<BufferRef> IndirectMap::pointers(u32 block) {
    if (!fs_.valid_blocks(block, 1)) return damaged();
    return fs_.read_block(block);
}

Result<Ext4Mapping> IndirectMap::find(u32 block, u32 max_count) {
    Ext4Mapping found;
    found.length = 1;
    Result<Place> at = place_of(block);
    if (!at.ok()) return found;
    const Place place = at.value();
    u32* slots = inode_.i_block;
    u32 index = place.root;
    BufferRef buffer;
    for (u32 i = 0; i < place.levels; i++) {
        if (slots[index] == 0) {
            // Nothing below: the hole reaches to the end of what this pointer would lead to.
            u64 into = 0;
            for (u32 k = i; k < place.levels; k++) into = into * per_block_ + place.offsets[k];
            found.length = static_cast<u32>(min<u64>(span(place.levels - i) - into, max_count));
            return found;
        }
        buffer = TRY(pointers(slots[index]));
        slots = reinterpret_cast<u32*>(buffer->data);
        index = place.offsets[i];
    }
    const u32 end = place.levels == 0 ? kDirect : per_block_;
    const u32 first = slots[index];
    u32 count = 1;
    while (count < max_count && index + count < end && slots[index + count] == (first ? first + count : 0))
        count++;
    found.length = count;
    if (first == 0) return found;
    if (!fs_.valid_blocks(first, count)) return damaged();
    found.kind = Ext4Mapping::Kind::kMapped;
    found.physical = first;
    return found;
}

Result<void> IndirectMap::insert(Ext4Op& op, u32 block, u32 count, u64 physical) {
    if (physical + count > 0xffffffffull) return Errno::EFBIG;
    for (u32 i = 0; i < count; i++) {
        const Place place = TRY(place_of(u64{block} + i));
        u32* slots = inode_.i_block;
        u32 index = place.root;
        BufferRef holder;
        for (u32 level = 0; level < place.levels; level++) {
            BufferRef next;
            if (slots[index] == 0) {
                const Ext4Run run = TRY(fs_.allocate_blocks(op, physical, 1, true));
                if (run.start > 0xffffffffull) return Errno::EFBIG;
                next = TRY(fs_.fresh_block(run.start));
                inode_.add_blocks(1);
                op.dirty(next);
                slots[index] = static_cast<u32>(run.start);
                if (holder) op.dirty(holder);
            } else {
                next = TRY(pointers(slots[index]));
            }
            holder = std::move(next);
            slots = reinterpret_cast<u32*>(holder->data);
            index = place.offsets[level];
        }
        if (slots[index] != 0) return damaged();
        slots[index] = static_cast<u32>(physical + i);
        if (holder) op.dirty(holder);
    }
    return {};
}

/// Below `*slot`, which stands for the `span(level)` blocks from `base` on: frees what is in [first, last].
Result<void> IndirectMap::clear(Ext4Op& op, u32* slot, BufferRef* holder, u32 level, u64 base, u64 first,
                                u64 last) {
    if (*slot == 0 || base > last || base + span(level) - 1 < first) return {};
    bool all_empty = true;
    if (level > 0) {
        BufferRef buffer = TRY(pointers(*slot));
        u32* below = reinterpret_cast<u32*>(buffer->data);
        for (u32 i = 0; i < per_block_; i++) {
            TRY(clear(op, &below[i], &buffer, level - 1, base + i * span(level - 1), first, last));
        }
        for (u32 i = 0; i < per_block_ && all_empty; i++) all_empty = below[i] == 0;
    }
    if (!all_empty) return {};
    const u32 block = *slot;
    *slot = 0;
    if (holder) op.dirty(*holder);
    if (!fs_.valid_blocks(block, 1)) return damaged();
    TRY(fs_.free_blocks(op, block, 1, level > 0 || !inode_.is_regular()));
    inode_.add_blocks(-1);
    // Here the map is whole again: a long change may go on in the next transaction.
    TRY(inode_.write_to_disk(op));
    return op.extend(kUnmapCredits);
}

Result<void> IndirectMap::remove(Ext4Op& op, u32 first, u32 last) {
    u64 base = 0;
    for (u32 i = 0; i < 15; i++) {
        const u32 level = i < kDirect ? 0 : i - kDirect + 1;
        TRY(clear(op, &inode_.i_block[i], nullptr, level, base, first, last));
        base += span(level);
    }
    return {};
}
