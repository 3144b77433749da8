// /sys/kernel/mm: the switches and counts of huge pages, as Linux's Documentation/admin-guide/mm has them.
#include "mm/mm_sysfs.h"

#include "drivers/base/kobject.h"
#include "fs/cred.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb.h"

namespace {

using ull = unsigned long long;

Result<void> number(KString& out, u64 value) {
    return out.appendf("%llu\n", static_cast<ull>(value));
}

constexpr const char* kThpWords[] = {"always", "madvise", "never"};  // by ThpMode

Result<void> show_thp_enabled(Kobject&, KString& out) {
    const unsigned mode = static_cast<unsigned>(thp_mode());
    for (unsigned i = 0; i < 3; i++)
        TRY(out.appendf(i == mode ? "[%s]%c" : "%s%c", kThpWords[i], i == 2 ? '\n' : ' '));
    return {};
}
Result<void> store_thp_enabled(Kobject&, const char* text, size_t size) {
    for (unsigned i = 0; i < 3; i++) {
        if (!attribute_is(text, size, kThpWords[i])) continue;
        set_thp_mode(static_cast<ThpMode>(i));
        return {};
    }
    return Errno::EINVAL;
}
Result<void> show_pmd_size(Kobject&, KString& out) {
    return number(out, kHugePageSize);
}
constexpr Attribute kThpAttributes[] = {
    {"enabled", 0644, show_thp_enabled, store_thp_enabled},
    {"hpage_pmd_size", 0444, show_pmd_size},
    {nullptr, 0},
};
constexpr AttributeGroup kThpGroup = {nullptr, kThpAttributes};

// The directories of the two pools differ in nothing but the order.
template <unsigned order, u64 HugetlbCounts::*field>
Result<void> show_count(Kobject&, KString& out) {
    const HugetlbCounts counts = hugetlb_counts(order);
    return number(out, counts.*field);
}
template <unsigned order, void (*set)(unsigned, u64)>
Result<void> store_count(Kobject&, const char* text, size_t size) {
    set(order, TRY(attribute_number(text, size, ~u64{0})));
    return {};
}
template <unsigned order>
constexpr Attribute kPoolAttributes[] = {
    {"free_hugepages", 0444, show_count<order, &HugetlbCounts::free>},
    {"nr_hugepages", 0644, show_count<order, &HugetlbCounts::total>, store_count<order, set_nr_hugepages>},
    {"nr_overcommit_hugepages", 0644, show_count<order, &HugetlbCounts::overcommit>,
     store_count<order, set_nr_overcommit_hugepages>},
    {"resv_hugepages", 0444, show_count<order, &HugetlbCounts::reserved>},
    {"surplus_hugepages", 0444, show_count<order, &HugetlbCounts::surplus>},
    {nullptr, 0},
};
template <unsigned order>
constexpr AttributeGroup kPoolGroup = {nullptr, kPoolAttributes<order>};

}  // namespace

void mm_sysfs_init() {
    Kobject& mm = kobject_directory(kobject_directory(sysfs_root(), "kernel"), "mm");
    kobject_directory(mm, "transparent_hugepage").add_group(kThpGroup);
    Kobject& pools = kobject_directory(mm, "hugepages");
    kobject_directory(pools, "hugepages-2048kB").add_group(kPoolGroup<kPmdOrder>);
    if (hugetlb_has(kPudOrder))
        kobject_directory(pools, "hugepages-1048576kB").add_group(kPoolGroup<kPudOrder>);
}
