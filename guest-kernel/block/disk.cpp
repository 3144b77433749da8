// Requests on their way to a disk's driver and back (block/disk.h).
#include "block/disk.h"

#include "time/clock.h"

namespace {
// What a bio with flushes around it is at: Bio::phase.
enum Phase : u8 { kPlain, kFlushing, kMoving, kFlushingAgain };
}  // namespace

BlockOp Disk::phase_op(const Bio& bio) {
    return bio.phase == kFlushing || bio.phase == kFlushingAgain ? BlockOp::kFlush : bio.op;
}

/// Moves `bio` on after a phase has ended well; false when that was the last one.
bool Disk::next_phase(Bio& bio) const {
    if (bio.phase == kFlushing && bio.size > 0) {
        bio.phase = kMoving;
        return true;
    }
    if (bio.phase == kMoving && (bio.flags & kBioFua)) {
        bio.phase = kFlushingAgain;
        return true;
    }
    return false;
}

void Disk::start(Bio& bio) {
    const bool flushes =
        bio.op == BlockOp::kWrite && has_write_cache() && (bio.flags & (kBioPreflush | kBioFua)) != 0;
    bio.phase = !flushes ? kPlain : (bio.flags & kBioPreflush) ? kFlushing : kMoving;
    const auto queue = queue_.lock();
    if (queue->requests.insert(bio, bio.submitted_ns)) bio.device->count_merge(bio.op);
    if (queue->plugs == 0) run(*queue);
}

void Disk::run(Queue& queue) {
    bool any = false;
    while (Bio* leader = queue.requests.take(ktime_get_ns())) {
        if (!issue(*leader, phase_op(*leader))) {
            queue.requests.put_back(*leader);
            break;
        }
        any = true;
    }
    if (any) kick();
}

void Disk::finished(Bio& leader, Errno result) {
    const bool again = result == Errno::OK && next_phase(leader);
    {
        const auto queue = queue_.lock();
        if (again) (void)queue->requests.insert(leader, ktime_get_ns());
        run(*queue);
    }
    if (again) return;
    for (Bio* bio = &leader; bio;) {
        Bio* next = bio->next_merged;  // end() may free it
        end(*bio, result);
        bio = next;
    }
}

void Disk::plug() {
    queue_.lock()->plugs++;
}

void Disk::unplug() {
    const auto queue = queue_.lock();
    if (--queue->plugs == 0) run(*queue);
}

Partition::Partition(RefPtr<Disk> disk, const char* partition_name, u64 device_number, u64 first, u64 count,
                     u32 number)
    : BlockDevice(partition_name, device_number),
      disk_(std::move(disk)),
      first_(first),
      partition_number_(number) {
    set_sectors(count);
    set_block_sizes(disk_->logical_block_size(), disk_->physical_block_size());
    set_read_only(disk_->read_only());
}

void Partition::start(Bio& bio) {
    bio.sector += first_;
    disk_->start(bio);
}
