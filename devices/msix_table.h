// A function's MSI-X table and pending bits (PCI Local Bus Specification 3.0, 6.8.2).
//
//   table entry n at 16n: 0 address, 4 upper address, 8 data, C vector control (bit 0: masked)
//   pending bit array at kPendingOffset, read-only
#pragma once

#include <vector>

#include "emulator/core/bus/device.h"

namespace orrery {

class MsixTable {
  public:
    static constexpr u64 kPendingOffset = 0x800;
    static constexpr u32 kLength = 0x1000;
    static constexpr unsigned kMaxVectors = 64;

    // `vectors` at most kMaxVectors.
    MsixTable(MsiSink& sink, unsigned vectors) : sink_(sink), entries_(vectors) {}

    void reset();
    void visit(Archive& archive);
    u32 read(u64 offset) const;
    // A dword at `offset`.
    void write(u64 offset, u32 value);
    // Message control of the capability: bit 15 enable, bit 14 mask all.
    void set_control(u16 control);
    bool enabled() const { return (control_ & 0x8000) != 0; }
    unsigned vectors() const { return static_cast<unsigned>(entries_.size()); }

    // Sends `vector`'s message, or keeps it pending while it is masked. Vectors beyond the table do nothing.
    void raise(unsigned vector);

  private:
    struct Entry {
        u64 address = 0;
        u32 data = 0;
        u32 control = 1;
        void visit(Archive& archive);
    };
    bool masked(unsigned vector) const;
    void send_pending();

    MsiSink& sink_;
    std::vector<Entry> entries_;
    u64 pending_ = 0;
    u16 control_ = 0;
};

}  // namespace orrery
