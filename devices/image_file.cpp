#include "devices/image_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace orrery {

namespace {

constexpr u64 kChunk = u64{1} << 20;  // how much is read at once for the identity

bool all_zeros(std::span<const u8> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](u8 byte) { return byte == 0; });
}

}  // namespace

ImageFile::ImageFile(const std::string& path, bool writable)
    : path_(path),
      writable_(writable),
      file_(open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK)) {
    const auto refuse = [&](const std::string& why) {
        if (file_ >= 0) close(file_);
        throw DiskError(path + ": " + why);
    };
    struct stat status;
    if (file_ < 0 && errno == EISDIR) refuse("is a directory");
    if (file_ < 0 || fstat(file_, &status) != 0) refuse(std::strerror(errno));
    if (S_ISDIR(status.st_mode)) refuse("is a directory");
    if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
    if (status.st_size == 0) refuse("is empty");
    size_ = static_cast<u64>(status.st_size);
    if (size_ % kSector != 0) refuse("is no disk: its size is not a multiple of 512 bytes");
    // File systems without locks go without.
    if (flock(file_, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        refuse(writable ? "is in use, and a disk that is written must not be shared"
                        : "is being written by another machine");
}

ImageFile::~ImageFile() {
    close(file_);
}

bool ImageFile::fail(const char* what) {
    if (error_.empty()) error_ = path_ + ": " + what + ": " + std::strerror(errno);
    return false;
}

bool ImageFile::read(u64 offset, std::span<u8> to) {
    while (!to.empty()) {
        if (offset >= size_) {
            std::fill(to.begin(), to.end(), u8{0});
            return true;
        }
        const size_t wanted = std::min<u64>(to.size(), size_ - offset);
        const ssize_t count = pread(file_, to.data(), wanted, static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) errno = ENODATA;  // somebody cut the file
        if (count <= 0) return fail("cannot be read");
        offset += static_cast<u64>(count);
        to = to.subspan(static_cast<size_t>(count));
    }
    return true;
}

bool ImageFile::write_all(u64 offset, std::span<const u8> from) {
    while (!from.empty()) {
        const ssize_t count = pwrite(file_, from.data(), from.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail("cannot be written");
        offset += static_cast<u64>(count);
        from = from.subspan(static_cast<size_t>(count));
    }
    return true;
}

bool ImageFile::zero_all(u64 offset, u64 count) {
    if (fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(count)) == 0)
        return true;
    const std::vector<u8> zeros(std::min(count, kChunk));
    for (u64 done = 0; done < count; done += zeros.size())
        if (!write_all(offset + done, {zeros.data(), std::min<u64>(zeros.size(), count - done)}))
            return false;
    return true;
}

// A change takes what it covers out of the sum before, and puts it in again after.
bool ImageFile::write(u64 offset, std::span<const u8> from) {
    const std::optional<u64> before = identity_ ? blocks_sum(offset, from.size()) : std::nullopt;
    const bool written = write_all(offset, from);
    const std::optional<u64> after = before ? blocks_sum(offset, from.size()) : std::nullopt;
    identity_ = after ? std::optional(*identity_ - *before + *after) : std::nullopt;
    return written;
}

bool ImageFile::zero(u64 offset, u64 count) {
    const std::optional<u64> before = identity_ ? blocks_sum(offset, count) : std::nullopt;
    const bool written = zero_all(offset, count);
    const std::optional<u64> after = before ? blocks_sum(offset, count) : std::nullopt;
    identity_ = after ? std::optional(*identity_ - *before + *after) : std::nullopt;
    return written;
}

bool ImageFile::flush() {
    return !writable_ || fdatasync(file_) == 0 || fail("cannot be written");
}

// Of all blocks that these bytes touch; nothing where they cannot be read.
std::optional<u64> ImageFile::blocks_sum(u64 offset, u64 count) {
    u64 sum = 0;
    u64 at = offset / kBlock * kBlock;
    const u64 end = (offset + count + kBlock - 1) / kBlock * kBlock;
    std::vector<u8> chunk(std::min(end - at, kChunk));
    while (at < end && at < size_) {
        // What the host knows to be a hole need not be read.
        const off_t data = lseek(file_, static_cast<off_t>(at), SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data > 0) at = std::max(at, static_cast<u64>(data) / kBlock * kBlock);
        const u64 size = at < end ? std::min<u64>(chunk.size(), end - at) : 0;
        if (!read(at, {chunk.data(), size})) return std::nullopt;
        for (u64 within = 0; within < size; within += kBlock) {
            const std::span<const u8> block{chunk.data() + within, kBlock};
            if (!all_zeros(block)) sum += XXH3_64bits_withSeed(block.data(), kBlock, (at + within) / kBlock);
        }
        at += size;
    }
    return sum;
}

u64 ImageFile::identity() {
    if (!identity_) identity_ = blocks_sum(0, size_);
    if (!identity_) throw DiskError(error_);
    return *identity_;
}

}  // namespace orrery
