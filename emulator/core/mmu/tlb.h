// The modelled TLB: what an Intel core of the Skylake generation has (Intel Optimization Reference Manual,
// table of cache and TLB parameters), with bit-PLRU replacement.
//
//   L1 data         64 entries, 4 ways for 4 KiB · 32, 4 ways for 2/4 MiB · 4, 4 ways for 1 GiB
//   L1 instruction  128 entries, 8 ways for 4 KiB · 8, 8 ways for 2/4 MiB
//   L2 (shared)     1536 entries, 12 ways for 4 KiB and 2 MiB · 16, 4 ways for 1 GiB
//
// Translations come from it, so that a stale entry acts as it does on hardware. Entries carry a PCID and the
// global bit (SDM vol. 3A, 4.10). All of it is machine state.
//
// Filtering: an access that hits an entry whose replacement bit is already set changes nothing in the model.
// Only such translations may be kept in the CPU's fast table; when a bit is cleared or an entry goes, the
// owner is told.
#pragma once

#include <bit>
#include <functional>
#include <vector>

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

struct TlbEntry {
    u64 page = 0;       // linear address >> page_shift
    u64 frame = 0;      // physical address of the page's first byte
    u64 filled_at = 0;  // instruction count at which it was filled
    u16 pcid = 0;
    u8 page_shift = 0;  // 0: the entry is not valid
    u8 protection_key = 0;
    bool global = false;
    bool writable = false;
    bool user = false;
    bool executable = false;
    bool dirty = false;
    bool recent = false;  // the replacement bit

    bool valid() const { return page_shift != 0; }
    void visit(Archive& archive);
};

// One set-associative array for pages of one or two sizes.
class TlbArray {
  public:
    TlbArray(unsigned sets, unsigned ways)
        : sets_(sets), ways_(ways), entries_(sets * ways), used_((sets + 63) / 64) {}

    // The matching entry of size `page_shift`, nullptr if there is none. Changes nothing.
    TlbEntry* find(u64 linear, u8 page_shift, u16 pcid);

    // Marks `entry` used. Calls cleared(other) for each entry that loses its replacement bit by it.
    template <typename Cleared>
    void touch(TlbEntry& entry, Cleared cleared) {
        if (entry.recent) return;
        entry.recent = true;
        TlbEntry* set = set_of(entry);
        for (unsigned way = 0; way < ways_; ++way)
            if (!set[way].valid() || !set[way].recent) return;
        for (unsigned way = 0; way < ways_; ++way) {
            if (&set[way] == &entry) continue;
            set[way].recent = false;
            cleared(set[way]);
        }
    }

    // Puts `value` into `slot`, one of this array's.
    void put(TlbEntry& slot, const TlbEntry& value) {
        slot = value;
        note_used(slot);
    }

    // Empties the valid entries that `matches` is true of; how many those were. Costs what is in use.
    template <typename Matches>
    u64 empty_matching(Matches matches) {
        u64 emptied = 0;
        for (unsigned word = 0; word < used_.size(); ++word) {
            for (u64 left = used_[word]; left != 0; left &= left - 1) {
                const unsigned bit = static_cast<unsigned>(std::countr_zero(left));
                TlbEntry* set = &entries_[(word * 64 + bit) * ways_];
                bool any = false;
                for (TlbEntry* entry = set; entry < set + ways_; ++entry) {
                    if (!entry->valid()) continue;
                    if (matches(*entry)) {
                        *entry = TlbEntry{};
                        ++emptied;
                    } else {
                        any = true;
                    }
                }
                if (!any) used_[word] &= ~(u64{1} << bit);
            }
        }
        return emptied;
    }

    // The entry that a fill for `linear` replaces (an invalid one first).
    TlbEntry& victim(u64 linear, u8 page_shift);

    unsigned sets() const { return sets_; }
    unsigned ways() const { return ways_; }
    const std::vector<TlbEntry>& entries() const { return entries_; }
    void visit(Archive& archive);

  private:
    TlbEntry* set_of(TlbEntry& entry) {
        const size_t index = static_cast<size_t>(&entry - entries_.data());
        return &entries_[index / ways_ * ways_];
    }
    unsigned set_index(u64 page) const { return static_cast<unsigned>(page % sets_); }
    void note_used(const TlbEntry& entry) {
        const size_t set = static_cast<size_t>(&entry - entries_.data()) / ways_;
        used_[set / 64] |= u64{1} << set % 64;
    }

    unsigned sets_;
    unsigned ways_;
    std::vector<TlbEntry> entries_;
    std::vector<u64> used_;  // a bit for each set: whether it may hold valid entries
};

// Look-ups are counted by the CPU (a hit in the fast table makes no call); hits are look-ups less misses.
struct TlbCounters {
    u64 l1d_misses = 0;
    u64 l1i_misses = 0;
    u64 l2_hits = 0;
    u64 l2_misses = 0;      // page walks begun
    u64 walk_steps = 0;     // entries read by them
    u64 invalidations = 0;  // entries dropped by INVLPG, INVPCID, MOV to CR3…
    void visit(Archive& archive);
};

class Tlb {
  public:
    enum class Side : u8 { Data, Instruction };

    // `dropped(side, linear, length)`: translations of these linear addresses must leave the fast tables,
    // either because the entry is gone or because the next hit would change the model. length ~0: all of
    // them.
    using Dropped = std::function<void(Side, u64 linear, u64 length)>;
    explicit Tlb(Dropped dropped);

    // L1 look-up; on a hit the entry is marked used.
    TlbEntry* find_l1(Side side, u64 linear, u16 pcid);
    // L2 look-up; on a hit the entry is copied to L1 (returned).
    TlbEntry* find_l2(Side side, u64 linear, u16 pcid);
    // After a walk for `linear`: fills L2 and L1 (in place, where the page is there already); returns the L1
    // entry.
    TlbEntry* fill(Side side, u64 linear, const TlbEntry& entry);

    // SDM vol. 3A, 4.10.4. `linear` of any page in the range of a large entry drops it all.
    void invalidate_page(u64 linear, u16 pcid, bool globals);
    void invalidate_pcid(u16 pcid);  // not the globals
    void invalidate_all(bool globals);

    TlbCounters counters;

    const TlbArray& array(unsigned index) const { return *arrays_[index]; }
    static constexpr unsigned kArrays = 7;
    static const char* array_name(unsigned index);

    void visit(Archive& archive);

  private:
    TlbArray& l1_array(Side side, u8 page_shift);
    TlbEntry* copy_to_l1(Side side, u64 linear, TlbEntry entry);
    void touch_l1(Side side, TlbArray& array, TlbEntry& entry);
    template <typename Matches>
    void invalidate_matching(Matches matches);

    Dropped dropped_;
    TlbArray l1d_4k_{16, 4}, l1d_2m_{8, 4}, l1d_1g_{1, 4};
    TlbArray l1i_4k_{16, 8}, l1i_2m_{1, 8};
    TlbArray l2_{128, 12}, l2_1g_{4, 4};
    TlbArray* arrays_[kArrays];
};

}  // namespace orrery
