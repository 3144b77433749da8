// The path that a CPU takes, put together from its instructions as they begin: the stretch that is open, and what is
// needed to tell of each line once (core_model.h). With a PathModel it is part of the CPU's state.
#pragma once

#include <optional>
#include <span>

#include "emulator/core/timing/core_model.h"

namespace orrery {

class Path {
  public:
    // What decides where stretches end, of an instruction.
    enum Kind : u8 { kPlain, kBranch, kAlone };

    // `bytes`, 1 to 15, are about to be executed at `linear`. The stretch that has ended by this, if one has: valid
    // until the next call.
    std::optional<Stretch> begin(u64 linear, CpuMode mode, std::span<const u8> bytes, Kind kind);
    // The last instruction told of, a repeated one, is left between two iterations, to go on where nothing else
    // comes in between.
    void leave_in_part() { in_part_ = true; }
    // An event is being delivered, RIP being at `linear`. `fault`: of the instruction there.
    void cut(u64 linear, bool fault);

    // False where the line need not be told of.
    bool new_data_line(u64 line, bool write);
    bool new_fetch_line(u64 line);

    // Nobody is told for now.
    void forget() {
        instructions_ = length_ = 0;
        in_part_ = cut_ = cut_by_fault_ = false;
        data_line_ = fetch_line_ = kNoLine;
    }
    // Throws ArchiveError for lengths that cannot be.
    void visit(Archive& archive);

  private:
    std::optional<Stretch::End> end_at(u64 linear, CpuMode mode, Kind kind) const;
    bool goes_on(u64 linear) const { return in_part_ && !cut_ && linear == last_; }

    static constexpr u64 kNoLine = 1;
    u64 start_ = 0, last_ = 0;
    CpuMode mode_ = CpuMode::Bits64;
    Kind last_kind_ = kPlain;
    bool in_part_ = false;
    bool cut_ = false, cut_by_fault_ = false;
    u64 cut_at_ = 0;
    u32 instructions_ = 0;
    u32 length_ = 0;  // of bytes_ that are in use
    u64 data_line_ = kNoLine;
    bool data_written_ = false;
    u64 fetch_line_ = kNoLine;
    u8 bytes_[Stretch::kMost * 15] = {};
    u8 ended_bytes_[Stretch::kMost * 15] = {};  // of the stretch handed out
};

}  // namespace orrery
