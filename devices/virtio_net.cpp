#include "devices/virtio_net.h"

#include <algorithm>
#include <cstring>

namespace orrery {

namespace {

constexpr unsigned kReceive = 0, kTransmit = 1, kControl = 2;
constexpr unsigned kMergeableBuffers = 15;
constexpr u64 kFeatures = u64{1} << 5      // MAC
                          | u64{1} << 15   // MRG_RXBUF
                          | u64{1} << 16   // STATUS
                          | u64{1} << 17   // CTRL_VQ
                          | u64{1} << 18   // CTRL_RX
                          | u64{1} << 23;  // CTRL_MAC_ADDR
// clang 14 does not see that a constructor uses it.
[[maybe_unused]] constexpr unsigned kConfigSize = 8;
constexpr u8 kLinkUp = 1;
constexpr size_t kHeader = 12;  // struct virtio_net_hdr_v1; the last two bytes count the buffers

// Classes and commands of the control queue (5.1.6.5).
constexpr u8 kRxClass = 0, kMacClass = 1;
constexpr u8 kRxPromiscuous = 0, kRxAllMulticast = 1;
constexpr u8 kMacTableSet = 0, kMacAddressSet = 1;
constexpr u8 kOk = 0, kError = 1;
constexpr u64 kMaxControl = 2 + 2 * 4 + 6 * 1024;

}  // namespace

VirtioNet::VirtioNet(std::string name, Bus& bus, const Wires& wires, const NetConfig& config)
    : VirtioPci(std::move(name), bus, wires, {1, 0x020000, kFeatures, 3, kConfigSize}), config_(config) {
    VirtioNet::reset();
}

void VirtioNet::reset() {
    VirtioPci::reset();
    counters_ = Counters();
}

void VirtioNet::device_reset() {
    mac_ = config_.mac;
    promiscuous_ = true;
    all_multicast_ = false;
    unicast_ = multicast_ = AddressTable();
    buffers_.clear();
}

u8 VirtioNet::device_config(unsigned offset) const {
    if (offset < mac_.size()) return mac_[offset];
    return offset == 6 ? kLinkUp : 0;
}

void VirtioNet::notified(unsigned index) {
    if (index == kTransmit) transmit();
    if (index == kControl) control();
    // Buffers to receive into are taken when there is something to put there.
}

void VirtioNet::transmit() {
    VirtQueue& out = queue(kTransmit);
    VirtQueue::Chain chain;
    for (unsigned served = 0; served < out.size && out.pop(bus(), chain); ++served) {
        const u64 bytes = chain.readable_bytes();
        std::vector<u8> frame(bytes >= kHeader + kMinFrame && bytes <= kHeader + kMaxFrame ? bytes - kHeader
                                                                                           : 0);
        if (frame.empty() || !gather(bus(), chain.readable, kHeader, frame)) {
            ++counters_.malformed;
        } else {
            ++counters_.sent;
            counters_.sent_bytes += frame.size();
            if (config_.backend != nullptr) config_.backend->send(frame);
        }
        out.push(bus(), chain.head, 0);
    }
}

void VirtioNet::input(std::span<const u8> frame) {
    if (frame.size() < kMinFrame || frame.size() > kMaxFrame) {
        ++counters_.malformed;
    } else if (!ready()) {
        ++counters_.dropped;
    } else if (!wanted(frame)) {
        ++counters_.filtered;
    } else if (!receive(frame)) {
        ++counters_.dropped;
    } else {
        ++counters_.received;
        counters_.received_bytes += frame.size();
    }
    if (ready()) finish(kReceive);
}

// A frame goes into one buffer, or into as many as it needs where the driver takes that (5.1.6.4).
bool VirtioNet::receive(std::span<const u8> frame) {
    const bool mergeable = has_feature(kMergeableBuffers);
    std::vector<u8> data(kHeader + frame.size());
    std::copy(frame.begin(), frame.end(), data.begin() + kHeader);
    VirtQueue& in = queue(kReceive);
    u64 room = 0;
    size_t count = 0;
    while (room < data.size()) {
        if (count == buffers_.size()) {
            VirtQueue::Chain chain;
            if (buffers_.size() == in.size || !in.pop(bus(), chain)) return false;
            buffers_.push_back(std::move(chain));
        }
        room += buffers_[count++].writable_bytes();
        if (!mergeable && room < data.size()) return false;
    }
    data[10] = static_cast<u8>(count);
    data[11] = static_cast<u8>(count >> 8);
    size_t done = 0;
    bool copied = true;
    for (size_t i = 0; i < count; ++i) {
        const VirtQueue::Chain& chain = buffers_[i];
        const size_t part = std::min<u64>(chain.writable_bytes(), data.size() - done);
        copied = scatter(bus(), chain.writable, 0, {data.data() + done, part}) && copied;
        in.push(bus(), chain.head, static_cast<u32>(part));
        done += part;
    }
    buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(count));
    return copied;
}

