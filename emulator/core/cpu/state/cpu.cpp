#include "emulator/core/cpu/state/cpu.h"

#include <algorithm>

namespace orrery {

Cpu::Cpu(unsigned cpu_id, const CpuEnvironment& environment, const CpuFeatures& cpu_features)
    : id(cpu_id),
      env(environment),
      features(cpu_features),
      tlb([this](Tlb::Side side, u64 linear, u64 length) { drop_fast(side, linear, length); }) {
    env.code->add_watch(&monitor);
    reset();
}

Cpu::~Cpu() {
    env.code->remove_watch(&monitor);
}

void Cpu::flush_fast() {
    for (auto& table : fast_tables) std::fill(std::begin(table), std::end(table), FastEntry{});
    for (auto& table : fast_code_tables) std::fill(std::begin(table), std::end(table), FastCodeEntry{});
}

void Cpu::drop_fast(Tlb::Side side, u64 linear, u64 length) {
    auto drop = [&](auto& table, auto page_of, auto empty) {
        constexpr u64 entries = std::extent_v<std::remove_reference_t<decltype(table)>>;
        if (length == kPageSize) {
            auto& entry = table[(linear >> 12) % entries];
            if (page_of(entry) == linear) entry = empty;
            return;
        }
        for (auto& entry : table)
            if (page_of(entry) - linear < length) entry = empty;
    };
    if (side == Tlb::Side::Data) {
        auto page_of = [](const FastEntry& entry) {
            return entry.read_tag != FastEntry::kNoTag ? entry.read_tag : entry.write_tag;
        };
        for (auto& table : fast_tables) drop(table, page_of, FastEntry{});
    } else {
        for (auto& table : fast_code_tables)
            drop(
                table, [](const FastCodeEntry& entry) { return entry.page; }, FastCodeEntry{});
    }
}

void Cpu::forbid_fast_writes(const u8* host_page) {
    for (auto& table : fast_tables) {
        for (FastEntry& entry : table) {
            if (entry.write_tag != FastEntry::kNoTag &&
                entry.write_tag + entry.addend == reinterpret_cast<u64>(host_page))
                entry.write_tag = FastEntry::kNoTag;
        }
    }
}

void Cpu::forbid_all_fast_writes() {
    for (auto& table : fast_tables)
        for (FastEntry& entry : table) entry.write_tag = FastEntry::kNoTag;
}

}  // namespace orrery
