#include "devices/virtio_blk.h"

#include <algorithm>
#include <cstring>

namespace orrery {

namespace {

constexpr u32 kRead = 0, kWrite = 1, kFlush = 4, kIdentify = 8;
constexpr u8 kOk = 0, kIoError = 1, kUnsupported = 2;
constexpr u32 kSegmentsMax = 126;
constexpr u64 kHeader = 16;
constexpr size_t kIdentifier = 20;
constexpr u64 kSegMaxFeature = 1 << 2, kReadOnlyFeature = 1 << 5, kBlockSizeFeature = 1 << 6,
              kFlushFeature = 1 << 9;

struct Header {
    u32 type;
    u32 reserved;
    u64 sector;
};
static_assert(sizeof(Header) == kHeader);

}  // namespace

VirtioBlk::VirtioBlk(std::string name, Bus& bus, const Wires& wires, EventQueue& events,
                     std::shared_ptr<Disk> disk)
    : VirtioPci(
          std::move(name), bus, wires,
          {2, 0x010000,
           kSegMaxFeature | kBlockSizeFeature | kFlushFeature | (disk->read_only() ? kReadOnlyFeature : 0), 1,
           24}),
      disk_(std::move(disk)),
      events_(events) {
    timer_ = events.add_timer(std::string(VirtioBlk::name()), [this](Ticks) { complete(); });
    VirtioBlk::reset();
}

// A machine that is reset finds its disk as the image is: a run after a reset equals one from power-on.
void VirtioBlk::reset() {
    VirtioPci::reset();
    disk_->reset();
}

void VirtioBlk::device_reset() {
    pending_.clear();
    events_.cancel(timer_);
}

u8 VirtioBlk::device_config(unsigned offset) const {
    std::array<u8, 24> config{};
    const u64 sectors = disk_->size() / Disk::kSector;
    const u32 block_size = Disk::kSector;
    std::memcpy(&config[0], &sectors, 8);
    std::memcpy(&config[12], &kSegmentsMax, 4);
    std::memcpy(&config[20], &block_size, 4);
    return config[offset];
}

void VirtioBlk::notified(unsigned) {
    VirtQueue& requests = queue(0);
    VirtQueue::Chain chain;
    // A driver that offers the same descriptors again and again gets no more than the queue holds.
    while (pending_.size() < requests.size && requests.pop(bus(), chain)) pending_.push_back(chain);
    start();
}

void VirtioBlk::start() {
    if (pending_.empty() || events_.deadline(timer_) != kNever) return;
    const u64 bytes = pending_.front().readable_bytes() + pending_.front().writable_bytes();
    events_.schedule(timer_, events_.now() + kLatency + periods_to_ticks(bytes, kBytesPerSecond));
}

void VirtioBlk::complete() {
    if (pending_.empty()) return;
    const VirtQueue::Chain chain = pending_.front();
    pending_.erase(pending_.begin());
    queue(0).push(bus(), chain.head, serve(chain));
    notified(0);  // what did not fit before
    finish(0);
}

// How many bytes of the chain were written, status included.
u32 VirtioBlk::serve(const VirtQueue::Chain& chain) {
    const u64 room = chain.writable_bytes();
    if (room == 0) return 0;  // not even a place for the status
    u32 written = 0;
    const u8 status = transfer(chain, room - 1, written);
    if (!scatter(bus(), chain.writable, room - 1, {&status, 1})) return written;
    return status == kOk ? written + 1 : 1;
}

u8 VirtioBlk::transfer(const VirtQueue::Chain& chain, u64 data_bytes, u32& written) {
    Header header;
    if (!gather(bus(), chain.readable, 0, {reinterpret_cast<u8*>(&header), sizeof header})) return kIoError;
    // Beyond any disk, and before the multiplication could overflow.
    if (header.sector > disk_->size() / Disk::kSector) return kIoError;
    const u64 offset = header.sector * Disk::kSector;
    std::vector<u8> data;
    switch (header.type) {
        case kRead:
            data.resize(data_bytes);
            if (data_bytes % Disk::kSector != 0 || !disk_->read(offset, data)) return kIoError;
            break;
        case kWrite:
            data.resize(chain.readable_bytes() - kHeader);
            if (data.size() % Disk::kSector != 0 || !gather(bus(), chain.readable, kHeader, data) ||
                !disk_->write(offset, data))
                return kIoError;
            return kOk;
        case kFlush:
            return kOk;  // nothing is held back
        case kIdentify: {
            const std::string_view identifier = name();
            data.resize(std::min<u64>(data_bytes, kIdentifier));
            std::copy_n(identifier.begin(), std::min(identifier.size(), data.size()), data.begin());
            break;
        }
        default:
            return kUnsupported;
    }
    if (!scatter(bus(), chain.writable, 0, data)) return kIoError;
    written = static_cast<u32>(data.size());
    return kOk;
}

void VirtioBlk::visit(Archive& archive) {
    VirtioPci::visit(archive);
    archive.field("pending", pending_, VirtQueue::kMaxSize);
    archive.field("disk", *disk_);
}

}  // namespace orrery
