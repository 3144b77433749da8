// The attributes of block devices in /sys (block/block_class.h; Linux, Documentation/ABI/stable/sysfs-block).
#include "block/block_class.h"

#include "block/block_registry.h"

namespace {

class ShownBlockDevice final : public Device {
  public:
    Result<void> uevent(KString& out) override {
        return is_partition() ? out.appendf("PARTN=%u\n", partition->partition_number()) : Result<void>();
    }
    bool is_partition() const { return partition != nullptr; }

    BlockDevice* device = nullptr;  // outlives this: both go together
    Disk* disk = nullptr;           // a whole disk's own, or a partition's
    Partition* partition = nullptr;
};

ShownBlockDevice& shown(Kobject& object) {
    return static_cast<ShownBlockDevice&>(object);
}
Result<void> show_number(KString& out, u64 value) {
    return out.appendf("%llu\n", static_cast<unsigned long long>(value));
}

// Of any.
Result<void> show_size(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->sectors());
}
Result<void> show_ro(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->read_only());
}
Result<void> show_stat(Kobject& o, KString& out) {
    return append_block_stats(*shown(o).device, out);
}
Result<void> show_inflight(Kobject& o, KString& out) {
    return out.appendf("%8u %8u\n", block_stats(*shown(o).device).in_flight, 0u);
}
Result<void> show_zero(Kobject&, KString& out) {
    return out.append("0\n");
}
// Of whole devices.
Result<void> show_range(Kobject& o, KString& out) {
    return show_number(out, shown(o).disk ? 16 : 1);
}
Result<void> show_empty(Kobject&, KString& out) {
    return out.append("\n");
}
Result<void> show_serial(Kobject& o, KString& out) {
    return out.appendf("%s\n", shown(o).disk->serial());
}
// Of partitions.
Result<void> show_partition(Kobject& o, KString& out) {
    return show_number(out, shown(o).partition->partition_number());
}
Result<void> show_start(Kobject& o, KString& out) {
    return show_number(out, shown(o).partition->first_sector());
}

constexpr Attribute kAttributes[] = {
    {"size", 0444, show_size},
    {"ro", 0444, show_ro},
    {"stat", 0444, show_stat},
    {"inflight", 0444, show_inflight},
    {"alignment_offset", 0444, show_zero},
    {"discard_alignment", 0444, show_zero},
    {"removable", 0444, show_zero},
    {"hidden", 0444, show_zero},
    {"range", 0444, show_range},
    {"ext_range", 0444, show_range},
    {"capability", 0444, show_zero},
    {"events", 0444, show_empty},
    {"serial", 0444, show_serial},
    {"partition", 0444, show_partition},
    {"start", 0444, show_start},
    {nullptr, 0},
};
bool has_attribute(Kobject& o, const Attribute& a) {
    const bool of_partition = a.show == show_partition || a.show == show_start;
    const bool of_whole = &a >= &kAttributes[6] && &a <= &kAttributes[12];
    if (a.show == show_serial) return shown(o).disk && !shown(o).is_partition();
    return shown(o).is_partition() ? !of_whole : !of_partition;
}
constexpr AttributeGroup kGroup = {nullptr, kAttributes, has_attribute};

