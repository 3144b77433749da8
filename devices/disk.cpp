#include "devices/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace orrery {

Disk::Disk(const std::string& path, Mode mode)
    : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), mode_(mode) {
    const auto fail = [&](const std::string& why) {
        if (file_ >= 0) close(file_);
        throw DiskError(path + ": " + why);
    };
    struct stat status;
    if (file_ < 0 || fstat(file_, &status) != 0) fail(std::strerror(errno));
    if (S_ISDIR(status.st_mode)) fail("is a directory");
    if (!S_ISREG(status.st_mode)) fail("is not a regular file");
    if (status.st_size == 0) fail("is empty");
    size_ = static_cast<u64>(status.st_size);
    if (size_ % kSector != 0) fail("is no disk image: its size is not a multiple of 512 bytes");
}

Disk::~Disk() {
    close(file_);
}

bool Disk::read_file(u64 offset, std::span<u8> to) const {
    size_t done = 0;
    while (done < to.size()) {
        const ssize_t count =
            pread(file_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        done += static_cast<size_t>(count);
    }
    return true;
}

bool Disk::read(u64 offset, std::span<u8> to) {
    if (!inside(offset, to.size())) return false;
    while (!to.empty()) {
        const u64 within = offset % kBlock;
        const size_t count = std::min<size_t>(to.size(), kBlock - within);
        const auto held = overlay_.find(offset / kBlock);
        if (held == overlay_.end()) {
            if (!read_file(offset, to.first(count))) return false;
        } else {
            std::copy_n(held->second.begin() + static_cast<std::ptrdiff_t>(within), count, to.begin());
        }
        offset += count;
        to = to.subspan(count);
    }
    return true;
}

bool Disk::write(u64 offset, std::span<const u8> from) {
    if (read_only() || !inside(offset, from.size())) return false;
    while (!from.empty()) {
        const u64 number = offset / kBlock;
        const u64 within = offset % kBlock;
        const size_t count = std::min<size_t>(from.size(), kBlock - within);
        auto held = overlay_.find(number);
        if (held == overlay_.end()) {
            Block block{};
            const u64 there = std::min(kBlock, size_ - number * kBlock);
            if (!read_file(number * kBlock, {block.data(), there})) return false;
            held = overlay_.emplace(number, block).first;
        }
        std::copy_n(from.begin(), count, held->second.begin() + static_cast<std::ptrdiff_t>(within));
        offset += count;
        from = from.subspan(count);
    }
    return true;
}

void Disk::visit(Archive& archive) {
    u64 size = size_;
    archive.field("size", size);
    if (size != size_) throw ArchiveError("snapshot: made with a disk image of another size");
    u64 count = overlay_.size();
    archive.field("blocks", count);
    if (!archive.loading()) {
        for (auto& [number, block] : overlay_) {
            u64 at = number;
            archive.field("number", at);
            archive.field("block", block);
        }
        return;
    }
    overlay_.clear();
    for (u64 i = 0; i < count; ++i) {
        u64 number = 0;
        Block block;
        archive.field("number", number);
        archive.field("block", block);
        if (number > size_ / kBlock) throw ArchiveError("snapshot: a disk's contents are damaged");
        overlay_.insert_or_assign(number, block);
    }
}

}  // namespace orrery