bool VirtioNet::wanted(std::span<const u8> frame) const {
    MacAddress to;
    std::copy_n(frame.begin(), to.size(), to.begin());
    if (promiscuous_ || to == mac_) return true;
    if (std::all_of(to.begin(), to.end(), [](u8 byte) { return byte == 0xff; })) return true;
    const bool group = (to[0] & 1) != 0;
    if (group && all_multicast_) return true;
    const AddressTable& table = group ? multicast_ : unicast_;
    return table.all ||
           std::find(table.addresses.begin(), table.addresses.end(), to) != table.addresses.end();
}

void VirtioNet::control() {
    VirtQueue& requests = queue(kControl);
    VirtQueue::Chain chain;
    for (unsigned served = 0; served < requests.size && requests.pop(bus(), chain); ++served) {
        std::vector<u8> words(std::min(chain.readable_bytes(), kMaxControl + 1));
        const bool done =
            words.size() <= kMaxControl && gather(bus(), chain.readable, 0, words) && command(words);
        const u8 status = done ? kOk : kError;
        const bool told = scatter(bus(), chain.writable, 0, {&status, 1});
        requests.push(bus(), chain.head, told ? 1 : 0);
    }
}

bool VirtioNet::command(std::span<const u8> words) {
    if (words.size() < 3) return false;
    const std::span<const u8> data = words.subspan(2);
    if (words[0] == kRxClass && words[1] <= kRxAllMulticast && data.size() == 1) {
        (words[1] == kRxPromiscuous ? promiscuous_ : all_multicast_) = data[0] != 0;
        return true;
    }
    if (words[0] == kMacClass && words[1] == kMacAddressSet && data.size() == mac_.size()) {
        std::copy(data.begin(), data.end(), mac_.begin());
        return true;
    }
    return words[0] == kMacClass && words[1] == kMacTableSet && set_tables(data);
}

// Two tables, of single stations and of groups: each a count and that many addresses.
bool VirtioNet::set_tables(std::span<const u8> data) {
    std::array<AddressTable, 2> tables;
    for (AddressTable& table : tables) {
        u32 count = 0;
        if (data.size() < sizeof count) return false;
        std::memcpy(&count, data.data(), sizeof count);
        data = data.subspan(sizeof count);
        if (count > data.size() / sizeof(MacAddress)) return false;
        table.all = count > kMaxAddresses;
        table.addresses.resize(table.all ? 0 : count);
        for (size_t i = 0; i < table.addresses.size(); ++i)
            std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(i * sizeof(MacAddress)),
                        sizeof(MacAddress), table.addresses[i].begin());
        data = data.subspan(count * sizeof(MacAddress));
    }
    if (!data.empty()) return false;
    unicast_ = std::move(tables[0]);
    multicast_ = std::move(tables[1]);
    return true;
}

void VirtioNet::AddressTable::visit(Archive& archive) {
    archive.field("addresses", addresses, kMaxAddresses);
    archive.field("all", all);
}

void VirtioNet::Counters::visit(Archive& archive) {
    for (u64* count : {&sent, &sent_bytes, &received, &received_bytes, &dropped, &filtered, &malformed})
        archive.field("count", *count);
}

void VirtioNet::visit(Archive& archive) {
    VirtioPci::visit(archive);
    archive.field("mac", mac_);
    archive.field("promiscuous", promiscuous_);
    archive.field("all_multicast", all_multicast_);
    archive.field("unicast", unicast_);
    archive.field("multicast", multicast_);
    archive.field("buffers", buffers_, VirtQueue::kMaxSize);
    archive.field("counters", counters_);
}

}  // namespace orrery
