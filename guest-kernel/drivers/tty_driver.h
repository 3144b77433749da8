// The byte-oriented face of a terminal's hardware: what drivers/ gives to tty/.
//
// Guarantees: write() never sleeps and takes all bytes (the driver buffers or polls); received bytes are
// handed to the receiver in interrupt context, one at a time, in order.
#pragma once

#include "core/result.h"
#include "core/types.h"

class Device;
struct AttributeGroup;

class TtyReceiver {
  public:
    /// From an interrupt handler: must not sleep.
    virtual void receive_byte(u8 byte) = 0;
    /// A break condition or a framing/parity error came with `byte`.
    virtual void receive_error(u8 byte) { receive_byte(byte); }

  protected:
    ~TtyReceiver() = default;
};

class TtyDriver {
  public:
    virtual const char* name() const = 0;  // "ttyS0"
    /// Send bytes as they are (no newline translation). Returns the number taken.
    virtual size_t write(const u8* bytes, size_t count) = 0;
    /// Bytes that write() would take now without waiting.
    virtual size_t write_room() const = 0;
    /// Sleep until everything written has left (tcdrain). May sleep.
    virtual void drain() = 0;
    virtual void set_receiver(TtyReceiver* receiver) = 0;
    /// Requests that only the hardware's driver knows (TIOCGSERIAL). ENOTTY.
    virtual Result<long> ioctl(u32 /*request*/, u64 /*argument*/) { return Errno::ENOTTY; }
    /// The hardware as a device, null if it is none; and what the terminal's own directory in /sys has more (its
    /// objects are TtyDevices).
    virtual Device* device() const { return nullptr; }
    virtual const AttributeGroup* attributes() const { return nullptr; }

  protected:
    ~TtyDriver() = default;
};
