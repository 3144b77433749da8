#include "devices/ps2_device.h"

namespace orrery {

u8 Ps2Device::take() {
    const u8 byte = queue_.front();
    queue_.erase(queue_.begin());
    last_ = byte;
    return byte;
}

bool Ps2Device::send(std::span<const u8> bytes) {
    if (queue_.size() + bytes.size() > kQueueLimit) return false;
    queue_.insert(queue_.end(), bytes.begin(), bytes.end());
    return true;
}

void Ps2Device::visit_queue(Archive& archive) {
    archive.field("queue", queue_, kQueueLimit);
    archive.field("last", last_);
}

}  // namespace orrery
