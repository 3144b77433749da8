// What a disk controller stores to: a raw image file, read-only or under a copy-on-write overlay in memory.
//
// The file is never written. Its bytes are part of the machine's inputs, like its other images: it must not
// change while the machine lives. The overlay is state; the file is not, but its size is checked when a
// snapshot is loaded.
#pragma once

#include <array>
#include <map>
#include <span>
#include <stdexcept>
#include <string>

#include "emulator/base/types.h"
#include "emulator/replay/archive.h"

namespace orrery {

// An image that cannot be used. what() is one line for the user, and names the file.
class DiskError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Disk {
  public:
    static constexpr u64 kSector = 512;
    enum class Mode { ReadOnly, Overlay };

    // Throws DiskError if the file is missing, unreadable, not regular, empty, or not a whole number of
    // sectors.
    Disk(const std::string& path, Mode mode);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    u64 size() const { return size_; }  // bytes
    bool read_only() const { return mode_ == Mode::ReadOnly; }
    // False beyond the end or where the host cannot read the file.
    bool read(u64 offset, std::span<u8> to);
    // False beyond the end, or of a read-only disk.
    bool write(u64 offset, std::span<const u8> from);

    // As the image was: what the overlay holds is dropped.
    void reset() { overlay_.clear(); }
    void visit(Archive& archive);

  private:
    static constexpr u64 kBlock = 4096;
    using Block = std::array<u8, kBlock>;
    bool inside(u64 offset, u64 count) const { return offset <= size_ && count <= size_ - offset; }
    bool read_file(u64 offset, std::span<u8> to) const;

    int file_;
    u64 size_ = 0;
    Mode mode_;
    std::map<u64, Block> overlay_;  // by block number
};

}  // namespace orrery
