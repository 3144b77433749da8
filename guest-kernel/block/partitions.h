// Partition tables: MBR with its extended partitions, and GPT (UEFI specification 2.10, chapter 5).
//
// Guarantees: whatever is on the disk, the work is bounded and what is found lies within the disk. GPT's checksums are
// verified; a damaged first copy is replaced by the one at the disk's end.
#pragma once

#include "block/block_device.h"

struct PartitionEntry {
    u32 number = 0;  // 1 …
    u64 first = 0;   // sectors of 512 bytes
    u64 count = 0;
    char uuid[40] = "";   // PARTUUID: of GPT, or "12345678-01" from MBR's disk signature
    char label[40] = "";  // GPT's name, as far as it is ASCII
};

enum class PartitionTable : u8 { kNone, kMbr, kGpt };

struct Partitions {
    static constexpr u32 kMax = 15;  // minors of a disk, without itself
    PartitionTable kind = PartitionTable::kNone;
    u32 count = 0;
    PartitionEntry entries[kMax];
};

/// Reads the table of `device`. EIO, ENOMEM; a disk without one has no partitions.
Result<void> read_partitions(BlockDevice& device, Partitions* out);
