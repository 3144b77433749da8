// BlockBatch: blocks that go to the device together: those that follow each other in one bio.
//
// Guarantees: what add() was given is written when finish() has returned, with what the memory held when finish() was
// called. The scratch blocks live as long as the batch.
#pragma once

#include "block/block_device.h"
#include "core/vector.h"

class BlockBatch {
  public:
    BlockBatch(BlockDevice& device, u32 block_size) : device_(device), block_size_(block_size) {}
    ~BlockBatch();
    BlockBatch(const BlockBatch&) = delete;
    BlockBatch& operator=(const BlockBatch&) = delete;

    /// finish() will write `data` to `block`. ENOMEM.
    Result<void> add(u64 block, const void* data);
    /// Writes everything and waits. EIO, ENOMEM.
    Result<void> finish();
    /// A zeroed block that lives until the end. ENOMEM.
    Result<u8*> scratch();

  private:
    struct Place {
        u64 block;
        const void* data;
    };
    BlockDevice& device_;
    const u32 block_size_;
    Vec<Place> places_;
    Vec<u8*> scratch_;
};
