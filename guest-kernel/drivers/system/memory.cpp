// /sys/devices/system/memory and node: RAM in blocks, and the one node it belongs to (Linux,
// Documentation/ABI/testing/sysfs-devices-memory, stable/sysfs-devices-node).
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "core/panic.h"
#include "drivers/system/bitmap_text.h"
#include "drivers/system/system_device.h"
#include "fs/proc/proc_memory.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmstat.h"

Device* node_device = nullptr;

namespace {

constexpr u64 kBlockSize = 128ull << 20;  // as Linux's on a PC

SystemBus g_memory("memory");
SystemBus g_nodes("node");

class MemoryBlock final : public Device {
  public:
    explicit MemoryBlock(unsigned its_index) : index(its_index) {}
    const unsigned index;
};

Result<void> show_block_size(Kobject&, KString& out) {
    return out.appendf("%lx\n", kBlockSize);
}
Result<void> show_auto_online(Kobject&, KString& out) {
    return out.append("offline\n");
}
constexpr Attribute kMemoryAttributes[] = {
    {"block_size_bytes", 0444, show_block_size},
    {"auto_online_blocks", 0444, show_auto_online},  // none comes while the machine runs
    {nullptr, 0},
};
constexpr AttributeGroup kMemoryGroup = {nullptr, kMemoryAttributes};

Result<void> show_index(Kobject& object, KString& out) {
    return out.appendf("%08x\n", static_cast<MemoryBlock&>(object).index);
}
Result<void> show_state(Kobject&, KString& out) {
    return out.append("online\n");
}
// Memory cannot be taken away from this kernel: what is online stays so.
Result<void> store_state(Kobject&, const char* text, size_t size) {
    return attribute_is(text, size, "online") ? Result<void>() : Result<void>(Errno::EINVAL);
}
Result<void> show_online(Kobject&, KString& out) {
    return out.append("1\n");
}
Result<void> store_online(Kobject&, const char* text, size_t size) {
    return attribute_is(text, size, "1") ? Result<void>() : Result<void>(Errno::EINVAL);
}
Result<void> show_removable(Kobject&, KString& out) {
    return out.append("0\n");
}
Result<void> show_zones(Kobject&, KString& out) {
    return out.append("Normal\n");
}
constexpr Attribute kBlockAttributes[] = {
    {"phys_index", 0444, show_index},
    {"state", 0644, show_state, store_state},
    {"phys_device", 0444, [](Kobject&, KString& out) { return out.append("0\n"); }},
    {"removable", 0444, show_removable},
    {"online", 0644, show_online, store_online},
    {"valid_zones", 0444, show_zones},
    {nullptr, 0},
};
constexpr AttributeGroup kBlockGroup = {nullptr, kBlockAttributes};

// The nodes' directory: lists of nodes.
Result<void> show_the_node(Kobject&, KString& out) {
    return append_cpu_list(out, 1);
}
Result<void> show_no_node(Kobject&, KString& out) {
    return append_cpu_list(out, 0);
}
constexpr Attribute kNodesAttributes[] = {
    {"possible", 0444, show_the_node},
    {"online", 0444, show_the_node},
    {"has_normal_memory", 0444, show_the_node},
    {"has_memory", 0444, show_the_node},
    {"has_cpu", 0444, show_the_node},
    {"has_generic_initiator", 0444, show_no_node},
    {nullptr, 0},
};
constexpr AttributeGroup kNodesGroup = {nullptr, kNodesAttributes};

Result<void> show_cpumap(Kobject&, KString& out) {
    return append_cpu_mask(out, online_mask(), online_cpus);
}
Result<void> show_cpulist(Kobject&, KString& out) {
    return append_cpu_list(out, online_mask());
}
Result<void> show_distance(Kobject&, KString& out) {
    return out.append("10\n");
}
Result<void> show_numastat(Kobject&, KString& out) {
    const unsigned long long n = vm_events(VmEvent::pgalloc_normal);
    return out.appendf(
        "numa_hit %llu\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node %llu\nother_node 0\n", n,
        n);
}
Result<void> show_meminfo_of_node(Kobject&, KString& out) {
    return show_node_meminfo(out);
}
Result<void> show_vmstat_of_node(Kobject&, KString& out) {
    return show_node_vmstat(out);
}
constexpr Attribute kNodeAttributes[] = {
    {"cpumap", 0444, show_cpumap},
    {"cpulist", 0444, show_cpulist},
    {"meminfo", 0444, show_meminfo_of_node},
    {"numastat", 0444, show_numastat},
    {"distance", 0444, show_distance},
    {"vmstat", 0444, show_vmstat_of_node},
    {nullptr, 0},
};
constexpr AttributeGroup kNodeGroup = {nullptr, kNodeAttributes};

void add_block(unsigned index) {
    Result<RefPtr<MemoryBlock>> made = make_ref<MemoryBlock>(index);
    if (!made.ok()) panic("memory: no memory");
    MemoryBlock& block = *made.value();
    block.add_group(kBlockGroup);
    g_memory.add(block, "memory%u", index);
    if (!block.add_link("node0", *node_device).ok() || !node_device->add_link(block.name(), block).ok())
        panic("memory: no memory");
}

}  // namespace

void init_memory_devices() {
    g_nodes.register_all(&kNodesGroup);
    Result<RefPtr<Device>> node = make_ref<Device>();
    if (!node.ok()) panic("node: no memory");
    node_device = node.value().get();
    node_device->add_group(kNodeGroup);
    g_nodes.add(*node_device, "node%u", 0);
    g_memory.register_all(&kMemoryGroup);
    memblock_for_each_ram([](u64 start, u64 end) {
        static u64 next = 0;  // ranges come in their order, and may share a block
        for (u64 block = max(next, start / kBlockSize); block * kBlockSize < end; block++) {
            add_block(static_cast<unsigned>(block));
            next = block + 1;
        }
    });
}
