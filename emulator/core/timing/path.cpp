#include "emulator/core/timing/path.h"

#include <cstring>

namespace orrery {

// How the open stretch ends where an instruction begins at `linear`; nothing where it goes on with it.
std::optional<Stretch::End> Path::end_at(u64 linear, CpuMode mode, Kind kind) const {
    if (instructions_ == 0) return std::nullopt;
    const bool faulted = cut_ && cut_by_fault_ && cut_at_ == last_;
    if (last_kind_ == kBranch && !faulted) return Stretch::End::Branch;
    if (cut_ || mode != mode_) return Stretch::End::Event;
    if (last_kind_ == kAlone) return Stretch::End::Alone;
    if (linear != start_ + length_) return Stretch::End::Event;
    if (kind == kAlone) return Stretch::End::Alone;
    if (instructions_ == Stretch::kMost) return Stretch::End::Full;
    return std::nullopt;
}

std::optional<Stretch> Path::begin(u64 linear, CpuMode mode, std::span<const u8> bytes, Kind kind) {
    if (goes_on(linear)) {
        in_part_ = false;
        return std::nullopt;
    }
    std::optional<Stretch> ended;
    if (const std::optional<Stretch::End> end = end_at(linear, mode, kind)) {
        std::memcpy(ended_bytes_, bytes_, length_);
        ended = Stretch{start_, mode_, instructions_,          {ended_bytes_, length_},
                        *end,   last_, cut_ ? cut_at_ : linear};
        instructions_ = length_ = 0;
    }
    if (instructions_ == 0) {
        start_ = linear;
        mode_ = mode;
    }
    std::memcpy(bytes_ + length_, bytes.data(), bytes.size());
    length_ += static_cast<u32>(bytes.size());
    ++instructions_;
    last_ = linear;
    last_kind_ = kind;
    in_part_ = cut_ = cut_by_fault_ = false;
    cut_at_ = 0;
    data_line_ = kNoLine;
    return ended;
}

void Path::cut(u64 linear, bool fault) {
    if (cut_) return;  // a fault in the delivery of another event
    cut_ = true;
    cut_by_fault_ = fault;
    cut_at_ = linear;
}

bool Path::new_data_line(u64 line, bool write) {
    if (line == data_line_ && write == data_written_) return false;
    data_line_ = line;
    data_written_ = write;
    return true;
}

bool Path::new_fetch_line(u64 line) {
    if (line == fetch_line_) return false;
    fetch_line_ = line;
    return true;
}

void Path::visit(Archive& archive) {
    archive.field("start", start_);
    archive.field("last", last_);
    archive.field("mode", mode_);
    archive.field("last_kind", last_kind_);
    archive.field("in_part", in_part_);
    archive.field("cut", cut_);
    archive.field("cut_by_fault", cut_by_fault_);
    archive.field("cut_at", cut_at_);
    archive.field("instructions", instructions_);
    archive.field("length", length_);
    archive.field("data_line", data_line_);
    archive.field("data_written", data_written_);
    archive.field("fetch_line", fetch_line_);
    if (instructions_ > Stretch::kMost || length_ > instructions_ * 15)
        throw ArchiveError("snapshot: damaged (a CPU's stretch)");
    archive.bytes("bytes", bytes_, length_);
}

}  // namespace orrery
