// /proc/sys/vm: the settings of memory management (Documentation/admin-guide/sysctl/vm.rst of Linux).
#include "core/string.h"
#include "fs/cred.h"
#include "fs/page_cache.h"
#include "fs/proc/proc.h"
#include "fs/writeback.h"
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

// The limits of dirty pages (fs/writeback.h). A ratio and its bytes exclude each other: setting one clears the other.
template <auto field>
Result<void> show_dirty(KString& out) {
    return out.appendf("%llu\n",
                       static_cast<ull>(__atomic_load_n(&(writeback_limits.*field), __ATOMIC_RELAXED)));
}
template <auto field, u64 highest, auto other = nullptr>
Result<void> store_dirty(const char* text, size_t size) {
    const u64 value = TRY(parse_number(text, size));
    if (value > highest) return Errno::EINVAL;
    using Field = std::remove_reference_t<decltype(writeback_limits.*field)>;
    __atomic_store_n(&(writeback_limits.*field), static_cast<Field>(value), __ATOMIC_RELAXED);
    if constexpr (!std::is_null_pointer_v<decltype(other)>) {
        using Other = std::remove_reference_t<decltype(writeback_limits.*other)>;
        __atomic_store_n(&(writeback_limits.*other), Other{0}, __ATOMIC_RELAXED);
    }
    if (wake_flusher) wake_flusher();
    return {};
}
template <auto field, u64 highest, auto other = nullptr>
constexpr ProcEntry dirty_entry(const char* name) {
    return {name, S_IFREG | 0644, show_dirty<field>, store_dirty<field, highest, other>};
}

// 1: the page cache, 2: what can be had of slabs (dentries), 3: both; 4 only silences the message Linux logs.
Result<void> store_drop_caches(const char* text, size_t size) {
    const u64 what = TRY(parse_number(text, size));
    if (what < 1 || what > 4) return Errno::EINVAL;
    if (what & 1) drop_page_cache();
    return {};
}

}  // namespace

const ProcEntry kProcSysVmEntries[] = {
    dirty_entry<&WritebackLimits::dirty_background_bytes, ~0ull, &WritebackLimits::dirty_background_ratio>(
        "dirty_background_bytes"),
    dirty_entry<&WritebackLimits::dirty_background_ratio, 100, &WritebackLimits::dirty_background_bytes>(
        "dirty_background_ratio"),
    dirty_entry<&WritebackLimits::dirty_bytes, ~0ull, &WritebackLimits::dirty_ratio>("dirty_bytes"),
    dirty_entry<&WritebackLimits::dirty_expire_centisecs, 0x7fffffff>("dirty_expire_centisecs"),
    dirty_entry<&WritebackLimits::dirty_ratio, 100, &WritebackLimits::dirty_bytes>("dirty_ratio"),
    dirty_entry<&WritebackLimits::dirty_writeback_centisecs, 0x7fffffff>("dirty_writeback_centisecs"),
    {"drop_caches", S_IFREG | 0200, nullptr, store_drop_caches},
    {"max_map_count", S_IFREG | 0444, show_max_map_count},
    {"min_free_kbytes", S_IFREG | 0444, show_min_free},
    {"nr_hugepages", S_IFREG | 0644, show_nr_hugepages, store_nr_hugepages},
    {"nr_overcommit_hugepages", S_IFREG | 0644, show_nr_overcommit_hugepages, store_nr_overcommit_hugepages},
    {"overcommit_memory", S_IFREG | 0644, show_overcommit_memory, store_overcommit_memory},
    {"overcommit_ratio", S_IFREG | 0644, show_overcommit_ratio, store_overcommit_ratio},
    {nullptr, 0},
};
