#include "devices/disk.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace orrery {

Disk::Disk(const std::string& path, Mode mode)
    : image_(path, mode == Mode::ReadWrite),
      mode_(mode),
      arena_(mode == Mode::Overlay ? (size() + kBlock - 1) / kBlock * kBlock : 0) {}

void Disk::power_on() {
    arena_.clear();
    slots_ = 0;
    overlay_.clear();
}

u8* Disk::copy_of(u64 block, bool whole) {
    const auto held = overlay_.find(block);
    if (held != overlay_.end() && held->second != kZeros) return slot_to_write(held->second);
    u8* const copy = slot_to_write(slots_);
    if (held == overlay_.end() && !whole) {
        const u64 there = std::min(kBlock, size() - block * kBlock);
        if (!image_.read(block * kBlock, {copy, there})) {
            std::memset(copy, 0, kBlock);
            return nullptr;
        }
    }
    overlay_[block] = slots_++;
    return copy;
}

bool Disk::read(u64 offset, std::span<u8> to) {
    if (!inside(offset, to.size())) return false;
    if (mode_ != Mode::Overlay) return image_.read(offset, to);
    while (!to.empty()) {
        const u64 within = offset % kBlock;
        const size_t count = std::min<size_t>(to.size(), kBlock - within);
        const auto held = overlay_.find(offset / kBlock);
        if (held == overlay_.end()) {
            if (!image_.read(offset, to.first(count))) return false;
        } else if (held->second == kZeros) {
            std::memset(to.data(), 0, count);
        } else {
            std::memcpy(to.data(), slot(held->second) + within, count);
        }
        offset += count;
        to = to.subspan(count);
    }
    return true;
}

bool Disk::write(u64 offset, std::span<const u8> from) {
    if (read_only() || !inside(offset, from.size())) return false;
    if (mode_ == Mode::ReadWrite) return image_.write(offset, from);
    while (!from.empty()) {
        const u64 within = offset % kBlock;
        const size_t count = std::min<size_t>(from.size(), kBlock - within);
        u8* const copy = copy_of(offset / kBlock, count == kBlock);
        if (copy == nullptr) return false;
        std::memcpy(copy + within, from.data(), count);
        offset += count;
        from = from.subspan(count);
    }
    return true;
}

bool Disk::zero(u64 offset, u64 count) {
    if (read_only() || !inside(offset, count)) return false;
    if (mode_ == Mode::ReadWrite) return image_.zero(offset, count);
    while (count != 0) {
        const u64 block = offset / kBlock;
        const u64 within = offset % kBlock;
        const u64 part = std::min(count, kBlock - within);
        const bool whole = part == kBlock || (within == 0 && offset + part == size());
        const auto held = overlay_.find(block);
        if (whole && held == overlay_.end()) {
            overlay_[block] = kZeros;
        } else if (whole && held->second != kZeros) {
            arena_.clear_page(held->second);
        } else if (!whole) {
            u8* const copy = copy_of(block, false);
            if (copy == nullptr) return false;
            std::memset(copy + within, 0, part);
        }
        offset += part;
        count -= part;
    }
    return true;
}

void Disk::visit(Archive& archive) {
    const std::string which = "snapshot: " + image_.path() + " is not the disk it was made with";
    Mode mode = mode_;
    archive.field("mode", mode);
    if (mode != mode_) throw ArchiveError("snapshot: made with " + image_.path() + " in another mode");
    u64 bytes = size();
    archive.field("size", bytes);
    if (bytes != size()) throw ArchiveError(which + ": another size");
    u64 identity = image_.identity();
    archive.field("identity", identity);
    if (identity != image_.identity())
        throw ArchiveError(which + (mode_ == Mode::ReadWrite
                                        ? ", or was written since (a file that is written is not kept in it)"
                                        : ": other contents"));
    if (mode_ == Mode::Overlay) visit_overlay(archive);
}

void Disk::visit_overlay(Archive& archive) {
    std::vector<u64> index;  // number and slot of each block
    for (const auto& [number, where] : overlay_) index.insert(index.end(), {number, where});
    u64 words = index.size();
    u64 slots = slots_;
    const u64 blocks = arena_.pages();
    archive.field("index_words", words);
    archive.field("slots", slots);
    if (archive.loading()) {
        if (words > 2 * blocks || words % 2 != 0 || slots > words / 2)
            throw ArchiveError("snapshot: a disk's contents are damaged");
        overlay_.clear();
        index.resize(words);
    }
    archive.bytes("index", index.data(), words * sizeof(u64));
    archive.pages("slots", arena_);
    if (!archive.loading()) return;
    slots_ = slots;
    std::vector<bool> taken(slots);
    for (size_t i = 0; i < words; i += 2) {
        const u64 where = index[i + 1];
        if (index[i] >= blocks || (where != kZeros && (where >= slots || taken[where])))
            throw ArchiveError("snapshot: a disk's contents are damaged");
        if (where != kZeros) taken[where] = true;
        overlay_.insert_or_assign(index[i], where);
    }
}

}  // namespace orrery
