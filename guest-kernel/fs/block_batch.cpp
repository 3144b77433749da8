// Blocks that go to the device together (fs/block_batch.h).
#include "fs/block_batch.h"

#include "core/atomic.h"
#include "core/unique.h"
#include "sync/hashed_wait.h"

namespace {

/// Bios on their way, and what became of them.
struct Flight {
    u32 left = 0;
    Errno status = Errno::OK;

    static void landed(Bio& bio) {
        Flight& flight = *static_cast<Flight*>(bio.owner);
        if (bio.status != Errno::OK) atomic_store(flight.status, bio.status);
        delete &bio;
        WaitQueue& queue = hashed_wait_queue(&flight);
        __atomic_sub_fetch(&flight.left, 1, __ATOMIC_RELEASE);
        queue.wake_all();  // `flight` may be gone by now
    }
    void wait() {
        wait_event_uninterruptible(hashed_wait_queue(this),
                                   [&] { return __atomic_load_n(&left, __ATOMIC_ACQUIRE) == 0; });
    }
    void launch(BlockDevice& device, Bio* bio) {
        __atomic_add_fetch(&left, 1, __ATOMIC_RELAXED);
        device.submit(*bio);
    }
};

}  // namespace

BlockBatch::~BlockBatch() {
    for (u8* block : scratch_) kfree(block);
}

Result<u8*> BlockBatch::scratch() {
    u8* block = static_cast<u8*>(kzalloc(block_size_));
    if (!block) return Errno::ENOMEM;
    Result<void> kept = scratch_.push(block);
    if (kept.ok()) return block;
    kfree(block);
    return kept.error();
}

Result<void> BlockBatch::add(u64 block, const void* data) {
    return places_.push({block, data});
}

Result<void> BlockBatch::finish() {
    Flight flight;
    Bio* bio = nullptr;
    u64 next = 0;
    bool no_memory = false;
    for (const Place& place : places_) {
        void* data = const_cast<void*>(place.data);
        if (bio && (place.block != next || !bio->add(data, block_size_))) {
            flight.launch(device_, bio);
            bio = nullptr;
        }
        if (!bio) {
            bio = new (std::nothrow) Bio;
            no_memory = !bio;
            if (no_memory) break;
            bio->op = BlockOp::kWrite;
            bio->flags = kBioSync;
            bio->sector = place.block * (block_size_ / kSectorSize);
            bio->done = Flight::landed;
            bio->owner = &flight;
            bio->add(data, block_size_);
        }
        next = place.block + 1;
    }
    if (bio) flight.launch(device_, bio);
    flight.wait();
    places_.clear();
    if (no_memory) return Errno::ENOMEM;
    return flight.status == Errno::OK ? Result<void>() : Result<void>(flight.status);
}
