// A raw disk image on the host: its bytes, and an identity by which a snapshot knows it again.
//
// Other programs are kept out by advisory locks (flock): a file that is written is open in one place only.
// Its size is a whole number of sectors.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "emulator/isa/types.h"

namespace orrery {

// An image that cannot be used. what() is one line for the user, and names the file.
class DiskError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class ImageFile {
  public:
    static constexpr u64 kSector = 512;
    static constexpr u64 kBlock = 4096;

    // Throws DiskError if the file is missing, unreadable, not regular, empty, no whole number of sectors, or
    // in use; to be written it must allow that.
    ImageFile(const std::string& path, bool writable);
    ~ImageFile();
    ImageFile(const ImageFile&) = delete;
    ImageFile& operator=(const ImageFile&) = delete;

    const std::string& path() const { return path_; }
    u64 size() const { return size_; }  // bytes, a multiple of kSector
    bool writable() const { return writable_; }

    // Within [0, size()). False where the host fails; error() then says how.
    bool read(u64 offset, std::span<u8> to);
    bool write(u64 offset, std::span<const u8> from);
    // Makes `count` bytes read as zero, giving the host's space back where its file system can.
    bool zero(u64 offset, u64 count);
    // Waits until the host has what was written on its disk.
    bool flush();

    // The sum over all blocks that are not all zeros of XXH3-64 (of the block, seeded with its number): the
    // same for equal contents, however sparse the file is. Worked out when first asked for, which reads the
    // whole file, and kept up to date from then on. Throws DiskError where the file cannot be read.
    u64 identity();

    // The first failure of the host's, for the user; empty: none.
    const std::string& error() const { return error_; }

  private:
    bool fail(const char* what);
    bool write_all(u64 offset, std::span<const u8> from);
    bool zero_all(u64 offset, u64 count);
    std::optional<u64> blocks_sum(u64 offset, u64 count);

    std::string path_;
    bool writable_;
    int file_;
    u64 size_ = 0;
    std::optional<u64> identity_;
    std::string error_;
};

}  // namespace orrery
