// /proc/sys/vm: the settings of memory management (Documentation/admin-guide/sysctl/vm.rst of Linux).
#include "core/string.h"
#include "fs/cred.h"
#include "fs/proc/proc.h"
#include "mm/buddy.h"
#include "mm/hugetlb.h"
#include "mm/mm_struct.h"
#include "mm/overcommit.h"

namespace {

using ull = unsigned long long;

/// A decimal number with blanks around it, as every sysctl takes it. EINVAL.
Result<u64> parse_number(const char* text, size_t size) {
    char word[24] = {};
    size_t n = 0;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' ')) size--;
    while (size > 0 && *text == ' ') text++, size--;
    for (; n < size && n + 1 < sizeof(word); n++) word[n] = text[n];
    u64 value = 0;
    if (n == 0 || n < size || !parse_u64(word, 10, &value)) return Errno::EINVAL;
    return u64{value};
}

Result<void> show_nr_hugepages(KString& out) {
    const HugetlbCounts counts = hugetlb_counts(hugetlb_default_order());
    return out.appendf("%llu\n", static_cast<ull>(counts.total - counts.surplus));
}
Result<void> store_nr_hugepages(const char* text, size_t size) {
    set_nr_hugepages(hugetlb_default_order(), TRY(parse_number(text, size)));
    return {};
}
Result<void> show_nr_overcommit_hugepages(KString& out) {
    const HugetlbCounts counts = hugetlb_counts(hugetlb_default_order());
    return out.appendf("%llu\n", static_cast<ull>(counts.overcommit));
}
Result<void> store_nr_overcommit_hugepages(const char* text, size_t size) {
    set_nr_overcommit_hugepages(hugetlb_default_order(), TRY(parse_number(text, size)));
    return {};
}

Result<void> show_overcommit_memory(KString& out) {
    return out.appendf("%u\n", static_cast<unsigned>(overcommit_mode()));
}
Result<void> store_overcommit_memory(const char* text, size_t size) {
    const u64 mode = TRY(parse_number(text, size));
    if (mode > static_cast<u64>(Overcommit::kNever)) return Errno::EINVAL;
    set_overcommit_mode(static_cast<Overcommit>(mode));
    return {};
}
Result<void> show_overcommit_ratio(KString& out) {
    return out.appendf("%llu\n", static_cast<ull>(overcommit_ratio()));
}
Result<void> store_overcommit_ratio(const char* text, size_t size) {
    set_overcommit_ratio(TRY(parse_number(text, size)));
    return {};
}

Result<void> show_max_map_count(KString& out) {
    return out.appendf("%u\n", kMaxMapCount);
}
Result<void> show_min_free(KString& out) {
    return out.appendf("%llu\n", static_cast<ull>(buddy_reserve_pages() * (kPageSize / 1024)));
}

}  // namespace

const ProcEntry kProcSysVmEntries[] = {
    {"max_map_count", S_IFREG | 0444, show_max_map_count},
    {"min_free_kbytes", S_IFREG | 0444, show_min_free},
    {"nr_hugepages", S_IFREG | 0644, show_nr_hugepages, store_nr_hugepages},
    {"nr_overcommit_hugepages", S_IFREG | 0644, show_nr_overcommit_hugepages, store_nr_overcommit_hugepages},
    {"overcommit_memory", S_IFREG | 0644, show_overcommit_memory, store_overcommit_memory},
    {"overcommit_ratio", S_IFREG | 0644, show_overcommit_ratio, store_overcommit_ratio},
    {nullptr, 0},
};
