// Where a recording's images are now: in it, at the path they had, beside it, or beside the program; known by
// hash.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emulator/machine/boot/loader.h"
#include "emulator/time-travel/record/recorded_machine.h"

namespace orrery {

// A file without a name, which goes with this object; path() names it to this process.
class TemporaryFile {
  public:
    // Throws RecordingError where the host refuses.
    TemporaryFile();
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    void resize(u64 size);
    void write(u64 offset, std::span<const u8> bytes);
    std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

  private:
    int file_;
};

struct FoundImages {
    GuestFiles files;
    std::string kernel;              // a path to read symbols from
    std::vector<std::string> disks;  // paths
    std::vector<FwCfgFile> fw_cfg_files;
    std::string snapshot;  // a path, or empty
    // Where embedded images were put that are needed as files.
    std::vector<std::unique_ptr<TemporaryFile>> holders;
};

// `directories` are looked into beside the recording's own; images/ below them too. Throws RecordingError: an
// image is nowhere, or has changed.
FoundImages find_images(const Recording& recording, const RecordedMachine& machine,
                        const std::vector<std::string>& directories);

}  // namespace orrery
