// Submitting bios, waiting for them, and counting them (block/block_device.h).
#include "block/block_device.h"

#include "block/disk.h"
#include "core/string.h"
#include "fs/block_pages.h"
#include "sync/hashed_wait.h"
#include "time/clock.h"

namespace {

/// A bio that somebody sleeps for.
struct WaitedBio : Bio {
    bool finished = false;

    WaitedBio() {
        done = [](Bio& bio) {
            WaitQueue& queue = hashed_wait_queue(&bio);
            __atomic_store_n(&static_cast<WaitedBio&>(bio).finished, true, __ATOMIC_RELEASE);
            queue.wake_all();  // `bio` may be gone by now
        };
    }
    void wait() {
        wait_event_uninterruptible(hashed_wait_queue(this),
                                   [&] { return __atomic_load_n(&finished, __ATOMIC_ACQUIRE); });
    }
};

void count_time(BlockStats& stats, u64 now) {
    const u64 passed = now - stats.last_change_ns;
    if (stats.in_flight) stats.busy_ns += passed;
    stats.weighted_ns += passed * stats.in_flight;
    stats.last_change_ns = now;
}

Result<void> as_result(Errno status) {
    return status == Errno::OK ? Result<void>() : Result<void>(status);
}

}  // namespace

bool Bio::add(void* data, u32 length) {
    if (segment_count > 0) {
        BioSegment& last = segments[segment_count - 1];
        if (static_cast<u8*>(last.data) + last.length == data) {
            last.length += length;
            size += length;
            return true;
        }
    }
    if (segment_count == kMaxSegments) return false;
    segments[segment_count++] = {data, length};
    size += length;
    return true;
}

BlockDevice::BlockDevice(const char* device_name, u64 device_number) : number_(device_number) {
    copy_string(name_, device_name, sizeof(name_));
}

BlockDevice::~BlockDevice() {
    if (pages_) pages_->unref();
}

Result<BlockPages*> BlockDevice::pages() {
    if (BlockPages* there = pages_if_any()) return there;
    RefPtr<BlockPages> made = TRY(make_ref<BlockPages>(*this));
    BlockPages* none = nullptr;
    if (__atomic_compare_exchange_n(&pages_, &none, made.get(), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made.leak();
    return none;  // somebody was faster
}

bool BlockDevice::claim() {
    if (__atomic_exchange_n(&claimed_, true, __ATOMIC_ACQ_REL)) return false;
    add_opener();
    return true;
}

void BlockDevice::unclaim() {
    __atomic_store_n(&claimed_, false, __ATOMIC_RELEASE);
    remove_opener();
}

void BlockDevice::add_opener() {
    __atomic_add_fetch(&openers_, 1, __ATOMIC_ACQ_REL);
    if (const Partition* partition = as_partition()) partition->disk().add_opener();
}

void BlockDevice::remove_opener() {
    if (__atomic_sub_fetch(&openers_, 1, __ATOMIC_ACQ_REL) == 0) {
        if (BlockPages* used = pages_if_any()) (void)used->write_and_wait().ok();
        released();
    }
    if (const Partition* partition = as_partition()) partition->disk().remove_opener();
}

Errno BlockDevice::check(const Bio& bio) const {
    if (bio.op == BlockOp::kFlush) return Errno::OK;
    if (bio.op != BlockOp::kRead && read_only()) return Errno::EROFS;
    if (bio.op == BlockOp::kDiscard && !can_discard()) return Errno::EOPNOTSUPP;
    const u64 end = sectors();
    if (bio.size == 0 || bio.sector >= end || bio.sectors() > end - bio.sector) return Errno::EIO;
    return Errno::OK;
}

void BlockDevice::submit(Bio& bio) {
    bio.device = this;
    bio.status = Errno::OK;
    const Errno refused = check(bio);
    if (refused != Errno::OK) return bio.complete(refused);
    if (bio.op == BlockOp::kFlush && !has_write_cache()) return bio.complete(Errno::OK);
    bio.submitted_ns = ktime_get_ns();
    stats_.with([&](BlockStats& stats) {
        count_time(stats, bio.submitted_ns);
        stats.in_flight++;
    });
    start(bio);
}

void BlockDevice::end(Bio& bio, Errno result) {
    const u64 now = ktime_get_ns();
    bio.device->stats_.with([&](BlockStats& stats) {
        count_time(stats, now);
        stats.in_flight--;
        BlockStats::Kind& kind = stats.kinds[static_cast<unsigned>(bio.op)];
        kind.ios++;
        kind.sectors += bio.sectors();
        kind.ns += now - bio.submitted_ns;
    });
    bio.complete(result);
}

void BlockDevice::count_merge(BlockOp op) {
    // A merged bio is no transfer of its own; end() counts every bio.
    stats_.with([&](BlockStats& stats) {
        stats.kinds[static_cast<unsigned>(op)].merges++;
        stats.kinds[static_cast<unsigned>(op)].ios--;
    });
}

BlockStats BlockDevice::stats() {
    return stats_.with([](BlockStats& stats) {
        count_time(stats, ktime_get_ns());
        return stats;
    });
}

Result<void> BlockDevice::transfer(BlockOp op, u64 sector, void* data, u32 size, u8 flags) {
    constexpr u32 kPiece = 1u << 20;
    u8* memory = static_cast<u8*>(data);
    while (size > 0) {
        const u32 n = min(size, kPiece);
        WaitedBio bio;
        bio.op = op;
        bio.flags = static_cast<u8>(flags | kBioSync);
        bio.sector = sector;
        bio.add(memory, n);
        submit(bio);
        bio.wait();
        TRY(as_result(bio.status));
        memory += n;
        sector += n >> kSectorShift;
        size -= n;
    }
    return {};
}

Result<void> BlockDevice::flush() {
    WaitedBio bio;
    bio.op = BlockOp::kFlush;
    bio.flags = kBioSync;
    submit(bio);
    bio.wait();
    return as_result(bio.status);
}

Result<void> BlockDevice::discard(u64 sector, u64 count) {
    constexpr u64 kPiece = 1ull << 21;  // 1 GiB
    while (count > 0) {
        const u64 n = min(count, kPiece);
        WaitedBio bio;
        bio.op = BlockOp::kDiscard;
        bio.flags = kBioSync;
        bio.sector = sector;
        bio.size = static_cast<u32>(n << kSectorShift);
        submit(bio);
        bio.wait();
        TRY(as_result(bio.status));
        sector += n;
        count -= n;
    }
    return {};
}
