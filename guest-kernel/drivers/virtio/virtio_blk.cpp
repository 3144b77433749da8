// The driver of virtio block devices (drivers/virtio/virtio_blk.h): one queue, one interrupt by MSI-X.
#include "drivers/virtio/virtio_blk.h"

#include "block/block_registry.h"
#include "block/disk.h"
#include "core/printk.h"
#include "core/string.h"
#include "drivers/virtio/virtio_bus.h"
#include "drivers/virtio/virtio_pci.h"
#include "mm/page.h"

namespace {

constexpr u16 kBlockType = 2;
constexpr u32 kVirtblkMajor = 254;
constexpr u32 kMinorsPerDisk = 16;

enum Feature : u64 {
    kSegMax = 1ull << 2,
    kReadOnly = 1ull << 5,
    kBlockSize = 1ull << 6,
    kFlush = 1ull << 9,
    kTopology = 1ull << 10,
    kDiscard = 1ull << 13,
};
enum Config : unsigned {
    kCapacity = 0x00,
    kSegMaxField = 0x0c,
    kBlkSize = 0x14,
    kPhysicalExp = 0x18,
    kMaxDiscard = 0x24
};
enum RequestType : u32 { kIn = 0, kOut = 1, kFlushRequest = 4, kGetId = 8, kDiscardRequest = 11 };
enum RequestStatus : u8 { kOk = 0, kIoError = 1, kUnsupported = 2, kNotDone = 0xff };

/// What travels with a request beside its data. One for each that can be in flight.
struct Slot {
    struct {
        u32 type;
        u32 reserved;
        u64 sector;
    } header;
    struct {
        u64 sector;
        u32 count;
        u32 flags;
    } discard;
    char id[20];
    u8 status;
    Bio* leader;
    Slot* next_free;
};

u64 phys_of(const void* memory) {
    return reinterpret_cast<u64>(memory) - kDirectMap;
}

class VirtioBlk final : public Disk {
  public:
    VirtioBlk(const char* disk_name, u64 device_number, VirtioDevice& plugged_into)
        : Disk(disk_name, device_number), hardware_(&plugged_into), virtio_(plugged_into.pci) {}

    Result<void> begin();
    bool has_write_cache() const override { return features_ & kFlush; }
    bool can_discard() const override { return features_ & kDiscard; }
    const char* serial() const override { return serial_; }
    Device* hardware() const override { return hardware_.get(); }

  protected:
    bool issue(Bio& leader, BlockOp op) override;
    void kick() override {
        if (ring_.needs_notify()) virtio_.notify(0);
    }

  private:
    static constexpr u32 kSlots = 64;
    static void on_interrupt(void* self) { static_cast<VirtioBlk*>(self)->collect(); }
    void collect();
    void read_serial();

