// A recording: what a run needs to be computed again, and what it was like, as a file.
//
//   8 bytes   "ORRERYR" and the format's version, as a byte
//   blocks    each 32 bytes of head, then its body, plain or compressed (zstd)
//
// A block's head (little-endian): kind (1), method (1: 0 plain, 1 zstd), zero (2), number of the block (4),
// bytes stored (4), bytes of the body (4), XXH3-64 of what is stored (8), XXH3-64 of the 24 bytes before (8).
// The first block is the header; the pieces of embedded images follow, then the log, block by block as the
// run goes on. So a file that ends early is readable up to its last whole block, and a changed byte is
// noticed.
//
// Time can branch: a run begins within another one, at a moment, having had so many of its inputs. Run 0 is
// the first. The chain of hashes belongs to a run; in a branch it goes on from the last link before the fork.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/isa/types.h"
#include "emulator/machine/input.h"

namespace orrery {

// what() is one line that names the file. `damaged`: it is a recording, and its contents are wrong.
class RecordingError : public std::runtime_error {
  public:
    explicit RecordingError(const std::string& what, bool is_damaged = false)
        : std::runtime_error(what), damaged(is_damaged) {}
    bool damaged;
};

inline constexpr char kRecordingMagic[7] = {'O', 'R', 'R', 'E', 'R', 'Y', 'R'};
inline constexpr u8 kRecordingVersion = 2;

// The state of the machine at a moment: XXH3-64 of the link before, the moment, and the hash of every
// component (Machine::component_hashes()). The components' own hashes are kept too, the low half of each.
struct ChainLink {
    Moment moment;
    u64 digest = 0;
    std::vector<u32> components;  // in the order of Recording::components
};

// How a run ended.
struct RecordedEnd {
    Moment moment;
    u8 reason = 0;      // StopReason
    u32 exit_code = 0;  // isa-debug-exit
    u8 status = 0;      // of the process that recorded
};

struct RecordedRun {
    unsigned parent = 0;
    Moment fork;
    u64 inherited = 0;                // how many of the parent's inputs entered before the fork
    std::vector<LoggedInput> inputs;  // after the fork
    std::vector<ChainLink> links;     // after the fork
    std::optional<RecordedEnd> end;
    Moment last;  // the last moment known
};

struct RecordedBookmark {
    unsigned run = 0;
    Moment moment;
    std::string note;
    bool operator==(const RecordedBookmark&) const = default;
};

// A piece of an embedded image, still in the file.
struct ImagePiece {
    u64 offset = 0;    // in the image; what no piece covers is zeros
    u64 size = 0;      // bytes
    u64 position = 0;  // of its block in the file
    u64 block = 0;     // number of its block
};

struct Recording {
    std::string path;
    std::string header;                           // JSON: recorded_machine.h knows what is in it
    std::vector<std::vector<ImagePiece>> images;  // of each image; those that are not embedded have none
    bool images_complete = false;                 // all pieces that were to be embedded are there
    std::vector<std::string> components;
    std::vector<RecordedRun> runs;  // at least run 0
    std::vector<RecordedBookmark> bookmarks;
    unsigned present = 0;    // the run that was the present one at the end
    bool cut_short = false;  // the file ends within a block, or no end of the present run is in it
    u64 size = 0;            // bytes of whole blocks

    // All inputs of a run from the start on, in the order in which they entered; its links likewise.
    std::vector<LoggedInput> inputs_of(unsigned run) const;
    std::vector<ChainLink> links_of(unsigned run) const;
};

// The instruction count of the first link that comes after `instructions`, in a run that began at `start`:
// every 2^25 instructions, and from each 64th link on half as often, so that a recording grows with its
// inputs and hardly with its length.
u64 next_link(u64 start, u64 instructions);

// The digest of a link whose predecessor's is `previous` (0: none).
u64 chain_digest(u64 previous, Moment moment, const std::vector<u64>& components);

}  // namespace orrery
