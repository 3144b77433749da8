// Blocks: taken near where they are wanted, in runs as long as can be had, and given back when the transaction
// that freed them is in the journal. Before that a power cut could still bring back the file that had them.
#include "fs/cred.h"
#include "fs/ext4/ext4.h"

using namespace ext4;

namespace {

bool bit_of(const u8* bitmap, u32 bit) {
    return (bitmap[bit / 8] >> (bit % 8)) & 1;
}

}  // namespace

/// The first run of at least `want` free bits at or after `from`, or else the longest; `*length` of 0: none.
u32 Ext4Super::find_free_run(const u8* bitmap, const u8* pending, u32 bits, u32 from, u32 want,
                             u32* length) const {
    u32 best = 0, best_length = 0;
    for (u32 at = from; at < bits;) {
        if (at % 8 == 0 && (bitmap[at / 8] | (pending ? pending[at / 8] : 0)) == 0xff) {
            at += 8;
            continue;
        }
        u32 run = 0;
        while (at + run < bits && run < want && !bit_of(bitmap, at + run) &&
               !(pending && bit_of(pending, at + run))) {
            run++;
        }
        if (run > best_length) {
            best = at;
            best_length = run;
            if (run == want) break;
        }
        at += run + 1;
    }
    *length = best_length;
    return best;
}

/// Takes the longest run of up to `want` blocks of one group, from `from` on; of length 0 if there is none.
Result<Ext4Run> Ext4Super::take_from_group(Ext4Op& op, u32 index, u32 from, u32 want, u32 at_least) {
    GroupDesc& g = group(index);
    if (free_blocks_of(g) == 0) return Ext4Run{0, 0};
    BufferRef bitmap = TRY(block_bitmap(index));
    const u32 bits = blocks_in_group(index);
    u32 length = 0;
    u32 bit = find_free_run(bitmap->data, pending_free_[index], bits, from, want, &length);
    if (length < at_least && from > 0) {
        bit = find_free_run(bitmap->data, pending_free_[index], bits, 0, want, &length);
    }
    if (length < at_least || length == 0) return Ext4Run{0, 0};
    const u64 start = group_first_block(index) + bit;
    if (!valid_blocks(start, length) || free_blocks_of(g) < length) {
        return fs_error("ext4_mb_mark_diskspace_used", 0, "Allocating blocks which overlap fs metadata");
    }
    for (u32 i = bit; i < bit + length; i++) {
        u8& byte = bitmap->data[i / 8];
        byte = static_cast<u8>(byte | (1u << (i % 8)));
    }
    g.bg_flags = static_cast<u16>(g.bg_flags & ~kGroupBlockUninit);
    set_free_blocks(g, free_blocks_of(g) - length);
    set_block_bitmap_csum(index, bitmap->data);
    op.dirty(bitmap);
    dirty_group(op, index);
    free_blocks_ -= min<u64>(free_blocks_, length);
    return Ext4Run{start, length};
}

Result<Ext4Run> Ext4Super::allocate_blocks(Ext4Op& op, u64 goal, u32 want, bool reserved) {
    const u64 usable = free_blocks_ - min(free_blocks_, pending_count_);
    if (!reserved && usable <= reserved_now() + kept_back()) return Errno::ENOSPC;
    if (goal < first_data_block || goal >= blocks_count) goal = first_data_block;
    want = min(want, blocks_per_group);
    const u32 goal_group = static_cast<u32>((goal - first_data_block) / blocks_per_group);
    const u32 goal_bit = static_cast<u32>((goal - first_data_block) % blocks_per_group);
    // First a run as long as wanted, near the goal or anywhere; then whatever there is.
    for (const u32 at_least : {want, 1u}) {
        for (u32 i = 0; i < groups_count; i++) {
            const u32 index = (goal_group + i) % groups_count;
            if (free_blocks_of(group(index)) < at_least) continue;
            const Ext4Run run = TRY(take_from_group(op, index, i == 0 ? goal_bit : 0, want, at_least));
            if (run.length > 0) return run;
        }
        if (want == 1) break;
    }
    return Errno::ENOSPC;
}

/// Remembers that the blocks may not be given again before the commit.
Result<void> Ext4Super::add_pending(u32 index, u32 bit, u32 count) {
    if (!journal.active()) return {};
    u8*& bitmap = pending_free_[index];
    if (!bitmap) bitmap = static_cast<u8*>(kzalloc(block_size));
    if (!bitmap) return Errno::ENOMEM;
    for (u32 i = bit; i < bit + count; i++) bitmap[i / 8] = static_cast<u8>(bitmap[i / 8] | (1u << (i % 8)));
    pending_count_ += count;
    return {};
}

void Ext4Super::transaction_committed() {
    if (pending_count_ == 0) return;
    for (u8*& bitmap : pending_free_) {
        kfree(bitmap);
        bitmap = nullptr;
    }
    pending_count_ = 0;
}

Result<void> Ext4Super::free_blocks(Ext4Op& op, u64 start, u32 count, bool metadata) {
    if (!valid_blocks(start, count)) return fs_error("ext4_free_blocks", 0, "Freeing blocks not in datazone");
    while (count > 0) {
        const u32 index = static_cast<u32>((start - first_data_block) / blocks_per_group);
        const u32 bit = static_cast<u32>((start - first_data_block) % blocks_per_group);
        const u32 here = min(count, blocks_per_group - bit);
        BufferRef bitmap = TRY(block_bitmap(index));
        TRY(add_pending(index, bit, here));
        u32 freed = 0;
        for (u32 i = bit; i < bit + here; i++) {
            u8& byte = bitmap->data[i / 8];
            const u8 mask = static_cast<u8>(1u << (i % 8));
            if (byte & mask) freed++;
            byte = static_cast<u8>(byte & ~mask);
        }
        for (u32 i = 0; metadata && i < here; i++) op.forget(start + i);
        GroupDesc& g = group(index);
        g.bg_flags = static_cast<u16>(g.bg_flags & ~kGroupBlockUninit);
        set_free_blocks(g, min(free_blocks_of(g) + freed, blocks_in_group(index)));
        set_block_bitmap_csum(index, bitmap->data);
        op.dirty(bitmap);
        dirty_group(op, index);
        free_blocks_ += freed;
        if (freed != here) return fs_error("mb_free_blocks", 0, "freeing already freed block");
        start += here;
        count -= here;
    }
    return {};
}

/// Blocks that only the super user and metadata may use.
u64 Ext4Super::kept_back() const {
    const Credentials& cred = current_cred();
    if (cred.fsuid == options.resuid || cred.has(kCapSysResource)) return 0;
    return reserved_for_root_;
}

Result<void> Ext4Super::reserve_blocks(u32 count) {
    // A little more than the data: the map of it needs blocks as well.
    const u64 now = reserved_now();
    const u64 margin = now / 64 + 8;
    if (now + count + margin + kept_back() > free_blocks_) return Errno::ENOSPC;
    __atomic_add_fetch(&reserved_blocks_, count, __ATOMIC_RELAXED);
    return {};
}

void Ext4Super::release_reserved(u32 count) {
    __atomic_sub_fetch(&reserved_blocks_, count, __ATOMIC_RELAXED);
}
