#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

Cpu::Cpu(unsigned cpu_id, const CpuEnvironment& environment, const CpuFeatures& cpu_features)
    : id(cpu_id),
      env(environment),
      features(cpu_features),
      tlb([this](Tlb::Side side, u64 linear, u64 length) { drop_fast(side, linear, length); }),
      path_model(environment.core->path()) {
    env.code->add_watch(&monitor);
    reset();
}

Cpu::~Cpu() {
    env.code->remove_watch(&monitor);
}

void Cpu::flush_fast() {
    fast_slots.for_each([this](unsigned slot) {
        for (auto& table : fast_tables) table[slot] = FastEntry{};
    });
    fast_slots.clear();
    fast_code_slots.for_each([this](unsigned slot) {
        for (auto& table : fast_code_tables) table[slot] = FastCodeEntry{};
    });
    fast_code_slots.clear();
}

void Cpu::drop_fast(Tlb::Side side, u64 linear, u64 length) {
    auto drop = [&](auto& tables, const auto& slots, auto page_of, auto empty) {
        constexpr u64 entries = std::extent_v<std::remove_reference_t<decltype(tables)>, 1>;
        if (length == kPageSize) {
            for (auto& table : tables) {
                auto& entry = table[(linear >> 12) % entries];
                if (page_of(entry) == linear) entry = empty;
            }
            return;
        }
        slots.for_each([&](unsigned slot) {
            for (auto& table : tables)
                if (page_of(table[slot]) - linear < length) table[slot] = empty;
        });
    };
    if (side == Tlb::Side::Data) {
        auto page_of = [](const FastEntry& entry) {
            return entry.read_tag != FastEntry::kNoTag ? entry.read_tag : entry.write_tag;
        };
        drop(fast_tables, fast_slots, page_of, FastEntry{});
    } else {
        drop(
            fast_code_tables, fast_code_slots, [](const FastCodeEntry& entry) { return entry.page; },
            FastCodeEntry{});
    }
}

void Cpu::forbid_fast_writes(const u8* host_page) {
    fast_slots.for_each([&](unsigned slot) {
        for (auto& table : fast_tables) {
            FastEntry& entry = table[slot];
            if (entry.write_tag != FastEntry::kNoTag &&
                entry.write_tag + entry.addend == reinterpret_cast<u64>(host_page))
                entry.write_tag = FastEntry::kNoTag;
        }
    });
}

void Cpu::forbid_all_fast_writes() {
    fast_slots.for_each([this](unsigned slot) {
        for (auto& table : fast_tables) table[slot].write_tag = FastEntry::kNoTag;
    });
}

}  // namespace orrery
