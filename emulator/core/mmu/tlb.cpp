#include "emulator/core/mmu/tlb.h"

namespace orrery {

void TlbEntry::visit(Archive& archive) {
    archive.field("page", page);
    archive.field("frame", frame);
    archive.field("filled_at", filled_at);
    archive.field("pcid", pcid);
    archive.field("page_shift", page_shift);
    archive.field("protection_key", protection_key);
    archive.field("global", global);
    archive.field("writable", writable);
    archive.field("user", user);
    archive.field("executable", executable);
    archive.field("dirty", dirty);
    archive.field("recent", recent);
}

TlbEntry* TlbArray::find(u64 linear, u8 page_shift, u16 pcid) {
    const u64 page = linear >> page_shift;
    TlbEntry* set = &entries_[set_index(page) * ways_];
    for (unsigned way = 0; way < ways_; ++way) {
        TlbEntry& entry = set[way];
        if (entry.page_shift == page_shift && entry.page == page && (entry.global || entry.pcid == pcid))
            return &entry;
    }
    return nullptr;
}

TlbEntry& TlbArray::victim(u64 linear, u8 page_shift) {
    TlbEntry* set = &entries_[set_index(linear >> page_shift) * ways_];
    TlbEntry* chosen = nullptr;
    for (unsigned way = 0; way < ways_; ++way) {
        if (!set[way].valid()) return set[way];
        if (chosen == nullptr && !set[way].recent) chosen = &set[way];
    }
    return chosen != nullptr ? *chosen : set[0];
}

void TlbArray::visit(Archive& archive) {
    for (TlbEntry& entry : entries_) archive.field("entry", entry);
    if (!archive.loading()) return;
    for (const TlbEntry& entry : entries_)
        if (entry.valid()) note_used(entry);
}

void TlbCounters::visit(Archive& archive) {
    archive.field("l1d_misses", l1d_misses);
    archive.field("l1i_misses", l1i_misses);
    archive.field("l2_hits", l2_hits);
    archive.field("l2_misses", l2_misses);
    archive.field("walk_steps", walk_steps);
    archive.field("invalidations", invalidations);
}

Tlb::Tlb(Dropped dropped)
    : dropped_(std::move(dropped)),
      arrays_{&l1d_4k_, &l1d_2m_, &l1d_1g_, &l1i_4k_, &l1i_2m_, &l2_, &l2_1g_} {}

const char* Tlb::array_name(unsigned index) {
    static constexpr const char* kNames[kArrays] = {"L1 data 4K", "L1 data 2M", "L1 data 1G", "L1 code 4K",
                                                    "L1 code 2M", "L2 4K/2M",   "L2 1G"};
    return kNames[index];
}

// The instruction side has no array for 1 GiB pages: it keeps 2 MiB pieces of them (see fill).
TlbArray& Tlb::l1_array(Side side, u8 page_shift) {
    if (side == Side::Data) return page_shift == 12 ? l1d_4k_ : page_shift == 30 ? l1d_1g_ : l1d_2m_;
    return page_shift == 12 ? l1i_4k_ : l1i_2m_;
}

void Tlb::touch_l1(Side side, TlbArray& array, TlbEntry& entry) {
    array.touch(entry, [&](const TlbEntry& other) {
        dropped_(side, other.page << other.page_shift, u64{1} << other.page_shift);
    });
}

namespace {
constexpr u8 kShifts[] = {12, 21, 22, 30};
}

TlbEntry* Tlb::find_l1(Side side, u64 linear, u16 pcid) {
    for (u8 shift : kShifts) {
        if (shift == 30 && side == Side::Instruction) break;
        TlbArray& array = l1_array(side, shift);
        if (TlbEntry* entry = array.find(linear, shift, pcid)) {
            touch_l1(side, array, *entry);
            return entry;
        }
    }
    return nullptr;
}

TlbEntry* Tlb::copy_to_l1(Side side, u64 linear, TlbEntry entry) {
    if (side == Side::Instruction && entry.page_shift == 30) {
        entry.page_shift = 21;
        entry.page = linear >> 21;
        entry.frame += linear & 0x3fe0'0000;
    }
    TlbArray& array = l1_array(side, entry.page_shift);
    TlbEntry* slot = array.find(linear, entry.page_shift, entry.pcid);
    if (slot == nullptr) slot = &array.victim(linear, entry.page_shift);
    if (slot->valid()) dropped_(side, slot->page << slot->page_shift, u64{1} << slot->page_shift);
    array.put(*slot, entry);
    slot->recent = false;
    touch_l1(side, array, *slot);
    return slot;
}

TlbEntry* Tlb::find_l2(Side side, u64 linear, u16 pcid) {
    for (u8 shift : kShifts) {
        TlbArray& array = shift == 30 ? l2_1g_ : l2_;
        TlbEntry* entry = array.find(linear, shift, pcid);
        if (entry == nullptr) continue;
        array.touch(*entry, [](const TlbEntry&) {});
        return copy_to_l1(side, linear, *entry);
    }
    return nullptr;
}

TlbEntry* Tlb::fill(Side side, u64 linear, const TlbEntry& entry) {
    TlbArray& array = entry.page_shift == 30 ? l2_1g_ : l2_;
    // An entry of the same page may still be there (a write found it clean): it is replaced, not doubled.
    TlbEntry* slot = array.find(linear, entry.page_shift, entry.pcid);
    if (slot == nullptr) slot = &array.victim(linear, entry.page_shift);
    array.put(*slot, entry);
    slot->recent = false;
    array.touch(*slot, [](const TlbEntry&) {});
    return copy_to_l1(side, linear, entry);
}

template <typename Matches>
void Tlb::invalidate_matching(Matches matches) {
    for (TlbArray* array : arrays_) counters.invalidations += array->empty_matching(matches);
}

void Tlb::invalidate_page(u64 linear, u16 pcid, bool globals) {
    u64 drop_start = linear & ~u64{0xfff}, drop_length = 4096;
    for (TlbArray* array : arrays_) {
        for (u8 shift : kShifts) {
            TlbEntry* entry = array->find(linear, shift, pcid);
            if (entry == nullptr || (entry->global && !globals)) continue;
            if (shift > 12 && drop_length < u64{1} << shift) {
                drop_length = u64{1} << shift;
                drop_start = linear & ~(drop_length - 1);
            }
            *entry = TlbEntry{};
            ++counters.invalidations;
        }
    }
    dropped_(Side::Data, drop_start, drop_length);
    dropped_(Side::Instruction, drop_start, drop_length);
}

void Tlb::invalidate_pcid(u16 pcid) {
    invalidate_matching([&](const TlbEntry& entry) { return !entry.global && entry.pcid == pcid; });
    dropped_(Side::Data, 0, ~u64{0});
    dropped_(Side::Instruction, 0, ~u64{0});
}

void Tlb::invalidate_all(bool globals) {
    invalidate_matching([&](const TlbEntry& entry) { return globals || !entry.global; });
    dropped_(Side::Data, 0, ~u64{0});
    dropped_(Side::Instruction, 0, ~u64{0});
}

void Tlb::visit(Archive& archive) {
    for (TlbArray* array : arrays_) archive.field("array", *array);
    archive.field("counters", counters);
}

}  // namespace orrery
