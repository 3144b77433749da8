#include "devices/lapic_page.h"

namespace orrery {

LapicPage::LapicPage(Bus& bus) : bus_(bus), mapping_(bus.map_mmio(Bus::kUnmapped, kPageSize, *this)) {}

void LapicPage::add(Lapic& lapic) {
    lapics_.push_back(&lapic);
    lapic.on_base_change([this] { select(current_); });
    select(current_);
}

void LapicPage::select(unsigned cpu) {
    current_ = cpu;
    bus_.remap_mmio(mapping_, lapics_[cpu]->page_address());
}

// The mapping itself is the bus's state.
void LapicPage::visit(Archive& archive) {
    archive.field("current", current_);
    if (archive.loading() && current_ >= lapics_.size()) throw ArchiveError("snapshot: made with more CPUs");
}

u64 LapicPage::mmio_read(unsigned, u64 offset, unsigned size) {
    return lapics_[current_]->mmio_read(offset, size);
}

void LapicPage::mmio_write(unsigned, u64 offset, unsigned size, u64 value) {
    lapics_[current_]->mmio_write(offset, size, static_cast<u32>(value));
}

}  // namespace orrery
