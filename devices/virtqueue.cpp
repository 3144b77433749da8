#include "devices/virtqueue.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr u16 kNext = 1, kWrite = 2, kIndirect = 4;
constexpr u16 kNoInterrupt = 1;  // in the available ring's flags
constexpr u32 kMaxIndirect = 1024;

// Calls `copy(address, done, count)` for each stretch of the segments within [offset, offset + size).
template <typename Copy>
bool for_each_stretch(const std::vector<VirtQueue::Segment>& segments, u64 offset, u64 size, Copy copy) {
    u64 done = 0;
    for (const VirtQueue::Segment& segment : segments) {
        if (done == size) break;
        if (offset >= segment.length) {
            offset -= segment.length;
            continue;
        }
        const u64 count = std::min<u64>(segment.length - offset, size - done);
        if (!copy(segment.address + offset, done, count)) return false;
        done += count;
        offset = 0;
    }
    return done == size;
}

}  // namespace

u64 VirtQueue::Chain::total(const std::vector<Segment>& segments) {
    u64 sum = 0;
    for (const Segment& segment : segments) sum += segment.length;
    return sum;
}

void VirtQueue::Segment::visit(Archive& archive) {
    archive.field("address", address);
    archive.field("length", length);
}

void VirtQueue::Chain::visit(Archive& archive) {
    archive.field("head", head);
    archive.field("readable", readable);
    archive.field("writable", writable);
}

void VirtQueue::reset() {
    *this = VirtQueue();
}

bool VirtQueue::fail() {
    broken_ = true;
    return false;
}

bool VirtQueue::read16(Bus& bus, u64 address, u16& value) {
    return bus.dma_read(address, &value, sizeof value) || fail();
}

bool VirtQueue::walk(Bus& bus, u64 table, u32 entries, u16 first, bool nested, Chain& chain, u64& bytes) {
    u32 index = first;
    for (u32 steps = 0; steps < entries; ++steps) {
        Descriptor descriptor;
        if (index >= entries || !bus.dma_read(table + u64{index} * 16, &descriptor, 16)) return fail();
        if ((descriptor.flags & kIndirect) != 0) {
            // Offered only, not within another one, the last of its chain, a whole number of entries
            // (2.6.5.3).
            const u32 count = descriptor.length / 16;
            if (!indirect || nested || (descriptor.flags & kNext) != 0 || descriptor.length % 16 != 0 ||
                count == 0 || count > kMaxIndirect)
                return fail();
            return walk(bus, descriptor.address, count, 0, true, chain, bytes);
        }
        bytes += descriptor.length;
        if (bytes > kMaxChainBytes) return fail();
        if ((descriptor.flags & kWrite) != 0) {
            chain.writable.push_back({descriptor.address, descriptor.length});
        } else {
            if (!chain.writable.empty()) return fail();  // readable parts come first (2.6.4.2)
            chain.readable.push_back({descriptor.address, descriptor.length});
        }
        if ((descriptor.flags & kNext) == 0) return true;
        index = descriptor.next;
    }
    return fail();  // a loop
}

bool VirtQueue::pop(Bus& bus, Chain& chain) {
    chain = Chain();
    if (!enabled || broken_) return false;
    u16 available = 0;
    if (!read16(bus, driver_area + 2, available)) return false;
    const u16 waiting = static_cast<u16>(available - next_available_);
    if (waiting > size) return fail();
    if (waiting == 0) {
        if (!event_index) return false;
        // Ask to be notified of the next one, then look again: nobody runs between the two here.
        if (!bus.dma_write(device_area + 4 + 8 * u64{size}, &next_available_, 2)) fail();
        return false;
    }
    u16 head = 0;
    if (!read16(bus, driver_area + 4 + 2 * (next_available_ & (size - 1u)), head)) return false;
    u64 bytes = 0;
    if (!walk(bus, descriptors, size, head, false, chain, bytes)) return false;
    chain.head = head;
    ++next_available_;
    return true;
}

void VirtQueue::push(Bus& bus, u16 head, u32 written) {
    if (!enabled || broken_) return;
    const u32 element[2] = {head, written};
    const u64 slot = device_area + 4 + 8 * u64{next_used_ & (size - 1u)};
    ++next_used_;
    if (!bus.dma_write(slot, element, 8) || !bus.dma_write(device_area + 2, &next_used_, 2)) fail();
}

// 2.6.7.2: by the flag, or by the index at which the driver wants to be told.
bool VirtQueue::wants_interrupt(Bus& bus) {
    if (!enabled || broken_ || signalled_used_ == next_used_) return false;
    const u16 before = signalled_used_;
    signalled_used_ = next_used_;
    u16 value = 0;
    if (!read16(bus, event_index ? driver_area + 4 + 2 * u64{size} : driver_area, value)) return false;
    if (!event_index) return (value & kNoInterrupt) == 0;
    return static_cast<u16>(next_used_ - value - 1) < static_cast<u16>(next_used_ - before);
}

void VirtQueue::visit(Archive& archive) {
    archive.field("size", size);
    archive.field("enabled", enabled);
    archive.field("descriptors", descriptors);
    archive.field("driver_area", driver_area);
    archive.field("device_area", device_area);
    archive.field("indirect", indirect);
    archive.field("event_index", event_index);
    archive.field("next_available", next_available_);
    archive.field("next_used", next_used_);
    archive.field("signalled_used", signalled_used_);
    archive.field("broken", broken_);
    if (archive.loading() && (size == 0 || size > kMaxSize || (size & (size - 1)) != 0))
        throw ArchiveError("snapshot: a virtqueue's size is damaged");
}

bool gather(Bus& bus, const std::vector<VirtQueue::Segment>& from, u64 offset, std::span<u8> to) {
    return for_each_stretch(from, offset, to.size(), [&](u64 address, u64 done, u64 count) {
        return bus.dma_read(address, to.data() + done, count);
    });
}

bool scatter(Bus& bus, const std::vector<VirtQueue::Segment>& to, u64 offset, std::span<const u8> from) {
    return for_each_stretch(to, offset, from.size(), [&](u64 address, u64 done, u64 count) {
        return bus.dma_write(address, from.data() + done, count);
    });
}

}  // namespace orrery