// queue/
Result<void> show_logical(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->logical_block_size());
}
Result<void> show_physical(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->physical_block_size());
}
Result<void> show_cache(Kobject& o, KString& out) {
    return out.append(shown(o).device->has_write_cache() ? "write back\n" : "write through\n");
}
Result<void> show_fua(Kobject&, KString& out) {
    return out.append("0\n");
}
Result<void> show_discard_max(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->can_discard() ? 2147450880 : 0);
}
Result<void> show_discard_unit(Kobject& o, KString& out) {
    return show_number(out, shown(o).device->can_discard() ? shown(o).device->logical_block_size() : 0);
}
Result<void> show_max_sectors(Kobject& o, KString& out) {
    Disk* disk = shown(o).disk;
    return show_number(
        out, disk ? disk->with_queue([](RequestQueue& q) { return q.limits.max_sectors / 2; }) : 1280);
}
Result<void> show_max_segments(Kobject& o, KString& out) {
    Disk* disk = shown(o).disk;
    return show_number(out,
                       disk ? disk->with_queue([](RequestQueue& q) { return q.limits.max_segments; }) : 128);
}
Result<void> show_read_ahead(Kobject&, KString& out) {
    return out.append("128\n");
}
Result<void> show_one(Kobject&, KString& out) {
    return out.append("1\n");
}
Result<void> show_requests(Kobject&, KString& out) {
    return out.append("128\n");
}
Result<void> show_zoned(Kobject&, KString& out) {
    return out.append("none\n");
}
Result<void> show_scheduler(Kobject& o, KString& out) {
    Disk* disk = shown(o).disk;
    if (!disk) return out.append("none\n");
    const bool deadline =
        disk->with_queue([](RequestQueue& q) { return q.scheduler() == RequestQueue::Scheduler::kDeadline; });
    return out.append(deadline ? "[mq-deadline] none\n" : "mq-deadline [none]\n");
}
Result<void> store_scheduler(Kobject& o, const char* text, size_t size) {
    const auto is = [&](const char* name) {
        const size_t n = strlen(name);
        return (size == n || (size == n + 1 && text[n] == '\n')) && strncmp(text, name, n) == 0;
    };
    const bool deadline = is("mq-deadline") || is("deadline");
    Disk* disk = shown(o).disk;
    if ((!deadline && !is("none")) || (!disk && deadline)) return Errno::EINVAL;
    if (disk) {
        disk->with_queue([&](RequestQueue& q) {
            q.set_scheduler(deadline ? RequestQueue::Scheduler::kDeadline : RequestQueue::Scheduler::kNone);
        });
    }
    return {};
}
Result<void> show_nomerges(Kobject& o, KString& out) {
    Disk* disk = shown(o).disk;
    return show_number(out, disk && !disk->with_queue([](RequestQueue& q) { return q.may_merge; }) ? 2 : 0);
}
Result<void> store_nomerges(Kobject& o, const char* text, size_t size) {
    if (size == 0 || text[0] < '0' || text[0] > '2') return Errno::EINVAL;
    if (Disk* disk = shown(o).disk) disk->with_queue([&](RequestQueue& q) { q.may_merge = text[0] == '0'; });
    return {};
}

constexpr Attribute kQueueAttributes[] = {
    {"logical_block_size", 0444, show_logical},
    {"physical_block_size", 0444, show_physical},
    {"hw_sector_size", 0444, show_logical},
    {"minimum_io_size", 0444, show_physical},
    {"optimal_io_size", 0444, show_zero},
    {"write_cache", 0444, show_cache},
    {"fua", 0444, show_fua},
    {"discard_granularity", 0444, show_discard_unit},
    {"discard_max_bytes", 0444, show_discard_max},
    {"discard_max_hw_bytes", 0444, show_discard_max},
    {"discard_zeroes_data", 0444, show_zero},
    {"max_sectors_kb", 0444, show_max_sectors},
    {"max_hw_sectors_kb", 0444, show_max_sectors},
    {"max_segments", 0444, show_max_segments},
    {"read_ahead_kb", 0444, show_read_ahead},
    {"nr_requests", 0444, show_requests},
    {"rotational", 0444, show_zero},
    {"add_random", 0444, show_zero},
    {"iostats", 0444, show_one},
    {"dax", 0444, show_zero},
    {"zoned", 0444, show_zoned},
    {"scheduler", 0644, show_scheduler, store_scheduler},
    {"nomerges", 0644, show_nomerges, store_nomerges},
    {nullptr, 0},
};
constexpr AttributeGroup kQueueGroup = {"queue", kQueueAttributes};

DeviceClass g_block_class("block", &kGroup);
bool g_registered = false;  // boot only

}  // namespace

BlockDevice& block_device_of(Kobject& object) {
    return *shown(object).device;
}

Result<RefPtr<Device>> show_block_device(const RefPtr<BlockDevice>& device, Disk* disk, RefPtr<Device> up) {
    if (!__atomic_exchange_n(&g_registered, true, __ATOMIC_ACQ_REL)) class_register(g_block_class);
    RefPtr<ShownBlockDevice> made = TRY(make_ref<ShownBlockDevice>());
    TRY(made->set_name("%s", device->name()));
    made->device = device.get();
    made->disk = disk;
    const bool whole = !disk || static_cast<BlockDevice*>(disk) == device.get();
    if (!whole) made->partition = static_cast<Partition*>(device.get());
    made->up = whole && disk ? RefPtr<Device>(disk->hardware()) : std::move(up);
    made->device_class = &g_block_class;
    made->type = whole ? "disk" : "partition";
    made->number = device->number();
    made->is_block = true;
    if (whole) made->add_group(kQueueGroup);
    if (whole && disk && disk->attributes()) made->add_group(*disk->attributes());
    TRY(device_add(*made));
    return RefPtr<Device>(made);
}
