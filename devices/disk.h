// What a disk controller stores to: a raw image file, read-only, under a copy-on-write overlay in memory, or
// written.
//
//   Overlay     the file is never written; what the guest writes is state, and lies in memory, sparsely
//   ReadOnly    the guest is told so, and its writes are refused
//   ReadWrite   the file is written; its contents are then state, but are not copied into snapshots
//
// A file's bytes are part of the machine's inputs, like its other images: nobody else may change them while
// the machine lives. A snapshot holds the overlay and the identity of the file's contents at that moment, and
// is loaded only with a file of that identity: so a machine that writes its file goes on from its snapshot as
// long as the file is as it was left.
#pragma once

#include <map>
#include <span>
#include <string>

#include "devices/image_file.h"
#include "emulator/core/state/archive.h"

namespace orrery {

class Disk {
  public:
    static constexpr u64 kSector = ImageFile::kSector;
    enum class Mode : u8 { ReadOnly, Overlay, ReadWrite };

    // Throws DiskError as ImageFile does.
    Disk(const std::string& path, Mode mode);
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    u64 size() const { return image_.size(); }  // bytes
    Mode mode() const { return mode_; }
    bool read_only() const { return mode_ == Mode::ReadOnly; }
    const ImageFile& image() const { return image_; }
    u64 identity() { return image_.identity(); }            // of the file's contents (ImageFile)
    u64 overlay_blocks() const { return overlay_.size(); }  // of ImageFile::kBlock bytes

    // False beyond the end or where the host cannot read the file.
    bool read(u64 offset, std::span<u8> to);
    // False beyond the end, of a read-only disk, or where the host fails.
    bool write(u64 offset, std::span<const u8> from);
    // Makes `count` bytes read as zero; false as write().
    bool zero(u64 offset, u64 count);
    // What was written is safe: on the host's disk if the file is written.
    bool flush() { return image_.flush(); }

    // Power-on: what the overlay holds is dropped. (A reset of the machine changes no disk.)
    void power_on();
    void visit(Archive& archive);

  private:
    static constexpr u64 kBlock = ImageFile::kBlock;
    static constexpr u64 kZeros = ~u64{0};  // in place of a slot: the block is all zeros
    bool inside(u64 offset, u64 count) const { return offset <= size() && count <= size() - offset; }
    u8* slot(u64 index) { return arena_.data() + index * kBlock; }
    u8* slot_to_write(u64 index) {
        arena_.touch(index);
        return slot(index);
    }
    // The overlay's copy of a block, made if need be; nullptr where the host cannot read the file.
    u8* copy_of(u64 block, bool whole);
    void visit_overlay(Archive& archive);

    ImageFile image_;
    Mode mode_;
    // The overlay: slots of one block each, given out in order, in an address range as long as the disk.
    PagedMemory arena_;
    u64 slots_ = 0;               // in use
    std::map<u64, u64> overlay_;  // block number to slot, or kZeros
};

// A disk to be made.
struct DiskConfig {
    std::string path;
    Disk::Mode mode = Disk::Mode::Overlay;
};

}  // namespace orrery
