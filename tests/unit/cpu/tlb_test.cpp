// The modelled TLB's invalidations against a plain look at every entry, over random fills (SDM vol. 3A, 4.10.4).
#include "emulator/core/mmu/tlb.h"

#include <random>

#include "tests/unit/catch.h"

using namespace orrery;

namespace {

struct Rng {
    std::mt19937_64 engine;
    u64 below(u64 n) { return engine() % n; }
};

TlbEntry entry_of(Rng& rng) {
    static constexpr u8 kShifts[] = {12, 12, 12, 21, 30};
    TlbEntry entry;
    entry.page_shift = kShifts[rng.below(5)];
    entry.page = rng.below(u64{1} << (entry.page_shift == 12 ? 14 : 7));
    entry.frame = entry.page << entry.page_shift;
    entry.pcid = static_cast<u16>(rng.below(3));
    entry.global = rng.below(4) == 0;
    return entry;
}

template <typename Matches>
u64 count(const Tlb& tlb, Matches matches) {
    u64 number = 0;
    for (unsigned i = 0; i < Tlb::kArrays; ++i)
        for (const TlbEntry& entry : tlb.array(i).entries()) number += entry.valid() && matches(entry);
    return number;
}

}  // namespace

TEST_CASE("Invalidations empty what they name and nothing else, however full the arrays are") {
    Rng rng{std::mt19937_64(7)};
    Tlb tlb([](Tlb::Side, u64, u64) {});
    const auto any = [](const TlbEntry&) { return true; };
    for (unsigned round = 0; round < 300; ++round) {
        for (u64 fills = rng.below(round % 10 == 0 ? 4000 : 20); fills > 0; --fills) {
            const TlbEntry entry = entry_of(rng);
            tlb.fill(rng.below(2) == 0 ? Tlb::Side::Data : Tlb::Side::Instruction, entry.frame, entry);
        }
        const u64 before = count(tlb, any), told = tlb.counters.invalidations;
        const u16 pcid = static_cast<u16>(rng.below(3));
        u64 gone = 0;
        switch (rng.below(3)) {
            case 0:
                gone = count(tlb, [&](const TlbEntry& e) { return !e.global && e.pcid == pcid; });
                tlb.invalidate_pcid(pcid);
                CHECK(count(tlb, [&](const TlbEntry& e) { return !e.global && e.pcid == pcid; }) == 0);
                break;
            case 1:
                gone = count(tlb, [](const TlbEntry& e) { return !e.global; });
                tlb.invalidate_all(false);
                CHECK(count(tlb, [](const TlbEntry& e) { return !e.global; }) == 0);
                break;
            default:
                gone = before;
                tlb.invalidate_all(true);
                break;
        }
        CHECK(count(tlb, any) == before - gone);
        CHECK(tlb.counters.invalidations - told == gone);
    }
}

TEST_CASE("A TLB that was loaded is emptied like the one that was saved") {
    Rng rng{std::mt19937_64(8)};
    Tlb saved([](Tlb::Side, u64, u64) {}), loaded([](Tlb::Side, u64, u64) {});
    for (unsigned i = 0; i < 500; ++i) {
        const TlbEntry entry = entry_of(rng);
        saved.fill(Tlb::Side::Data, entry.frame, entry);
    }
    SaveArchive save;
    saved.visit(save);
    LoadArchive load(save.take());
    loaded.visit(load);
    const auto valid = [](const TlbEntry&) { return true; };
    REQUIRE(count(loaded, valid) == count(saved, valid));
    loaded.invalidate_all(true);
    CHECK(count(loaded, valid) == 0);
}
