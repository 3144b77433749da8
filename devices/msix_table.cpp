#include "devices/msix_table.h"

namespace orrery {

void MsixTable::Entry::visit(Archive& archive) {
    archive.field("address", address);
    archive.field("data", data);
    archive.field("control", control);
}

void MsixTable::reset() {
    for (Entry& entry : entries_) entry = Entry();
    pending_ = 0;
    control_ = 0;
}

void MsixTable::visit(Archive& archive) {
    for (Entry& entry : entries_) archive.field("entry", entry);
    archive.field("pending", pending_);
    archive.field("control", control_);
}

bool MsixTable::masked(unsigned vector) const {
    return (control_ & 0x4000) != 0 || (entries_[vector].control & 1) != 0;
}

u32 MsixTable::read(u64 offset) const {
    if (offset >= kPendingOffset) {
        const u64 word = (offset - kPendingOffset) / 4;
        return word < 2 ? static_cast<u32>(pending_ >> (32 * word)) : 0;
    }
    if (offset / 16 >= entries_.size()) return 0;
    const Entry& entry = entries_[offset / 16];
    switch (offset & 12) {
        case 0:
            return static_cast<u32>(entry.address);
        case 4:
            return static_cast<u32>(entry.address >> 32);
        case 8:
            return entry.data;
        default:
            return entry.control;
    }
}

void MsixTable::write(u64 offset, u32 value) {
    if (offset / 16 >= entries_.size()) return;
    Entry& entry = entries_[offset / 16];
    switch (offset & 12) {
        case 0:
            entry.address = (entry.address & ~u64{0xffff'ffff}) | (value & ~3u);
            break;
        case 4:
            entry.address = (entry.address & 0xffff'ffff) | u64{value} << 32;
            break;
        case 8:
            entry.data = value;
            break;
        default:
            entry.control = value & 1;
            break;
    }
    send_pending();
}

void MsixTable::set_control(u16 control) {
    control_ = control & 0xc000;
    send_pending();
}

void MsixTable::raise(unsigned vector) {
    if (!enabled() || vector >= entries_.size()) return;
    pending_ |= u64{1} << vector;
    send_pending();
}

void MsixTable::send_pending() {
    if (!enabled()) return;
    for (unsigned vector = 0; vector < entries_.size(); ++vector) {
        if ((pending_ >> vector & 1) == 0 || masked(vector)) continue;
        pending_ &= ~(u64{1} << vector);
        sink_.send_msi(entries_[vector].address, entries_[vector].data);
    }
}

}  // namespace orrery
