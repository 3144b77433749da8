#include "devices/virtio_console.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr unsigned kReceive = 0, kTransmit = 1;
constexpr u64 kSizeFeature = 1;

}  // namespace

VirtioConsole::VirtioConsole(std::string name, Bus& bus, const Wires& wires, OutputSink* sink)
    : VirtioPci(std::move(name), bus, wires, {3, 0x078000, kSizeFeature, 2, 4}), sink_(sink) {
    VirtioConsole::reset();
}

void VirtioConsole::reset() {
    VirtioPci::reset();
    waiting_.clear();
}

u8 VirtioConsole::device_config(unsigned offset) const {
    return static_cast<u8>((kColumns | u32{kRows} << 16) >> (8 * offset));
}

void VirtioConsole::notified(unsigned index) {
    if (index == kTransmit)
        transmit();
    else
        receive();
}

void VirtioConsole::transmit() {
    VirtQueue& out = queue(kTransmit);
    VirtQueue::Chain chain;
    // No more than one queue's worth in one go: the rings are the guest's, and could grow under our hands.
    for (unsigned served = 0; served < out.size && out.pop(bus(), chain); ++served) {
        std::vector<u8> text(chain.readable_bytes());
        if (gather(bus(), chain.readable, 0, text) && sink_ != nullptr && !text.empty()) sink_->write(text);
        out.push(bus(), chain.head, 0);
    }
}

void VirtioConsole::receive() {
    VirtQueue& in = queue(kReceive);
    VirtQueue::Chain chain;
    for (unsigned served = 0; served < in.size && !waiting_.empty() && in.pop(bus(), chain); ++served) {
        const size_t count = std::min<size_t>(chain.writable_bytes(), waiting_.size());
        const bool copied = scatter(bus(), chain.writable, 0, {waiting_.data(), count});
        if (copied) waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
        in.push(bus(), chain.head, copied ? static_cast<u32>(count) : 0);
    }
}

void VirtioConsole::input(std::span<const u8> data) {
    waiting_.insert(waiting_.end(), data.begin(), data.end());
    if (!ready()) return;
    receive();
    finish(kReceive);
}

void VirtioConsole::visit(Archive& archive) {
    VirtioPci::visit(archive);
    archive.field("waiting", waiting_);
}

}  // namespace orrery
