// Virtio entropy source (Virtual I/O Device specification 1.1, section 5.4): one queue of buffers to fill.
//
// The bytes come from the machine's seed through xoshiro256** (Blackman and Vigna, 2018), seeded by
// SplitMix64: the same seed gives the same bytes, and nothing else does. They are for tests, never for
// secrets.
#pragma once

#include "devices/virtio_pci.h"

namespace orrery {

// A deterministic generator whose state is part of the machine's.
class SeededBytes {
  public:
    explicit SeededBytes(u64 seed);
    void fill(std::span<u8> bytes);
    void visit(Archive& archive) { archive.field("state", state_); }

  private:
    u64 next();
    std::array<u64, 4> state_;
};

class VirtioRng : public VirtioPci {
  public:
    VirtioRng(std::string name, Bus& bus, const Wires& wires, u64 seed);

    // A reset of the machine begins the sequence anew: a run after a reset equals one from power-on.
    void reset() override;
    void visit(Archive& archive) override;

  private:
    void notified(unsigned queue) override;

    u64 seed_;
    SeededBytes bytes_;
};

}  // namespace orrery
