#include "devices/virtio_rng.h"

#include <algorithm>

namespace orrery {

namespace {

// The most that one request gets; a device may always give less than was asked for.
constexpr size_t kMostBytes = 64 * 1024;

u64 rotate_left(u64 value, int by) {
    return value << by | value >> (64 - by);
}

}  // namespace

SeededBytes::SeededBytes(u64 seed) {
    for (u64& word : state_) {
        seed += 0x9e37'79b9'7f4a'7c15;
        u64 mixed = seed;
        mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11eb;
        word = mixed ^ mixed >> 31;
    }
}

u64 SeededBytes::next() {
    const u64 result = rotate_left(state_[1] * 5, 7) * 9;
    const u64 shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
}

void SeededBytes::fill(std::span<u8> bytes) {
    u64 word = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
        if (i % 8 == 0) word = next();
        bytes[i] = static_cast<u8>(word >> (8 * (i % 8)));
    }
}

VirtioRng::VirtioRng(std::string name, Bus& bus, const Wires& wires, u64 seed)
    : VirtioPci(std::move(name), bus, wires, {4, 0x00ff00, 0, 1, 0}), seed_(seed), bytes_(seed) {
    VirtioRng::reset();
}

void VirtioRng::reset() {
    VirtioPci::reset();
    bytes_ = SeededBytes(seed_);
}

void VirtioRng::notified(unsigned) {
    VirtQueue& requests = queue(0);
    VirtQueue::Chain chain;
    for (unsigned served = 0; served < requests.size && requests.pop(bus(), chain); ++served) {
        std::vector<u8> data(std::min<size_t>(chain.writable_bytes(), kMostBytes));
        bytes_.fill(data);
        const bool copied = scatter(bus(), chain.writable, 0, data);
        requests.push(bus(), chain.head, copied ? static_cast<u32>(data.size()) : 0);
    }
}

void VirtioRng::visit(Archive& archive) {
    VirtioPci::visit(archive);
    archive.field("bytes", bytes_);
}

}  // namespace orrery
