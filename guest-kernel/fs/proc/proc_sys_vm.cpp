// /proc/sys/vm: the settings of memory management (Documentation/admin-guide/sysctl/vm.rst of Linux).
#include "core/string.h"
#include "fs/cred.h"
#include "fs/proc/proc.h"
#include "mm/hugetlb.h"

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

}  // namespace

const ProcEntry kProcSysVmEntries[] = {
    {"nr_hugepages", S_IFREG | 0644, show_nr_hugepages, store_nr_hugepages},
    {"nr_overcommit_hugepages", S_IFREG | 0644, show_nr_overcommit_hugepages, store_nr_overcommit_hugepages},
    {nullptr, 0},
};
