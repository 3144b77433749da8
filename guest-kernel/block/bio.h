// Bio: one transfer between memory and consecutive sectors of a block device, on its way to the driver.
//
// Guarantees: submitted once; `done` is called once, perhaps before submit() returns, perhaps from an interrupt
// handler: it must not sleep. From submit() to `done` the bio and its memory belong to the block layer.
// Memory is named by its address in the direct map (a page, a piece of one, or kmalloc'd), which is physically
// contiguous.
#pragma once

#include "core/list.h"
#include "core/result.h"
#include "core/types.h"

class BlockDevice;

constexpr u32 kSectorShift = 9;
constexpr u32 kSectorSize = 1u << kSectorShift;

enum class BlockOp : u8 { kRead, kWrite, kFlush, kDiscard };

enum BioFlags : u8 {
    kBioFua = 1 << 0,        // a write is on stable storage when it is done
    kBioPreflush = 1 << 1,   // what was done before this bio was submitted reaches stable storage first
    kBioSync = 1 << 2,       // somebody waits for it
    kBioReadAhead = 1 << 3,  // nobody waits for it
};

struct BioSegment {
    void* data;  // aligned to 512 bytes
    u32 length;  // a multiple of 512
};

struct Bio {
    static constexpr u32 kMaxSegments = 64;

    BlockOp op = BlockOp::kRead;
    u8 flags = 0;
    u16 segment_count = 0;
    Errno status = Errno::OK;  // when done: EIO, ENOSPC, EROFS, EOPNOTSUPP
    u64 sector = 0;            // of 512 bytes
    u32 size = 0;              // bytes; of a discard too
    void (*done)(Bio& bio) = nullptr;
    void* owner = nullptr;  // the submitter's own
    BioSegment segments[kMaxSegments];

    u64 sectors() const { return size >> kSectorShift; }
    u64 end_sector() const { return sector + sectors(); }
    /// Appends memory; what continues the last segment joins it. False when the bio is full.
    bool add(void* data, u32 length);
    /// Ends the bio: called by drivers, and by submit() for what it refuses.
    void complete(Errno result) {
        status = result;
        done(*this);
    }

    // The block layer's, between submit() and `done`.
    ListNode queue_node;            // the scheduler's sorted list
    ListNode fifo_node;             // the scheduler's list by age
    BlockDevice* device = nullptr;  // as submitted: statistics go to it
    Bio* next_merged = nullptr;     // further bios of the same request, in sector order
    Bio* last_merged = nullptr;
    u8 phase = 0;                     // of a write with flushes around it
    BlockOp issued = BlockOp::kRead;  // what the driver was asked to do
    u64 request_sectors = 0;          // of the whole request, when this bio leads one
    u32 request_segments = 0;
    u64 submitted_ns = 0;
    u64 deadline_ns = 0;
};
