// The border between a terminal and the hardware (or pseudo-hardware) under it.
//
// A TtyDriver moves bytes and knows nothing of lines, echo or signals; the Tty above it knows nothing of
// ports. Guarantees asked of a driver:
//   - write() never sleeps and may be called with interrupts off, also from the driver's own interrupt
//     handler (echo is produced while a received byte is being processed).
//   - A driver that once took fewer bytes than offered calls tty_driver_writable() when it can take more.
//   - Received bytes are handed to tty_driver_receive(), from interrupt context or from a task.
#pragma once

#include "core/types.h"

class Tty;
struct Termios;

class TtyDriver {
  public:
    virtual ~TtyDriver() = default;

    /// Takes up to `count` bytes for sending; returns how many it took (0 when its queue is full).
    virtual size_t write(const u8* bytes, size_t count) = 0;

    /// How many bytes write() would take now.
    virtual size_t write_room() = 0;

    /// How many bytes are taken but not yet on the wire (for TCSADRAIN and tcdrain).
    virtual size_t chars_in_buffer() { return 0; }

    /// Throws away what is taken but not yet sent (TCOFLUSH).
    virtual void flush_output() {}

    /// The line's speed, size or parity may have changed (termios(3) c_cflag). Optional.
    virtual void set_termios(const Termios& /*termios*/) {}

    /// The reader cannot take more (true) or can again (false). Optional.
    virtual void throttle(bool /*stop*/) {}

    /// Modem line states as TIOCMGET gives them (TIOCM_* bits), or a negative number when there are none.
    virtual int modem_lines() { return -1; }

    /// The last opener closed the terminal. Optional.
    virtual void close() {}

    Tty* tty = nullptr;  ///< Set by console_tty_init() / tty_register(); nullptr until then.
};

/// A received byte's condition. A break or a parity or framing error is told apart from data as termios(3)
/// (IGNBRK, BRKINT, PARMRK, INPCK) asks.
enum class TtyFlag : u8 { kNormal, kBreak, kParity, kFrame, kOverrun };

/// Hands received bytes to the terminal above `driver`; bytes that arrive before there is one are dropped.
/// Callable from interrupt context.
void tty_driver_receive(TtyDriver& driver, const u8* bytes, size_t count, TtyFlag flag = TtyFlag::kNormal);

/// Tells the terminal that write_room() is above zero again. Callable from interrupt context.
void tty_driver_writable(TtyDriver& driver);

/// Carrier lost: hangs the terminal up (SIGHUP, SIGCONT to the session's leader, EIO for users).
void tty_driver_hangup(TtyDriver& driver);
