// Virtio console, one port (Virtual I/O Device specification 1.1, section 5.3).
//
//   queue 0 receives, queue 1 transmits; device configuration: 0 columns, 2 rows (VIRTIO_CONSOLE_F_SIZE)
//
// Multiport is not offered. Input waits until the driver gives buffers, also while the driver has yet
// to find the device.
#pragma once

#include "devices/virtio_pci.h"

namespace orrery {

class VirtioConsole : public VirtioPci {
  public:
    VirtioConsole(std::string name, Bus& bus, const Wires& wires, OutputSink* sink);

    void reset() override;
    void visit(Archive& archive) override;
    void input(std::span<const u8> data) override;
    void set_sink(OutputSink* sink) { sink_ = sink; }

  private:
    static constexpr u16 kColumns = 80;
    static constexpr u16 kRows = 25;

    void notified(unsigned queue) override;
    u8 device_config(unsigned offset) const override;
    void transmit();
    void receive();

    OutputSink* sink_;
    std::vector<u8> waiting_;
};

}  // namespace orrery
