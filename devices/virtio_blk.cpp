#include "devices/virtio_blk.h"

#include <algorithm>
#include <cstring>

namespace orrery {

namespace {

constexpr u32 kRead = 0, kWrite = 1, kFlush = 4, kIdentify = 8, kDiscard = 11, kWriteZeroes = 13;
constexpr u8 kOk = 0, kIoError = 1, kUnsupported = 2;
constexpr u32 kSegmentsMax = 126;
constexpr u32 kClearSectorsMax = 1 << 22;  // 2 GiB in a segment of discard or write zeroes
constexpr u32 kClearSegmentsMax = 16;
constexpr u32 kDiscardAlignment = ImageFile::kBlock / Disk::kSector;
constexpr u64 kHeader = 16;
constexpr size_t kIdentifier = 20;
// clang 14 does not see that a constructor uses it.
[[maybe_unused]] constexpr unsigned kConfigSize = 60;
constexpr u64 kSegMaxFeature = 1 << 2, kReadOnlyFeature = 1 << 5, kBlockSizeFeature = 1 << 6,
              kFlushFeature = 1 << 9, kDiscardFeature = 1 << 13, kWriteZeroesFeature = 1 << 14;

struct Header {
    u32 type;
    u32 reserved;
    u64 sector;
};
static_assert(sizeof(Header) == kHeader);

// A stretch to discard or to fill with zeros (5.2.6).
struct ClearSegment {
    u64 sector;
    u32 sectors;
    u32 flags;  // bit 0: unmap
};
static_assert(sizeof(ClearSegment) == 16);

u64 features_of(const Disk& disk) {
    return kSegMaxFeature | kBlockSizeFeature | kFlushFeature |
           (disk.read_only() ? kReadOnlyFeature : kDiscardFeature | kWriteZeroesFeature);
}

}  // namespace

VirtioBlk::VirtioBlk(std::string name, Bus& bus, const Wires& wires, EventQueue& events,
                     std::shared_ptr<Disk> disk)
    : VirtioPci(std::move(name), bus, wires, {2, 0x010000, features_of(*disk), 1, kConfigSize}),
      disk_(std::move(disk)),
      events_(events) {
    timer_ = events.add_timer(std::string(VirtioBlk::name()), [this](Ticks) { complete(); });
    VirtioBlk::reset();
}

void VirtioBlk::reset() {
    VirtioPci::reset();
    counters_ = Counters();
}

void VirtioBlk::device_reset() {
    pending_.clear();
    events_.cancel(timer_);
}

u8 VirtioBlk::device_config(unsigned offset) const {
    std::array<u8, kConfigSize> config{};
    const auto put = [&](unsigned at, auto value) { std::memcpy(&config[at], &value, sizeof value); };
    put(0x00, disk_->size() / Disk::kSector);
    put(0x0c, kSegmentsMax);
    put(0x14, static_cast<u32>(Disk::kSector));
    if (!disk_->read_only()) {
        put(0x24, kClearSectorsMax);
        put(0x28, kClearSegmentsMax);
        put(0x2c, kDiscardAlignment);
        put(0x30, kClearSectorsMax);
        put(0x34, kClearSegmentsMax);
        put(0x38, u8{1});  // write zeroes may unmap
    }
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
    if (status != kOk) ++counters_.errors;
    if (!scatter(bus(), chain.writable, room - 1, {&status, 1})) return written;
    return status == kOk ? written + 1 : 1;
}

u8 VirtioBlk::transfer(const VirtQueue::Chain& chain, u64 data_bytes, u32& written) {
    Header header;
    if (!gather(bus(), chain.readable, 0, {reinterpret_cast<u8*>(&header), sizeof header})) return kIoError;
    const bool writes = header.type == kWrite || header.type == kDiscard || header.type == kWriteZeroes;
    if (writes && disk_->read_only()) return header.type == kWrite ? kIoError : kUnsupported;
    switch (header.type) {
        case kRead:
            return read(chain, header.sector, data_bytes, written);
        case kWrite:
            return write(chain, header.sector);
        case kFlush:
            ++counters_.flushes;
            return disk_->flush() ? kOk : kIoError;
        case kIdentify:
            return identify(chain, data_bytes, written);
        case kDiscard:
        case kWriteZeroes:
            return clear(chain, header.type == kDiscard);
        default:
            return kUnsupported;
    }
}

u8 VirtioBlk::read(const VirtQueue::Chain& chain, u64 sector, u64 size, u32& written) {
    // Beyond any disk, and before the multiplication could overflow.
    if (sector > disk_->size() / Disk::kSector || size % Disk::kSector != 0) return kIoError;
    std::vector<u8> data(size);
    if (!disk_->read(sector * Disk::kSector, data) || !scatter(bus(), chain.writable, 0, data))
        return kIoError;
    written = static_cast<u32>(size);
    ++counters_.reads;
    counters_.read_bytes += size;
    return kOk;
}

u8 VirtioBlk::write(const VirtQueue::Chain& chain, u64 sector) {
    std::vector<u8> data(chain.readable_bytes() - kHeader);
    if (sector > disk_->size() / Disk::kSector || data.size() % Disk::kSector != 0 ||
        !gather(bus(), chain.readable, kHeader, data) || !disk_->write(sector * Disk::kSector, data))
        return kIoError;
    ++counters_.writes;
    counters_.written_bytes += data.size();
    return kOk;
}

u8 VirtioBlk::clear(const VirtQueue::Chain& chain, bool discard) {
    const u64 bytes = chain.readable_bytes() - kHeader;
    if (bytes % sizeof(ClearSegment) != 0 || bytes / sizeof(ClearSegment) > kClearSegmentsMax)
        return kIoError;
    std::array<ClearSegment, kClearSegmentsMax> segments;
    const size_t count = bytes / sizeof(ClearSegment);
    if (!gather(bus(), chain.readable, kHeader, {reinterpret_cast<u8*>(segments.data()), bytes}))
        return kIoError;
    const u32 known = discard ? 0 : 1;  // unmap goes with write zeroes only
    for (const ClearSegment& segment : std::span(segments).first(count)) {
        if ((segment.flags & ~known) != 0) return kUnsupported;
        if (segment.sectors > kClearSectorsMax || segment.sector > disk_->size() / Disk::kSector ||
            !disk_->zero(segment.sector * Disk::kSector, u64{segment.sectors} * Disk::kSector))
            return kIoError;
    }
    ++counters_.discards;
    return kOk;
}

u8 VirtioBlk::identify(const VirtQueue::Chain& chain, u64 size, u32& written) {
    const std::string_view identifier = name();
    std::vector<u8> data(std::min<u64>(size, kIdentifier));
    std::copy_n(identifier.begin(), std::min(identifier.size(), data.size()), data.begin());
    if (!scatter(bus(), chain.writable, 0, data)) return kIoError;
    written = static_cast<u32>(data.size());
    return kOk;
}

void VirtioBlk::Counters::visit(Archive& archive) {
    for (u64* count : {&reads, &read_bytes, &writes, &written_bytes, &flushes, &discards, &errors})
        archive.field("count", *count);
}

void VirtioBlk::visit(Archive& archive) {
    VirtioPci::visit(archive);
    archive.field("pending", pending_, VirtQueue::kMaxSize);
    archive.field("counters", counters_);
    archive.field("disk", *disk_);
}

}  // namespace orrery
