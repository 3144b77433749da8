// Virtio block device (Virtual I/O Device specification 1.1, section 5.2): one queue.
//
//   device configuration: 00 capacity in sectors, 0C seg_max, 14 blk_size, 24 limits of discard, 30 of write
//   zeroes
//   requests: type (0 read, 1 write, 4 flush, 8 identify, 11 discard, 13 write zeroes), reserved, sector;
//   data; one status byte
//
// Requests are done one after the other, each kLatency and a time by its length after it was made or the one
// before it was done, in virtual time: never when the host's disk is ready. Memory and disk change at that
// moment. A failure of the host's is an I/O error to the guest. A discarded sector reads as zeros.
#pragma once

#include <memory>
#include <vector>

#include "devices/disk.h"
#include "devices/virtio_pci.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class VirtioBlk : public VirtioPci {
  public:
    static constexpr Ticks kLatency = 20'000;  // 20 µs: a fast solid-state disk
    static constexpr u64 kBytesPerSecond = 2'000'000'000;

    VirtioBlk(std::string name, Bus& bus, const Wires& wires, EventQueue& events, std::shared_ptr<Disk> disk);

    // What was done since power-on.
    struct Counters {
        u64 reads = 0;
        u64 read_bytes = 0;
        u64 writes = 0;
        u64 written_bytes = 0;
        u64 flushes = 0;
        u64 discards = 0;  // and write zeroes
        u64 errors = 0;    // requests that did not end well
        void visit(Archive& archive);
    };

    // Power-on state, but for the disk's contents: Disk::power_on().
    void reset() override;
    void visit(Archive& archive) override;

    Disk& disk() { return *disk_; }
    const Counters& counters() const { return counters_; }

  private:
    void notified(unsigned queue) override;
    u8 device_config(unsigned offset) const override;
    void device_reset() override;
    void start();
    void complete();
    u32 serve(const VirtQueue::Chain& chain);
    u8 transfer(const VirtQueue::Chain& chain, u64 data_bytes, u32& written);
    u8 read(const VirtQueue::Chain& chain, u64 sector, u64 size, u32& written);
    u8 write(const VirtQueue::Chain& chain, u64 sector);
    u8 clear(const VirtQueue::Chain& chain, bool discard);
    u8 identify(const VirtQueue::Chain& chain, u64 size, u32& written);

    std::shared_ptr<Disk> disk_;
    EventQueue& events_;
    EventQueue::TimerId timer_;
    std::vector<VirtQueue::Chain> pending_;
    Counters counters_;
};

}  // namespace orrery
