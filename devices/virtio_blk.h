// Virtio block device (Virtual I/O Device specification 1.1, section 5.2): one queue.
//
//   device configuration: 00 capacity in sectors, 0C seg_max, 14 blk_size
//   requests: type (0 read, 1 write, 4 flush, 8 identify), reserved, sector; data; one status byte
//
// Requests are done one after the other, each kLatency and a time by its length after it was made or the one
// before it was done, in virtual time: never when the host's disk is ready. Memory and disk change at that
// moment.
#pragma once

#include <memory>
#include <vector>

#include "devices/disk.h"
#include "devices/virtio_pci.h"
#include "emulator/time/event_queue.h"

namespace orrery {

class VirtioBlk : public VirtioPci {
  public:
    static constexpr Ticks kLatency = 20'000;  // 20 µs: a fast solid-state disk
    static constexpr u64 kBytesPerSecond = 2'000'000'000;

    VirtioBlk(std::string name, Bus& bus, const Wires& wires, EventQueue& events, std::shared_ptr<Disk> disk);

    void reset() override;
    void visit(Archive& archive) override;

  private:
    void notified(unsigned queue) override;
    u8 device_config(unsigned offset) const override;
    void device_reset() override;
    void start();
    void complete();
    u32 serve(const VirtQueue::Chain& chain);
    u8 transfer(const VirtQueue::Chain& chain, u64 data_bytes, u32& written);

    std::shared_ptr<Disk> disk_;
    EventQueue& events_;
    EventQueue::TimerId timer_;
    std::vector<VirtQueue::Chain> pending_;
};

}  // namespace orrery
