// swapon(2), swapoff(2), /proc/swaps.
//
// Guarantees: an area is a block device with mkswap's mark of version 1; bad pages and a length beyond the device's are
// refused as Linux refuses them. swapoff ends with every page in memory, or leaves the area in use.
#include "block/block_registry.h"
#include "core/printk.h"
#include "core/string.h"
#include "fs/cred.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "mm/mm_struct.h"
#include "mm/swap_area.h"
#include "mm/user_ptr.h"
#include "mm/vmalloc.h"
#include "mm/vmscan.h"
#include "sched/sched.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"

namespace {

constexpr int kFlagPrefer = 0x8000, kFlagPriorityMask = 0x7fff, kFlagDiscard = 0x10000,
              kFlagDiscardOnce = 0x20000, kFlagDiscardPages = 0x40000;
constexpr int kFlagsValid =
    kFlagPriorityMask | kFlagPrefer | kFlagDiscard | kFlagDiscardOnce | kFlagDiscardPages;

/// The first page of an area (mkswap(8)).
struct SwapHeader {
    u8 boot[1024];
    u32 version;
    u32 last_page;
    u32 bad_pages;
    u8 uuid[16];
    char label[16];
    u32 padding[117];
    u32 bad[637];
    u8 rest[2];
    char mark[10];  // "SWAPSPACE2"
};
static_assert(sizeof(SwapHeader) == kPageSize);

/// How many places the header speaks of, the header's own among them. EINVAL with a word to the log.
Result<u64> places_of(const SwapHeader& header, const BlockDevice& device) {
    if (memcmp(header.mark, "SWAPSPACE2", sizeof(header.mark)) != 0) {
        printk(KERN_ERR "Unable to find swap-space signature\n");
        return Errno::EINVAL;
    }
    if (header.version != 1) {
        printk(KERN_WARNING "Unable to handle swap header version %u\n", header.version);
        return Errno::EINVAL;
    }
    const u64 places = u64{header.last_page} + 1, on_device = device.bytes() >> kPageShift;
    if (header.last_page == 0) {
        printk(KERN_WARNING "Empty swap-file\n");
        return Errno::EINVAL;
    }
    if (places > on_device) {
        printk(KERN_WARNING "Swap area shorter than signature indicates\n");
        return Errno::EINVAL;
    }
    if (header.bad_pages > 637) return Errno::EINVAL;
    return u64{places};
}

/// An area ready to be put into the table.
struct Prepared {
    RefPtr<File> file;
    RefPtr<BlockDevice> device;
    u64 places = 0;
    u64 bad = 0;
    u16* counts = nullptr;
};

/// Marks the bad places, which are never given out. EINVAL.
Result<void> mark_bad_places(const SwapHeader& header, Prepared& area) {
    for (u32 i = 0; i < header.bad_pages; i++) {
        const u32 at = header.bad[i];
        if (at == 0 || at >= area.places) return Errno::EINVAL;
        area.bad += area.counts[at] == 0;
        area.counts[at] = 0xffff;
    }
    return {};
}

Result<void> read_header(Prepared& area, SwapHeader& header) {
    TRY(area.device->read(0, &header, kPageSize));
    area.places = TRY(places_of(header, *area.device));
    area.counts = static_cast<u16*>(vmalloc(area.places * sizeof(u16)));
    if (!area.counts) return Errno::ENOMEM;
    return mark_bad_places(header, area);
}

Result<Prepared> prepare(const char* path) {
    Prepared area;
    area.file = TRY(vfs_open(path, O_RDWR | O_LARGEFILE, 0));
    if (!S_ISBLK(area.file->inode->mode)) return Errno::EINVAL;
    area.device = find_block_device(area.file->inode->rdev);
    if (!area.device) return Errno::ENODEV;
    if (area.device->read_only()) return Errno::EROFS;
    Page* page = alloc_page();
    if (!page) return Errno::ENOMEM;
    const Result<void> read = read_header(area, *static_cast<SwapHeader*>(page_address(page)));
    page_put(page);
    if (!read.ok()) {
        if (area.counts) vfree(area.counts);
        return read.error();
    }
    return area;
}

/// Puts an area into a free slot. EBUSY: the device is one already, or is used otherwise; EPERM: no slot.
Result<void> enter(Prepared& area, i32 priority) {
    if (!area.device->claim()) return Errno::EBUSY;
    const bool entered = swap_table.with([&](SwapTable& table) {
        for (SwapArea& slot : table.areas) {
            if (slot.file) continue;
            slot.file = std::move(area.file);
            slot.device = area.device;
            slot.pages = area.places;
            slot.counts = area.counts;
            slot.used = slot.bad = area.bad;
            slot.next = 1;
            slot.priority = priority >= 0 ? priority : --table.least_priority;
            slot.open = true;
            return true;
        }
        return false;
    });
    if (!entered) area.device->unclaim();
    return entered ? Result<void>() : Result<void>(Errno::EPERM);
}

/// The slot of the open area on `number`, or kMaxSwapAreas.
unsigned slot_of(SwapTable& table, dev_t number) {
    unsigned i = 0;
    while (i < kMaxSwapAreas && !(table.areas[i].open && table.areas[i].device->number() == number)) i++;
    return i;
}

/// The area is empty: forget it.
void leave(unsigned type) {
    RefPtr<File> file;
    RefPtr<BlockDevice> device;
    u16* counts = nullptr;
    swap_table.with([&](SwapTable& table) {
        SwapArea& area = table.areas[type];
        file = std::move(area.file);
        device = std::move(area.device);
        counts = area.counts;
        area.counts = nullptr;
        area.pages = area.used = area.bad = 0;
    });
    device->unclaim();
    vfree(counts);
}

/// /proc/swaps' line of an area, in Linux's columns.
Result<void> append_swap_line(KString& out, const File& file, u64 kib, u64 used_kib, i32 priority) {
    using ull = unsigned long long;
    const KString name = TRY(path_text(file.path, root_path()));
    TRY(out.append(name.c_str()));
    for (size_t column = name.size(); column < 40 || column == name.size(); column++) TRY(out.push(' '));
    return out.appendf("partition\t%llu\t%s%llu\t%s%d\n", static_cast<ull>(kib), kib < 10'000'000 ? "\t" : "",
                       static_cast<ull>(used_kib), used_kib < 10'000'000 ? "\t" : "", priority);
}

}  // namespace

