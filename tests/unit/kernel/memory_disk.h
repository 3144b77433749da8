// A disk in the host's memory, for tests of what lies above the block layer: counts its transfers, keeps bios until
// it is told to (or ends them at once), and fails where it is told to.
#pragma once

#include <cstring>
#include <functional>
#include <vector>

#include "block/block_device.h"

class MemoryDisk final : public BlockDevice {
  public:
    explicit MemoryDisk(u64 bytes, const char* name = "md0") : BlockDevice(name, 0x900), data(bytes) {
        set_sectors(bytes >> kSectorShift);
    }

    std::vector<u8> data;
    u64 reads = 0, writes = 0, flushes = 0, discards = 0;
    u64 sectors_read = 0, sectors_written = 0;
    Errno failure = Errno::OK;  ///< of transfers that touch [bad_from, bad_to)
    u64 bad_from = 0, bad_to = ~0ull;
    bool deferred = false;  ///< bios wait in `pending` for finish()
    std::vector<Bio*> pending;
    bool write_cache = false;
    std::function<void(const Bio&)> on_bio;  ///< sees every bio before it is carried out

    bool has_write_cache() const override { return write_cache; }
    bool can_discard() const override { return true; }

    void finish() {
        std::vector<Bio*> now;
        now.swap(pending);
        for (Bio* bio : now) carry_out(*bio);
    }

  protected:
    void start(Bio& bio) override {
        if (deferred)
            pending.push_back(&bio);
        else
            carry_out(bio);
    }

  private:
    void carry_out(Bio& bio) {
        count(bio);
        if (on_bio) on_bio(bio);
        if (failure != Errno::OK && bio.op != BlockOp::kFlush && bio.sector < bad_to &&
            bio.end_sector() > bad_from)
            return end(bio, failure);
        u8* at = data.data() + (bio.sector << kSectorShift);
        if (bio.op == BlockOp::kDiscard) std::memset(at, 0, bio.size);
        for (u32 i = 0; i < bio.segment_count; i++) {
            const BioSegment& segment = bio.segments[i];
            if (bio.op == BlockOp::kRead)
                std::memcpy(segment.data, at, segment.length);
            else
                std::memcpy(at, segment.data, segment.length);
            at += segment.length;
        }
        end(bio, Errno::OK);
    }
    void count(const Bio& bio) {
        switch (bio.op) {
            case BlockOp::kRead:
                reads++;
                sectors_read += bio.sectors();
                break;
            case BlockOp::kWrite:
                writes++;
                sectors_written += bio.sectors();
                break;
            case BlockOp::kFlush:
                flushes++;
                break;
            case BlockOp::kDiscard:
                discards++;
                break;
        }
    }
};
