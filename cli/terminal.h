// The host's terminal as the guest's console: raw while a guest runs in it, put back on every way out.
#pragma once

#include <termios.h>

#include <vector>

#include "emulator/core/bus/device.h"

namespace orrery {

// Guest output to stdout, at once.
class StdoutSink : public OutputSink {
  public:
    void write(std::span<const u8> data) override;
    // False once stdout could not be written (a closed pipe): nothing more is.
    bool good() const { return error_ == 0; }
    int error() const { return error_; }  // errno's value
    // Throws OutputError unless good().
    void check() const;
    u64 bytes() const { return bytes_; }

  private:
    int error_ = 0;
    u64 bytes_ = 0;
};

// What is typed on stdin. A terminal is put into raw mode for this object's lifetime, and Ctrl-A x then ends
// the session (as in QEMU); from a pipe or file, bytes come as they are, until its end.
class RawTerminal {
  public:
    RawTerminal();
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    // Whether there may be more to read.
    bool active() const { return active_; }
    // Whether stdin is a terminal.
    bool raw() const { return raw_; }
    // At most 16 bytes (a serial port's FIFO), and from a pipe at most one line, waiting for up to
    // `milliseconds` (0: not at all).
    std::vector<u8> read(int milliseconds);
    bool quit_requested() const { return quit_; }
    // Puts back the terminal that is in raw mode, if one is. A signal handler may call it.
    static void put_back();

  private:
    static constexpr size_t kFifo = 16;
    void take(u8 byte, std::vector<u8>& typed);

    bool active_ = false;
    bool raw_ = false;  // stdin is a terminal, and saved_ what it was
    bool escape_ = false;
    bool quit_ = false;
    termios saved_{};
};

// When to hand over what comes from a pipe: a script does not wait for prompts, so its bytes wait until the
// guest does (or has been busy for long), which also keeps them clear of a serial port that is not yet set
// up.
class PipePacer {
  public:
    bool wants_input(bool idle, bool printed) {
        quiet_ = idle ? quiet_ + 1 : 0;
        ++since_input_;
        if ((quiet_ < kQuietSlices || !printed) && since_input_ < kBusySlices) return false;
        quiet_ = since_input_ = 0;
        return true;
    }

  private:
    static constexpr unsigned kQuietSlices = 5, kBusySlices = 500;  // of 10 ms of virtual time
    unsigned quiet_ = 0, since_input_ = 0;
};

}  // namespace orrery
