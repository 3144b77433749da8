// TtyFile: a terminal opened through a device node.
#pragma once

#include "fs/file.h"
#include "tty/tty.h"

class TtyFile : public File {
  public:
    /// `as_console`: opened as /dev/console, which a hang-up leaves usable.
    TtyFile(Inode& file_inode, tty_struct& its_tty, bool as_console);
    ~TtyFile() override;
    Result<size_t> read(IovIter& to, loff_t& pos) override;
    Result<size_t> write(IovIter& from, loff_t& pos) override;
    bool is_stream() const override { return true; }
    Result<long> ioctl(u32 request, u64 argument) override;
    u32 poll(PollTable* table) override;
    Result<void> allocate(int, loff_t, loff_t) override { return Errno::ESPIPE; }

    tty_struct& tty;

  protected:
    u32 generation() const { return console_ ? tty.generation() : generation_; }
    bool hung_up() const { return generation() != tty.generation(); }

  private:
    bool console_;
    u32 generation_;
};

/// Requests that a terminal and a pseudo-terminal's master share (tty_ioctl.cpp). ENOTTY.
Result<long> tty_ioctl(tty_struct& tty, u32 request, u64 argument);
