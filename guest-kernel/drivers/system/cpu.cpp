// /sys/devices/system/cpu: the CPUs, their topology and caches (Linux, Documentation/ABI/testing/sysfs-devices-system-cpu).
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/topology.h"
#include "core/panic.h"
#include "drivers/acpi.h"
#include "drivers/system/bitmap_text.h"
#include "drivers/system/system_device.h"

namespace {

SystemBus g_cpus("cpu");

class CpuDevice final : public Device {
  public:
    explicit CpuDevice(unsigned number_of_cpu) : cpu(number_of_cpu) {}
    const unsigned cpu;
};

/// A directory cacheN/indexM.
class CacheDevice final : public Device {
  public:
    CacheDevice(const CacheInfo& what, unsigned of_cpu) : info(what), cpu(of_cpu) {}
    const CacheInfo info;
    const unsigned cpu;
};

unsigned present_cpus() {
    return max(online_cpus, min(acpi_info.cpu_count, kMaxCpus));
}
u64 present_mask() {
    return (1ull << present_cpus()) - 1;
}

// The directory's own files.
Result<void> show_present(Kobject&, KString& out) {
    return append_cpu_list(out, present_mask());
}
Result<void> show_online(Kobject&, KString& out) {
    return append_cpu_list(out, online_mask());
}
Result<void> show_offline(Kobject&, KString& out) {
    return append_cpu_list(out, present_mask() & ~online_mask());
}
Result<void> show_isolated(Kobject&, KString& out) {
    return append_cpu_list(out, 0);
}
Result<void> show_kernel_max(Kobject&, KString& out) {
    return out.appendf("%u\n", kMaxCpus - 1);
}
constexpr Attribute kCpusAttributes[] = {
    {"online", 0444, show_online},
    {"possible", 0444, show_present},
    {"present", 0444, show_present},
    {"kernel_max", 0444, show_kernel_max},
    {"offline", 0444, show_offline},
    {"isolated", 0444, show_isolated},
    {nullptr, 0},
};
constexpr AttributeGroup kCpusGroup = {nullptr, kCpusAttributes};

// topology/
using CpuSet = u64 (*)(unsigned cpu);
u64 only_itself(unsigned cpu) {
    return 1ull << cpu;
}
unsigned cpu_of(Kobject& object) {
    return static_cast<CpuDevice&>(object).cpu;
}
template <CpuSet Set>
Result<void> show_list(Kobject& object, KString& out) {
    return append_cpu_list(out, Set(cpu_of(object)));
}
template <CpuSet Set>
Result<void> show_mask(Kobject& object, KString& out) {
    return append_cpu_mask(out, Set(cpu_of(object)), present_cpus());
}
template <u32 CpuPlace::*Field>
Result<void> show_place(Kobject& object, KString& out) {
    return out.appendf("%u\n", place_of_cpu(cpu_of(object)).*Field);
}
// A die is a package here, and what Linux calls a cluster (CPUs with one L2 cache) a core.
Result<void> show_zero(Kobject&, KString& out) {
    return out.append("0\n");
}
Result<void> show_cluster(Kobject& object, KString& out) {
    const unsigned cpu = cpu_of(object);
    CacheInfo cache;
    for (unsigned i = 0; cache_info(i, &cache); i++) {
        if (cache.level == 2) return out.appendf("%u\n", cache_id(cache, cpu));
    }
    return out.append("65535\n");
}
u64 cluster_cpus(unsigned cpu) {
    CacheInfo cache;
    for (unsigned i = 0; cache_info(i, &cache); i++) {
        if (cache.level == 2) return cpus_sharing(cache, cpu);
    }
    return only_itself(cpu);
}
constexpr Attribute kTopologyAttributes[] = {
    {"physical_package_id", 0444, show_place<&CpuPlace::package>},
    {"die_id", 0444, show_zero},
    {"cluster_id", 0444, show_cluster},
    {"core_id", 0444, show_place<&CpuPlace::core>},
    {"thread_siblings", 0444, show_mask<cpus_in_core>},
    {"thread_siblings_list", 0444, show_list<cpus_in_core>},
    {"core_cpus", 0444, show_mask<cpus_in_core>},
    {"core_cpus_list", 0444, show_list<cpus_in_core>},
    {"core_siblings", 0444, show_mask<cpus_in_package>},
    {"core_siblings_list", 0444, show_list<cpus_in_package>},
    {"cluster_cpus", 0444, show_mask<cluster_cpus>},
    {"cluster_cpus_list", 0444, show_list<cluster_cpus>},
    {"die_cpus", 0444, show_mask<cpus_in_package>},
    {"die_cpus_list", 0444, show_list<cpus_in_package>},
    {"package_cpus", 0444, show_mask<cpus_in_package>},
    {"package_cpus_list", 0444, show_list<cpus_in_package>},
    {nullptr, 0},
};
constexpr AttributeGroup kTopologyGroup = {"topology", kTopologyAttributes};

// cache/indexN/
const CacheInfo& cache_of(Kobject& object) {
    return static_cast<CacheDevice&>(object).info;
}
template <u32 CacheInfo::*Field>
Result<void> show_cache(Kobject& object, KString& out) {
    return out.appendf("%u\n", cache_of(object).*Field);
}
Result<void> show_cache_type(Kobject& object, KString& out) {
    static constexpr const char* kTypes[] = {"", "Data", "Instruction", "Unified"};
    return out.appendf("%s\n", kTypes[cache_of(object).type & 3]);
}
Result<void> show_cache_size(Kobject& object, KString& out) {
    return out.appendf("%luK\n", cache_of(object).size() / 1024);
}
Result<void> show_cache_id(Kobject& object, KString& out) {
    return out.appendf("%u\n", cache_id(cache_of(object), static_cast<CacheDevice&>(object).cpu));
}
u64 cache_sharers(Kobject& object) {
    return cpus_sharing(cache_of(object), static_cast<CacheDevice&>(object).cpu);
}
Result<void> show_cache_map(Kobject& object, KString& out) {
    return append_cpu_mask(out, cache_sharers(object), present_cpus());
}
Result<void> show_cache_list(Kobject& object, KString& out) {
    return append_cpu_list(out, cache_sharers(object));
}
constexpr Attribute kCacheAttributes[] = {
    {"id", 0444, show_cache_id},
    {"level", 0444, show_cache<&CacheInfo::level>},
    {"type", 0444, show_cache_type},
    {"size", 0444, show_cache_size},
    {"ways_of_associativity", 0444, show_cache<&CacheInfo::ways>},
    {"number_of_sets", 0444, show_cache<&CacheInfo::sets>},
    {"coherency_line_size", 0444, show_cache<&CacheInfo::line_size>},
    {"physical_line_partition", 0444, show_cache<&CacheInfo::partitions>},
    {"shared_cpu_map", 0444, show_cache_map},
    {"shared_cpu_list", 0444, show_cache_list},
    {nullptr, 0},
};
constexpr AttributeGroup kCacheGroup = {nullptr, kCacheAttributes};

void add_caches(CpuDevice& device) {
    CacheInfo info;
    if (!cache_info(0, &info)) return;
    Device& directory = device_create_root("cache", device);
    for (unsigned i = 0; cache_info(i, &info); i++) {
        Result<RefPtr<CacheDevice>> made = make_ref<CacheDevice>(info, device.cpu);
        if (!made.ok()) panic("cpu: no memory");
        made.value()->add_group(kCacheGroup);
        made.value()->place = &directory;
        if (!made.value()->set_name("index%u", i).ok() || !device_add(*made.value()).ok())
            panic("cpu: no memory");
    }
}

}  // namespace

void init_cpu_devices() {
    g_cpus.register_all(&kCpusGroup);
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        Result<RefPtr<CpuDevice>> made = make_ref<CpuDevice>(cpu);
        if (!made.ok()) panic("cpu: no memory");
        CpuDevice& device = *made.value();
        device.add_group(kTopologyGroup);
        g_cpus.add(device, "cpu%u", cpu);
        add_caches(device);
        if (!device.add_link("node0", *node_device).ok() ||
            !node_device->add_link(device.name(), device).ok())
            panic("cpu: no memory");
    }
}
