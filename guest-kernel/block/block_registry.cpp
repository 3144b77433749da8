// The list of block devices (block/block_registry.h), and what is told of all of them.
#include "block/block_registry.h"

#include "block/block_class.h"
#include "block/partitions.h"
#include "core/printk.h"
#include "core/string.h"
#include "core/unique.h"
#include "fs/block_pages.h"
#include "fs/namei.h"

namespace {

struct Entry {
    RefPtr<BlockDevice> device;
    RefPtr<Disk> whole;  // of a partition, and of a disk that can have some: itself
    u32 minors = 1;
    RefPtr<Device> shown{};  // in /sys and devtmpfs
};
struct Registry {
    Vec<Entry> entries;
};
Guarded<Registry, LockRank::kBlockDevices> g_registry;
BlockMajor* g_majors = nullptr;  // grows at its front, by whoever has just made its driver

Result<void> enter(Entry entry) {
    RefPtr<Device> disk;
    g_registry.with([&](Registry& r) {
        for (Entry& e : r.entries) {
            if (entry.whole && e.device == static_cast<BlockDevice*>(entry.whole.get())) disk = e.shown;
        }
    });
    entry.shown = TRY(show_block_device(entry.device, entry.whole.get(), std::move(disk)));
    RefPtr<Device> shown = entry.shown;
    Result<void> pushed = g_registry.with([&](Registry& r) { return r.entries.push(std::move(entry)); });
    if (!pushed.ok()) device_remove(*shown);
    return pushed;
}

/// A partition's number: behind its disk's, or the first free one of the major that all disks share.
dev_t partition_device(const Disk& disk, u32 number, u32 minors) {
    if (number < minors) return disk.number() + number;
    constexpr u32 kExtendedMajor = 259;  // blkext
    u32 minor = 0;
    while (find_block_device(make_dev(kExtendedMajor, minor))) minor++;
    return make_dev(kExtendedMajor, minor);
}

Result<void> add_partitions(const RefPtr<Disk>& disk, u32 minors) {
    Partitions* found = new (std::nothrow) Partitions;
    if (!found) return Errno::ENOMEM;
    const Unique<Partitions> owned(found);
    TRY(read_partitions(*disk, found));
    const size_t length = strlen(disk->name());
    const bool digit = length > 0 && disk->name()[length - 1] >= '0' && disk->name()[length - 1] <= '9';
    char line[256] = "";
    for (u32 i = 0; i < found->count; i++) {
        const PartitionEntry& p = found->entries[i];
        char name[48];
        snprintf(name, sizeof(name), "%s%s%u", disk->name(), digit ? "p" : "", p.number);
        RefPtr<Partition> made = TRY(make_ref<Partition>(
            disk, name, partition_device(*disk, p.number, minors), p.first, p.count, p.number));
        copy_string(made->uuid, p.uuid, sizeof(made->uuid));
        copy_string(made->label, p.label, sizeof(made->label));
        const size_t used = strlen(line);
        snprintf(line + used, sizeof(line) - used, " %s", name);
        TRY(enter({RefPtr<BlockDevice>(made), disk, 1}));
    }
    if (found->kind != PartitionTable::kNone) printk(KERN_INFO " %s:%s\n", disk->name(), line);
    return {};
}

}  // namespace

void register_disk(RefPtr<Disk> disk, u32 minors) {
    Result<void> done = enter({RefPtr<BlockDevice>(disk), disk, minors});
    if (done.ok()) done = add_partitions(disk, minors);
    if (!done.ok())
        printk(KERN_ERR "%s: cannot read the partition table: error %d\n", disk->name(),
               static_cast<int>(done.error()));
}

Result<void> register_empty_disk(RefPtr<Disk> disk) {
    return enter({RefPtr<BlockDevice>(disk), disk, 1});
}

void unregister_disk(Disk& disk) {
    Entry gone;
    g_registry.with([&](Registry& r) {
        for (size_t i = 0; i < r.entries.size(); i++) {
            if (!(r.entries[i].device == &disk)) continue;
            gone = std::move(r.entries[i]);
            r.entries.erase(i);
            return;
        }
    });
    if (gone.shown) device_remove(*gone.shown);
}

void remove_partitions(Disk& disk) {
    for (;;) {
        Entry gone;
        g_registry.with([&](Registry& r) {
            for (size_t i = r.entries.size(); i-- > 0 && !gone.device;) {
                Entry& e = r.entries[i];
                if (!(e.whole == &disk) || e.device == &disk) continue;
                gone = std::move(e);
                r.entries.erase(i);
            }
        });
        if (!gone.device) return;
        device_remove(*gone.shown);
    }
}