    const RefPtr<Device> hardware_;
    VirtioPci virtio_;
    u64 features_ = 0;
    Vring ring_;
    Slot* slots_ = nullptr;
    Slot* free_slots_ = nullptr;
    char serial_[21] = "";
    volatile bool serial_done_ = false;
};

Result<void> VirtioBlk::begin() {
    features_ = TRY(virtio_.begin(kSegMax | kReadOnly | kBlockSize | kFlush | kTopology | kDiscard));
    slots_ = static_cast<Slot*>(kzalloc(kSlots * sizeof(Slot)));
    if (!slots_) return Errno::ENOMEM;
    for (u32 i = 0; i < kSlots; i++) {
        slots_[i].next_free = free_slots_;
        free_slots_ = &slots_[i];
    }
    set_sectors(virtio_.config<u64>(kCapacity));
    const u32 logical = features_ & kBlockSize ? virtio_.config<u32>(kBlkSize) : kSectorSize;
    if (logical < kSectorSize || logical > kPageSize || (logical & (logical - 1)) != 0) return Errno::ENODEV;
    const u32 exponent = features_ & kTopology ? virtio_.config<u8>(kPhysicalExp) : 0;
    set_block_sizes(logical, logical << min(exponent, 16u));
    set_read_only((features_ & kReadOnly) != 0);
    TRY(virtio_.add_queue(0, ring_, name(), on_interrupt, this));
    virtio_.finish();
    u32 segments = ring_.size() - 2;
    if (features_ & kSegMax) segments = min(segments, virtio_.config<u32>(kSegMaxField));
    if (segments < Bio::kMaxSegments) return Errno::ENODEV;
    with_queue([&](RequestQueue& queue) { queue.limits.max_segments = min(segments, 254u); });
    read_serial();
    return {};
}

bool VirtioBlk::issue(Bio& leader, BlockOp op) {
    Slot* slot = free_slots_;
    if (!slot) return false;
    VringPiece pieces[Vring::kMaxSize];
    u32 n = 0;
    slot->header = {};
    slot->status = kNotDone;
    slot->leader = &leader;
    pieces[n++] = {phys_of(&slot->header), sizeof(slot->header), false};
    switch (op) {
        case BlockOp::kFlush:
            slot->header.type = kFlushRequest;
            break;
        case BlockOp::kDiscard:
            slot->header.type = kDiscardRequest;
            slot->discard = {leader.sector, static_cast<u32>(leader.sectors()), 0};
            pieces[n++] = {phys_of(&slot->discard), sizeof(slot->discard), false};
            break;
        case BlockOp::kRead:
        case BlockOp::kWrite:
            slot->header.type = op == BlockOp::kRead ? kIn : kOut;
            slot->header.sector = leader.sector;
            for (const Bio* bio = &leader; bio; bio = bio->next_merged) {
                for (u32 i = 0; i < bio->segment_count; i++) {
                    BUG_ON(n == Vring::kMaxSize - 1);
                    pieces[n++] = {phys_of(bio->segments[i].data), bio->segments[i].length,
                                   op == BlockOp::kRead};
                }
            }
            break;
    }
    pieces[n++] = {phys_of(&slot->status), 1, true};
    if (!ring_.add(pieces, n, slot)) return false;
    free_slots_ = slot->next_free;
    return true;
}

/// Takes what the device has done; from its interrupt.
void VirtioBlk::collect() {
    for (;;) {
        Bio* leader = nullptr;
        u8 status = kOk;
        const bool any = with_lock([&] {
            Slot* slot = static_cast<Slot*>(ring_.take_used());
            if (!slot) return false;
            leader = slot->leader;
            status = slot->status;
            slot->next_free = free_slots_;
            free_slots_ = slot;
            return true;
        });
        if (!any) return;
        if (leader)
            finished(*leader, status == kOk            ? Errno::OK
                              : status == kUnsupported ? Errno::EOPNOTSUPP
                                                       : Errno::EIO);
        else
            serial_done_ = true;
    }
}

/// At boot, before anything else is asked of the disk: by looking, interrupts may still be off.
void VirtioBlk::read_serial() {
    Slot* slot = nullptr;
    with_lock([&] {
        slot = free_slots_;
        slot->header = {kGetId, 0, 0};
        slot->leader = nullptr;
        const VringPiece pieces[] = {{phys_of(&slot->header), sizeof(slot->header), false},
                                     {phys_of(slot->id), sizeof(slot->id), true},
                                     {phys_of(&slot->status), 1, true}};
        if (!ring_.add(pieces, 3, slot)) return;
        free_slots_ = slot->next_free;
        kick();
    });
    for (u32 tries = 0; !serial_done_ && tries < 100'000'000; tries++) {
        collect();
    }
    if (serial_done_) memcpy(serial_, slot->id, sizeof(slot->id));
}

}  // namespace

namespace {

class VirtioBlkDriver final : public VirtioDriver {
  public:
    VirtioBlkDriver() : VirtioDriver("virtio_blk", kBlockType) {}
    Result<void> probe(Device& device) override;

  private:
    u32 count_ = 0;  // boot only
};

Result<void> VirtioBlkDriver::probe(Device& device) {
    if (count_ == 26) return Errno::ENOSPC;
    char name[8] = "vda";
    name[2] = static_cast<char>('a' + count_);
    Result<RefPtr<VirtioBlk>> made = make_ref<VirtioBlk>(
        name, make_dev(kVirtblkMajor, count_ * kMinorsPerDisk), static_cast<VirtioDevice&>(device));
    const Result<void> begun = made.ok() ? made.value()->begin() : Result<void>(Errno::ENOMEM);
    if (!begun.ok()) {
        printk(KERN_ERR "virtio_blk %s: cannot be used: error %d\n", device.name(),
               static_cast<int>(begun.error()));
        if (made.ok()) (void)made.value().leak();  // the device may still write to its memory
        return begun.error();
    }
    VirtioBlk& disk = *made.value();
    printk(KERN_INFO "virtio_blk %s: [%s] %lu %u-byte logical blocks (%lu MiB)%s\n", device.name(), name,
           disk.bytes() / disk.logical_block_size(), disk.logical_block_size(), disk.bytes() >> 20,
           disk.read_only() ? ", read-only" : "");
    register_disk(made.release_value(), kMinorsPerDisk);
    count_++;
    return {};
}

}  // namespace

void init_virtio_blk() {
    static BlockMajor major = {"virtblk", kVirtblkMajor, nullptr};
    register_blkdev(&major);
    Result<RefPtr<VirtioBlkDriver>> driver = make_ref<VirtioBlkDriver>();
    if (!driver.ok() || !driver_register(virtio_bus(), *driver.value()).ok()) panic("virtio_blk: no memory");
}
