#include "emulator/core/bus/bus.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace orrery {

Bus::Bus(u64 ram_size)
    : ram_memory_(ram_size),
      ram_(ram_memory_.data()),
      ram_size_(ram_size),
      low_ram_(std::min(ram_size, kPciHoleStart)) {
    ram_memory_.advise_dense();
}

void Bus::add_video_memory(u64 size) {
    if (video_memory_) throw std::logic_error("bus: there is video memory already");
    video_memory_ = std::make_unique<PagedMemory>(size);
    video_ = video_memory_->data();
    video_size_ = size;
}

void Bus::clear_video_memory() {
    if (video_memory_) video_memory_->clear();
}

void Bus::map_video_memory(u64 base) {
    const u64 mapped = base == kUnmapped ? 0 : video_size_;
    if (mapped == video_mapped_ && (mapped == 0 || base == video_base_)) return;
    const u64 before = video_base_;
    const u64 before_size = video_mapped_;
    video_base_ = mapped == 0 ? 0 : base;
    video_mapped_ = mapped;
    if (!video_hook_) return;
    if (before_size != 0) video_hook_(before, before_size);
    if (mapped != 0) video_hook_(base, mapped);
}

void Bus::clear_ram() {
    ram_memory_.clear();
    clear_video_memory();
}

void Bus::check_free(const std::vector<Region>& regions, u64 base, u64 length, const Region* self) const {
    for (const Region& other : regions) {
        if (&other == self || other.base == kUnmapped || other.movable) continue;
        if (base < other.base + other.length && other.base < base + length)
            throw std::logic_error("bus: " + std::string(other.device->name()) +
                                   " already claims that range");
    }
}

void Bus::map_io(u16 first_port, u16 count, Device& device) {
    check_free(io_, first_port, count, nullptr);
    io_.push_back({first_port, count, &device, 0, false});
}

unsigned Bus::map_mmio(u64 base, u64 length, Device& device, unsigned region) {
    if (base != kUnmapped) check_free(mmio_, base, length, nullptr);
    mmio_.push_back({base, length, &device, region, base == kUnmapped});
    return static_cast<unsigned>(mmio_.size() - 1);
}

void Bus::remap_mmio(unsigned mapping, u64 base) {
    mmio_[mapping].base = base;
    mmio_[mapping].movable = true;
}

unsigned Bus::map_movable_io(u16 count, Device& device) {
    io_.push_back({kUnmapped, count, &device, 0, true});
    return static_cast<unsigned>(io_.size() - 1);
}

void Bus::remap_io(unsigned mapping, u32 first_port_or_unmapped) {
    io_[mapping].base = first_port_or_unmapped > 0xffff ? kUnmapped : first_port_or_unmapped;
}

// Guests may move a BAR over another region; the region made first then answers.
const Bus::Region* Bus::find(const std::vector<Region>& regions, u64 address) const {
    for (const Region& region : regions) {
        if (region.base != kUnmapped && address - region.base < region.length) return &region;
    }
    return nullptr;
}

void Bus::note_range(const u8* host, u64 size) {
    for (u64 done = 0; done < size; done += kPageSize) note_write(host + done);
    note_write(host + size - 1);
}

u64 Bus::read(u64 physical, unsigned size) {
    u64 value = 0;
    if (u8* host = ram_at(physical); host != nullptr && ram_at(physical + size - 1) == host + size - 1) {
        std::memcpy(&value, host, size);
        return value;
    }
    const Region* region = find(mmio_, physical);
    if (region != nullptr && physical - region->base + size <= region->length)
        return region->device->mmio_read(region->tag, physical - region->base, size);
    if (size == 1) {
        u8* host = ram_at(physical);
        return host != nullptr ? *host : 0xff;
    }
    for (unsigned i = 0; i < size; ++i) value |= (read(physical + i, 1) & 0xff) << (8 * i);
    return value;
}

void Bus::write(u64 physical, unsigned size, u64 value) {
    if (u8* host = ram_at(physical); host != nullptr && ram_at(physical + size - 1) == host + size - 1) {
        if (ram_write_hook_) ram_write_hook_(physical, size);
        note_range(host, size);
        std::memcpy(host, &value, size);
        if (ram_written_hook_) ram_written_hook_(physical, size);
        return;
    }
    const Region* region = find(mmio_, physical);
    if (region != nullptr && physical - region->base + size <= region->length) {
        region->device->mmio_write(region->tag, physical - region->base, size, value);
        return;
    }
    if (size == 1) {
        if (u8* host = ram_at(physical)) {
            note_write(host);
            *host = static_cast<u8>(value);
        }
        return;
    }
    for (unsigned i = 0; i < size; ++i) write(physical + i, 1, (value >> (8 * i)) & 0xff);
}

bool Bus::dma_read(u64 physical, void* to, u64 size) {
    if (size == 0) return true;
    u8* host = ram_at(physical);
    if (host == nullptr || physical + size < physical || ram_at(physical + size - 1) != host + size - 1)
        return false;
    std::memcpy(to, host, size);
    return true;
}

bool Bus::dma_write(u64 physical, const void* from, u64 size) {
    if (size == 0) return true;
    u8* host = ram_at(physical);
    if (host == nullptr || physical + size < physical || ram_at(physical + size - 1) != host + size - 1)
        return false;
    if (ram_write_hook_) ram_write_hook_(physical, size);
    note_range(host, size);
    std::memcpy(host, from, size);
    if (ram_written_hook_) ram_written_hook_(physical, size);
    return true;
}

u32 Bus::io_read(u16 port, unsigned size) {
    const u32 mask = size == 4 ? ~u32{0} : (u32{1} << (8 * size)) - 1;
    const Region* region = find(io_, port);
    return (region != nullptr ? region->device->io_read(port, size) : ~u32{0}) & mask;
}

void Bus::io_write(u16 port, unsigned size, u32 value) {
    const Region* region = find(io_, port);
    if (region != nullptr) region->device->io_write(port, size, value);
}

void Bus::visit(Archive& archive) {
    u64 size = ram_size_;
    archive.field("ram_size", size);
    if (size != ram_size_) throw ArchiveError("snapshot: made with another amount of memory");
    for (Region& region : mmio_)
        if (region.movable) archive.field("mmio_base", region.base);
    for (Region& region : io_)
        if (region.movable) archive.field("io_base", region.base);
    archive.pages("ram", ram_memory_);
    if (!video_memory_) return;
    archive.field("video_base", video_base_);
    bool video_mapped = video_mapped_ != 0;
    archive.field("video_mapped", video_mapped);
    video_mapped_ = video_mapped ? video_size_ : 0;
    archive.pages("video", *video_memory_);
}

std::vector<Bus::RegionView> Bus::regions() const {
    std::vector<RegionView> views;
    for (const Region& region : mmio_) views.push_back({region.base, region.length, region.device, false});
    for (const Region& region : io_) views.push_back({region.base, region.length, region.device, true});
    std::sort(views.begin(), views.end(), [](const RegionView& a, const RegionView& b) {
        return a.io != b.io ? !a.io : a.base < b.base;
    });
    return views;
}

}  // namespace orrery
