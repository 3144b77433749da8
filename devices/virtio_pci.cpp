#include "devices/virtio_pci.h"

namespace orrery {

namespace {

constexpr u32 kCommon = 0x0000, kIsr = 0x1000, kDevice = 0x2000, kNotify = 0x3000, kBarLength = 0x4000;
constexpr u8 kVendorCapability = 9, kMsixCapability = 0x11;

// Device status (2.1).
constexpr u8 kFeaturesOk = 8, kDriverOk = 4, kNeedsReset = 0x40;

constexpr u64 kIndirect = u64{1} << 28, kEventIndex = u64{1} << 29, kVersion1 = u64{1} << 32;
constexpr u16 kNoVector = 0xffff;

// Replaces the dword at bits 32n of a 64-bit field.
void put_half(u64& field, unsigned half, u32 value) {
    const unsigned shift = 32 * half;
    field = (field & ~(u64{0xffff'ffff} << shift)) | u64{value} << shift;
}

}  // namespace

VirtioPci::VirtioPci(std::string name, Bus& bus, const Wires& wires, const Shape& shape)
    : PciFunction(std::move(name), bus,
                  {0x1af4, static_cast<u16>(0x1040 + shape.device_id), shape.class_code, 1, 0x1af4,
                   static_cast<u16>(0x1100)},
                  wires.intx),
      shape_(shape),
      msix_(*wires.msi, shape.queues + 1),
      queues_(shape.queues),
      queue_vectors_(shape.queues, kNoVector) {
    add_memory_bar(0, kBarLength);
    add_memory_bar(1, MsixTable::kLength);
    add_structure(1, kCommon, 0x38, 0);
    add_structure(2, kNotify, 4 * shape.queues, 4);
    add_structure(3, kIsr, 1, 0);
    if (shape.config_size != 0) add_structure(4, kDevice, shape.config_size, 0);
    window_capability_ = add_capability(kVendorCapability, 20);
    set_config(window_capability_ + 2, 2, 20 | 5 << 8);
    set_config(window_capability_ + 4, 1, 0, 0xff);
    set_config(window_capability_ + 8, 4, 0, ~u32{0});
    set_config(window_capability_ + 12, 4, 0, ~u32{0});
    set_config(window_capability_ + 16, 4, 0, ~u32{0});
    msix_capability_ = add_capability(kMsixCapability, 12);
    set_config(msix_capability_ + 2, 2, shape.queues, 0xc000);
    set_config(msix_capability_ + 4, 4, 1);                              // table: BAR 1, offset 0
    set_config(msix_capability_ + 8, 4, MsixTable::kPendingOffset | 1);  // pending bits
}

// struct virtio_pci_cap (4.1.4); the notification's has its multiplier behind it.
void VirtioPci::add_structure(u8 type, u32 offset, u32 length, unsigned extra) {
    const unsigned size = 16 + extra;
    const unsigned at = add_capability(kVendorCapability, size);
    set_config(at + 2, 2, size | static_cast<u32>(type) << 8);
    set_config(at + 8, 4, offset);
    set_config(at + 12, 4, length);
    if (extra != 0) set_config(at + 16, 4, 4);  // notify_off_multiplier
}

void VirtioPci::reset() {
    PciFunction::reset();
    msix_.reset();
    reset_device();
}

void VirtioPci::reset_device() {
    for (VirtQueue& queue : queues_) queue.reset();
    for (u16& vector : queue_vectors_) vector = kNoVector;
    config_vector_ = kNoVector;
    queue_select_ = 0;
    device_feature_select_ = driver_feature_select_ = 0;
    driver_features_ = 0;
    status_ = isr_ = 0;
    set_intx(false);
    device_reset();
}

u64 VirtioPci::offered_features() const {
    return shape_.features | kVersion1 | kIndirect | kEventIndex;
}

void VirtioPci::interrupt(u16 vector, u8 isr_bit) {
    if (msix_.enabled()) {
        msix_.raise(vector);
        return;
    }
    isr_ |= isr_bit;
    set_intx(true);
}

void VirtioPci::finish(unsigned index) {
    if (queues_[index].wants_interrupt(bus())) interrupt(queue_vectors_[index], 1);
    if (!queues_[index].broken() || (status_ & kNeedsReset) != 0) return;
    status_ |= kNeedsReset;
    config_changed();
}

void VirtioPci::config_changed() {
    ++generation_;
    if ((status_ & kDriverOk) != 0) interrupt(config_vector_, 2);
}

u32 VirtioPci::read_common(unsigned offset) {
    const bool exists = queue_select_ < queues_.size();
    const VirtQueue none;
    const VirtQueue& queue = exists ? queues_[queue_select_] : none;
    switch (offset) {
        case 0x00:
            return device_feature_select_;
        case 0x04:
            return device_feature_select_ < 2
                       ? static_cast<u32>(offered_features() >> (32 * device_feature_select_))
                       : 0;
        case 0x08:
            return driver_feature_select_;
        case 0x0c:
            return driver_feature_select_ < 2
                       ? static_cast<u32>(driver_features_ >> (32 * driver_feature_select_))
                       : 0;
        case 0x10:
            return config_vector_;
        case 0x12:
            return static_cast<u32>(queues_.size());
        case 0x14:
            return status_;
        case 0x15:
            return generation_;
        case 0x16:
            return queue_select_;
        case 0x18:
            return exists ? queue.size : 0;
        case 0x1a:
            return exists ? queue_vectors_[queue_select_] : kNoVector;
        case 0x1c:
            return exists && queue.enabled ? 1 : 0;
        case 0x1e:
            return exists ? queue_select_ : 0;
        case 0x20:
            return static_cast<u32>(queue.descriptors);
        case 0x24:
            return static_cast<u32>(queue.descriptors >> 32);
        case 0x28:
            return static_cast<u32>(queue.driver_area);
        case 0x2c:
            return static_cast<u32>(queue.driver_area >> 32);
        case 0x30:
            return static_cast<u32>(queue.device_area);
        case 0x34:
            return static_cast<u32>(queue.device_area >> 32);
        default:
            return 0;
    }
}

void VirtioPci::write_status(u8 value) {
    if (value == 0) {
        reset_device();
        return;
    }
    // The driver cannot clear a bit, and FEATURES_OK stands only for a set that was offered (2.1, 3.1.1).
    const bool acceptable =
        (driver_features_ & ~offered_features()) == 0 && (driver_features_ & kVersion1) != 0;
    if ((value & kFeaturesOk) != 0 && (status_ & kFeaturesOk) == 0 && !acceptable)
        value &= static_cast<u8>(~kFeaturesOk);
    const bool started = (value & kDriverOk) != 0 && (status_ & kDriverOk) == 0;
    status_ |= value & static_cast<u8>(~kNeedsReset);
    if (started)
        for (unsigned index = 0; index < queues_.size(); ++index) serve(index);  // what was queued before
}

void VirtioPci::serve(unsigned index) {
    if (!ready()) return;
    notified(index);
    finish(index);
}

void VirtioPci::write_common(unsigned offset, u32 value) {
    const bool fixed = (status_ & kFeaturesOk) != 0;
    const auto checked_vector = [this](u32 wanted) {
        return wanted < msix_.vectors() ? static_cast<u16>(wanted) : kNoVector;
    };
    switch (offset) {
        case 0x00:
            device_feature_select_ = value;
            return;
        case 0x08:
            driver_feature_select_ = value;
            return;
        case 0x0c:
            if (!fixed && driver_feature_select_ < 2)
                put_half(driver_features_, driver_feature_select_, value);
            return;
        case 0x10:
            config_vector_ = checked_vector(value);
            return;
        case 0x14:
            write_status(static_cast<u8>(value));
            return;
        case 0x16:
            queue_select_ = static_cast<u16>(value);
            return;
        default:
            break;
    }
    if (queue_select_ >= queues_.size()) return;
    VirtQueue& queue = queues_[queue_select_];
    if (offset == 0x1a) queue_vectors_[queue_select_] = checked_vector(value);
    if (queue.enabled) return;  // its settings are fixed until the device is reset
    switch (offset) {
        case 0x18:
            if (value != 0 && value <= VirtQueue::kMaxSize && (value & (value - 1)) == 0)
                queue.size = static_cast<u16>(value);
            return;
        case 0x1c:
            queue.enabled = value == 1;
            queue.indirect = (driver_features_ & kIndirect) != 0;
            queue.event_index = (driver_features_ & kEventIndex) != 0;
            return;
        case 0x20:
        case 0x24:
            put_half(queue.descriptors, offset >> 2 & 1, value);
            return;
        case 0x28:
        case 0x2c:
            put_half(queue.driver_area, offset >> 2 & 1, value);
            return;
        case 0x30:
        case 0x34:
            put_half(queue.device_area, offset >> 2 & 1, value);
            return;
        default:
            return;
    }
}

// Fields are accessed in their own width (4.1.3.1), 64-bit ones as two dwords.
u64 VirtioPci::region_read(u64 offset, unsigned size) {
    if (offset < kIsr) {
        const unsigned at = static_cast<unsigned>(offset);
        if (size == 8) return read_common(at) | u64{read_common(at + 4)} << 32;
        return read_common(at);
    }
    if (offset < kDevice) {
        if (offset != kIsr) return 0;
        const u8 value = isr_;
        isr_ = 0;
        set_intx(false);
        return value;
    }
    if (offset < kNotify) {
        u64 value = 0;
        for (unsigned i = 0; i < size; ++i) {
            const u64 at = offset - kDevice + i;
            if (at < shape_.config_size) value |= u64{device_config(static_cast<unsigned>(at))} << (8 * i);
        }
        return value;
    }
    return 0;
}

void VirtioPci::region_write(u64 offset, unsigned size, u32 value) {
    if (offset < kIsr) {
        write_common(static_cast<unsigned>(offset), size == 1   ? value & 0xff
                                                    : size == 2 ? value & 0xffff
                                                                : value);
    } else if (offset >= kNotify) {
        const u64 index = (offset - kNotify) / 4;
        if (index < queues_.size()) serve(static_cast<unsigned>(index));
    }
}

u64 VirtioPci::mmio_read(unsigned region, u64 offset, unsigned size) {
    if (region == 0) return region_read(offset, size);
    const u64 aligned = offset & ~u64{3};
    const u64 value = msix_.read(aligned) | u64{msix_.read(aligned + 4)} << 32;
    return value >> (8 * (offset & 3));
}

void VirtioPci::mmio_write(unsigned region, u64 offset, unsigned size, u64 value) {
    const u32 low = static_cast<u32>(value);
    if (region == 0) {
        region_write(offset, size, low);
        if (size == 8) region_write(offset + 4, 4, static_cast<u32>(value >> 32));
    } else if (size >= 4 && (offset & 3) == 0) {
        msix_.write(offset, low);
        if (size == 8) msix_.write(offset + 4, static_cast<u32>(value >> 32));
    }
}

// 4.1.4.7: an access to pci_cfg_data is one to the place that the capability's bar, offset and length name.
void VirtioPci::config_reading(unsigned offset, unsigned size) {
    const unsigned data = window_capability_ + 16;
    if (offset < data || offset + size > data + 4) return;
    const u32 length = config(window_capability_ + 12, 4);
    const u32 at = config(window_capability_ + 8, 4);
    const u8 bar = config_byte(window_capability_ + 4);
    if (bar > 1 || (length != 1 && length != 2 && length != 4) || at > bar_length(bar) - length) return;
    put_config(data, 4, static_cast<u32>(VirtioPci::mmio_read(bar, at, length)));
}

void VirtioPci::config_written(unsigned offset, unsigned size) {
    if (offset < msix_capability_ + 4 && offset + size > msix_capability_ + 2)
        msix_.set_control(static_cast<u16>(config(msix_capability_ + 2, 2)));
    const unsigned data = window_capability_ + 16;
    if (offset < data || offset + size > data + 4) return;
    const u32 length = config(window_capability_ + 12, 4);
    const u32 at = config(window_capability_ + 8, 4);
    const u8 bar = config_byte(window_capability_ + 4);
    if (bar > 1 || (length != 1 && length != 2 && length != 4) || at > bar_length(bar) - length) return;
    VirtioPci::mmio_write(bar, at, length, config(data, 4));
}

void VirtioPci::visit(Archive& archive) {
    PciFunction::visit(archive);
    archive.field("msix", msix_);
    for (VirtQueue& queue : queues_) archive.field("queue", queue);
    for (u16& vector : queue_vectors_) archive.field("vector", vector);
    archive.field("config_vector", config_vector_);
    archive.field("queue_select", queue_select_);
    archive.field("device_feature_select", device_feature_select_);
    archive.field("driver_feature_select", driver_feature_select_);
    archive.field("driver_features", driver_features_);
    archive.field("status", status_);
    archive.field("generation", generation_);
    archive.field("isr", isr_);
}

}  // namespace orrery
