// Virtio network card (Virtual I/O Device specification 1.1, section 5.1): queue 0 receives, 1 sends, 2 is
// control.
//
//   device configuration: 0 MAC address, 6 status (bit 0: link up)
//   features: MAC, STATUS, MRG_RXBUF, CTRL_VQ, CTRL_RX, CTRL_MAC_ADDR; no offloads, one pair of queues
//
// input(): one Ethernet frame. It is dropped, and counted, where the driver has no room for it, as on any
// card.
#pragma once

#include <vector>

#include "devices/net_backend.h"
#include "devices/virtio_pci.h"

namespace orrery {

class VirtioNet : public VirtioPci {
  public:
    static constexpr size_t kMinFrame = 14;    // a header without data
    static constexpr size_t kMaxFrame = 1518;  // with a VLAN tag
    static constexpr size_t kMaxAddresses = 64;

    struct Counters {
        u64 sent = 0;
        u64 sent_bytes = 0;
        u64 received = 0;
        u64 received_bytes = 0;
        u64 dropped = 0;   // no room, or no driver
        u64 filtered = 0;  // for somebody else
        u64 malformed = 0;
        void visit(Archive& archive);
    };

    VirtioNet(std::string name, Bus& bus, const Wires& wires, const NetConfig& config);

    void reset() override;
    void visit(Archive& archive) override;
    void input(std::span<const u8> frame) override;

    void set_backend(NetBackend* backend) { config_.backend = backend; }
    const Counters& counters() const { return counters_; }

  private:
    // One kind of addresses that the driver wants to hear; more than fit means all.
    struct AddressTable {
        std::vector<MacAddress> addresses;
        bool all = false;
        void visit(Archive& archive);
    };
    void notified(unsigned queue) override;
    u8 device_config(unsigned offset) const override;
    void device_reset() override;
    void transmit();
    bool receive(std::span<const u8> frame);
    bool wanted(std::span<const u8> frame) const;
    void control();
    bool command(std::span<const u8> words);
    bool set_tables(std::span<const u8> data);

    NetConfig config_;
    // State.
    MacAddress mac_{};
    bool promiscuous_ = true;
    bool all_multicast_ = false;
    AddressTable unicast_;
    AddressTable multicast_;
    std::vector<VirtQueue::Chain> buffers_;  // taken from the receive queue, not yet filled
    Counters counters_;
};

}  // namespace orrery