Result<void> show_swaps(KString& out) {
    TRY(out.append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
    for (unsigned i = 0; i < kMaxSwapAreas; i++) {
        RefPtr<File> file;
        u64 kib = 0, used_kib = 0;
        i32 priority = 0;
        swap_table.with([&](SwapTable& table) {
            const SwapArea& area = table.areas[i];
            if (!area.open) return;
            file = area.file;
            kib = (area.pages - 1 - area.bad) * (kPageSize / 1024);
            used_kib = (area.used - area.bad) * (kPageSize / 1024);
            priority = area.priority;
        });
        if (file) TRY(append_swap_line(out, *file, kib, used_kib, priority));
    }
    return {};
}

SysResult sys_swapon(UserString path, int flags) {
    if (flags & ~kFlagsValid) return Errno::EINVAL;
    if (!current_cred().has(kCapSysAdmin)) return Errno::EPERM;
    const KString name = TRY(copy_path(path.address()));
    Prepared area = TRY(prepare(name.c_str()));
    const u64 kib = (area.places - 1 - area.bad) * (kPageSize / 1024);
    const i32 priority = flags & kFlagPrefer ? flags & kFlagPriorityMask : -1;
    const Result<void> entered = enter(area, priority);
    if (!entered.ok()) {
        vfree(area.counts);
        return entered.error();
    }
    printk(KERN_INFO "Adding %luk swap on %s.  Priority:%d extents:1 across:%luk\n", kib, name.c_str(),
           priority, kib);
    return 0L;
}

SysResult sys_swapoff(UserString path) {
    if (!current_cred().has(kCapSysAdmin)) return Errno::EPERM;
    const KString name = TRY(copy_path(path.address()));
    const RefPtr<File> file = TRY(vfs_open(name.c_str(), O_RDWR | O_LARGEFILE, 0));
    const dev_t number = file->inode->rdev;
    if (!S_ISBLK(file->inode->mode)) return Errno::EINVAL;
    const unsigned type = swap_table.with([&](SwapTable& table) {
        const unsigned slot = slot_of(table, number);
        if (slot < kMaxSwapAreas) table.areas[slot].open = false;  // gives no more places out
        return slot;
    });
    if (type == kMaxSwapAreas) return Errno::EINVAL;
    const Result<void> emptied = unuse_swap_area(type);
    if (!emptied.ok()) {
        swap_table.lock()->areas[type].open = true;
        return emptied.error();
    }
    leave(type);
    return 0L;
}
