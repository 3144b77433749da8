// A file that is written at once and whole: a snapshot, statistics, a picture.
//
// What is written goes into a file beside it, which gets the name when it is complete: whatever happens before,
// no part of it lies under the name. What is no regular file (a pipe, /dev/stdout) is written directly.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "emulator/isa/types.h"

namespace orrery {

// Output that could not be written. what() is one line that names it and says why.
class OutputError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class OutputFile {
  public:
    // Throws OutputError where `path` cannot be written.
    explicit OutputFile(const std::string& path);
    // What was not committed is gone.
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    // Both throw OutputError.
    void write(std::span<const u8> bytes);
    void write(std::string_view text);
    // The file is complete: it gets its name.
    void commit();

    // Throws OutputError where `path` could not be written now; leaves everything as it is.
    static void check(const std::string& path);

  private:
    [[noreturn]] void fail(int error) const;

    std::string path_;  // as given
    std::string name_;  // what it becomes: where links lead to
    std::string part_;  // its name until then; empty: written directly, or committed
    int file_ = -1;
};

}  // namespace orrery
