// Writes a recording (recording.h), block by block as the run goes on.
//
// The file appears under its name once its header and its embedded images are in it; before that it is
// NAME.part. Every block is handed to the host at once: whatever happens to this process, what was written
// stays. A write that fails (a full disk) ends the recording: the file is cut to its last whole block, or is
// gone where it had no name yet; error() says why, and whatever else is written is dropped.
#pragma once

#include <span>
#include <string>

#include "emulator/time-travel/record/recording.h"
#include "emulator/time-travel/record/recording_blocks.h"

namespace orrery {

class RecordingWriter {
  public:
    // Makes PATH.part and writes the header. Throws RecordingError where no such file can be made, but for a
    // full disk.
    RecordingWriter(const std::string& path, const std::string& header);
    ~RecordingWriter();
    RecordingWriter(const RecordingWriter&) = delete;
    RecordingWriter& operator=(const RecordingWriter&) = delete;

    // A piece of an embedded image; pieces of zeros may be left out. Before begin().
    void image(u32 index, u64 offset, std::span<const u8> bytes);
    static constexpr size_t kPiece = size_t{1} << 20;  // bytes, at most
    // The images are complete: the file gets its name.
    void begin();

    void components(const std::vector<std::string>& names);
    void input(unsigned run, const LoggedInput& input);
    void link(unsigned run, const ChainLink& link);
    void branch(unsigned run, unsigned parent, Moment fork, u64 inherited);
    void present(unsigned run);
    void bookmark(const RecordedBookmark& bookmark, bool add = true);
    void end(unsigned run, const RecordedEnd& end);

    // One line that names the file; empty while the recording goes on.
    const std::string& error() const { return error_; }
    u64 size() const { return size_; }  // bytes of whole blocks

  private:
    void put(BlockKind kind, std::span<const u8> body);
    void write(std::span<const u8> bytes);
    void fail(int error);

    std::string path_;
    std::string part_;  // the file's name before begin(), empty afterwards
    int file_;
    u64 size_ = 0;
    u32 number_ = 0;
    std::string error_;
};

}  // namespace orrery