Result<void> rescan_partitions(BlockDevice& device) {
    RefPtr<Disk> disk;
    u32 minors = 0;
    Vec<Entry> gone;
    TRY(g_registry.with([&](Registry& r) -> Result<void> {
        for (Entry& e : r.entries) {
            if (e.device == &device && e.whole) {
                disk = e.whole;
                minors = e.minors;
            }
        }
        if (!disk || !disk->has_partitions() || static_cast<BlockDevice*>(disk.get()) != &device)
            return Errno::EINVAL;
        for (Entry& e : r.entries) {
            if (e.whole == disk && !(e.device == &device) && (e.device->claimed() || e.device->openers() > 0))
                return Errno::EBUSY;
        }
        TRY(gone.reserve(r.entries.size()));
        for (size_t i = r.entries.size(); i-- > 0;) {
            Entry& e = r.entries[i];
            if (!(e.whole == disk) || e.device == &device) continue;
            TRY(gone.push(std::move(e)));
            r.entries.erase(i);
        }
        return {};
    }));
    for (Entry& partition : gone) device_remove(*partition.shown);
    gone.clear();
    if (BlockPages* pages = disk->pages_if_any()) pages->invalidate(0, ~0ull - 1);
    return add_partitions(disk, minors);
}

Result<Vec<RefPtr<BlockDevice>>> list_block_devices() {
    return g_registry.with([](Registry& r) -> Result<Vec<RefPtr<BlockDevice>>> {
        Vec<RefPtr<BlockDevice>> all;
        TRY(all.reserve(r.entries.size()));
        for (Entry& e : r.entries) TRY(all.push(e.device));
        return all;
    });
}

RefPtr<BlockDevice> find_block_device(dev_t number) {
    return g_registry.with([&](Registry& r) {
        for (Entry& e : r.entries) {
            if (e.device->number() == number) return e.device;
        }
        return RefPtr<BlockDevice>();
    });
}

RefPtr<BlockDevice> find_block_device(const char* name) {
    return g_registry.with([&](Registry& r) {
        for (Entry& e : r.entries) {
            if (strcmp(e.device->name(), name) == 0) return e.device;
        }
        return RefPtr<BlockDevice>();
    });
}

void register_blkdev(BlockMajor* major) {
    major->next = g_majors;
    __atomic_store_n(&g_majors, major, __ATOMIC_RELEASE);
}

BlockMajor* first_blkdev() {
    return __atomic_load_n(&g_majors, __ATOMIC_ACQUIRE);
}

Result<RefPtr<BlockDevice>> block_device_at(const char* path) {
    const Path place = TRY(lookup_at(AT_FDCWD, path, kWalkFollow));
    if (!S_ISBLK(place.inode().mode)) return Errno::ENOTBLK;
    if (place.mount && (place.mount->flags & MS_NODEV)) return Errno::EACCES;
    RefPtr<BlockDevice> device = find_block_device(place.inode().rdev);
    if (!device) return Errno::ENXIO;
    return device;
}

Result<void> show_partitions(KString& out) {
    TRY(out.append("major minor  #blocks  name\n\n"));
    for (RefPtr<BlockDevice>& d : TRY(list_block_devices())) {
        if (d->sectors() == 0) continue;
        TRY(out.appendf("%4u  %7u %10llu %s\n", dev_major(d->number()), dev_minor(d->number()),
                        static_cast<unsigned long long>(d->bytes() >> 10), d->name()));
    }
    return {};
}

BlockStats block_stats(BlockDevice& device) {
    BlockStats sum = device.stats();
    g_registry.with([&](Registry& r) {
        for (Entry& e : r.entries) {
            if (!e.whole || static_cast<BlockDevice*>(e.whole.get()) != &device || e.device == &device)
                continue;
            const BlockStats part = e.device->stats();
            for (unsigned k = 0; k < 4; k++) {
                sum.kinds[k].ios += part.kinds[k].ios;
                sum.kinds[k].merges += part.kinds[k].merges;
                sum.kinds[k].sectors += part.kinds[k].sectors;
                sum.kinds[k].ns += part.kinds[k].ns;
            }
            sum.in_flight += part.in_flight;
            sum.busy_ns += part.busy_ns;
            sum.weighted_ns += part.weighted_ns;
        }
    });
    return sum;
}

Result<void> append_block_stats(BlockDevice& device, KString& out) {
    constexpr u64 kMs = 1'000'000;
    const BlockStats s = block_stats(device);
    const auto append = [&](BlockOp op) {
        const BlockStats::Kind& k = s.kinds[static_cast<unsigned>(op)];
        return out.appendf(" %llu %llu %llu %llu", static_cast<unsigned long long>(k.ios),
                           static_cast<unsigned long long>(k.merges),
                           static_cast<unsigned long long>(k.sectors),
                           static_cast<unsigned long long>(k.ns / kMs));
    };
    TRY(append(BlockOp::kRead));
    TRY(append(BlockOp::kWrite));
    TRY(out.appendf(" %u %llu %llu", s.in_flight, static_cast<unsigned long long>(s.busy_ns / kMs),
                    static_cast<unsigned long long>(s.weighted_ns / kMs)));
    TRY(append(BlockOp::kDiscard));
    const BlockStats::Kind& flush = s.kinds[static_cast<unsigned>(BlockOp::kFlush)];
    return out.appendf(" %llu %llu\n", static_cast<unsigned long long>(flush.ios),
                       static_cast<unsigned long long>(flush.ns / kMs));
}

Result<void> show_diskstats(KString& out) {
    for (RefPtr<BlockDevice>& d : TRY(list_block_devices())) {
        TRY(out.appendf("%4u %7u %s", dev_major(d->number()), dev_minor(d->number()), d->name()));
        TRY(append_block_stats(*d, out));
    }
    return {};
}
