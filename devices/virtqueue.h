// The device's side of a split virtqueue (Virtual I/O Device specification 1.1, section 2.6).
//
// Everything in guest memory is the guest's word and nothing else: descriptor indices, addresses, lengths,
// flags and ring indices are checked before use, chains are cut off at the queue's size, and what breaks the
// rules makes the queue broken() until the device is reset. No content of guest memory can crash or hang the
// emulator.
#pragma once

#include <span>
#include <vector>

#include "emulator/core/bus/bus.h"

namespace orrery {

class VirtQueue {
  public:
    static constexpr u16 kMaxSize = 256;
    static constexpr u64 kMaxChainBytes = 16 << 20;

    struct Segment {
        u64 address = 0;
        u32 length = 0;
        void visit(Archive& archive);
    };
    // A request: the parts that the device reads, then the parts that it writes.
    struct Chain {
        u16 head = 0;
        std::vector<Segment> readable;
        std::vector<Segment> writable;
        u64 readable_bytes() const { return total(readable); }
        u64 writable_bytes() const { return total(writable); }
        void visit(Archive& archive);

      private:
        static u64 total(const std::vector<Segment>& segments);
    };

    void reset();
    void visit(Archive& archive);

    // The driver's settings.
    u16 size = kMaxSize;  // a power of two
    bool enabled = false;
    u64 descriptors = 0;
    u64 driver_area = 0;  // the available ring
    u64 device_area = 0;  // the used ring
    bool indirect = false;
    bool event_index = false;

    bool broken() const { return broken_; }

    // Takes the next request, if there is one.
    bool pop(Bus& bus, Chain& chain);
    // Gives a request back with the number of bytes written into it.
    void push(Bus& bus, u16 head, u32 written);
    // Whether the driver wants to hear of what was pushed since the last call.
    bool wants_interrupt(Bus& bus);

  private:
    struct Descriptor {
        u64 address;
        u32 length;
        u16 flags;
        u16 next;
    };
    static_assert(sizeof(Descriptor) == 16);
    bool fail();
    bool walk(Bus& bus, u64 table, u32 entries, u16 first, bool nested, Chain& chain, u64& bytes);
    bool read16(Bus& bus, u64 address, u16& value);

    u16 next_available_ = 0;
    u16 next_used_ = 0;
    u16 signalled_used_ = 0;
    bool broken_ = false;
};

// Copies between a chain's segments and a host buffer, from byte `offset` of the segments on; false where the
// segments are shorter or are not RAM.
bool gather(Bus& bus, const std::vector<VirtQueue::Segment>& from, u64 offset, std::span<u8> to);
bool scatter(Bus& bus, const std::vector<VirtQueue::Segment>& to, u64 offset, std::span<const u8> from);

}  // namespace orrery
