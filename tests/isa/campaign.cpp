#include "tests/isa/campaign.h"

#include <cstdio>
#include <cstdlib>
#include <set>

namespace orrery::testing {

Campaign& Campaign::instance() {
    static Campaign campaign;
    return campaign;
}

Campaign::Campaign() {
    const char* text = std::getenv("ORRERY_TEST_LONG");
    if (text != nullptr && text[0] == '1') cases_per_row_ = 10'000;
    if (const char* count = std::getenv("ORRERY_ORACLE_CASES"))
        cases_per_row_ = static_cast<unsigned>(std::strtoul(count, nullptr, 10));
}

void Campaign::add(const Row& row, CpuMode mode, unsigned cases, unsigned differences) {
    counts_.push_back({&row, mode, cases, differences});
}

Campaign::~Campaign() {
    if (counts_.empty()) return;
    unsigned long long cases = 0, differences = 0;
    std::set<const Row*> rows;
    for (const Count& count : counts_) {
        cases += count.cases;
        differences += count.differences;
        rows.insert(count.row);
    }
    std::printf("host oracle: %llu cases of %zu rows, differences: %llu\n", cases, rows.size(), differences);
    const char* path = std::getenv("ORRERY_ORACLE_REPORT");
    std::FILE* file = path != nullptr ? std::fopen(path, "w") : nullptr;
    if (file == nullptr) return;
    for (const Count& count : counts_) {
        const int bits = count.mode == CpuMode::Bits64 ? 64 : 32;
        std::fprintf(file, "%d-bit %-12s %-28s %6u cases %u differences\n", bits, count.row->mnemonic,
                     count.row->encoding_text, count.cases, count.differences);
    }
    std::fclose(file);
}

}  // namespace orrery::testing
