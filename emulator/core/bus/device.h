// What a device is to the machine: registers in port or memory space, interrupt lines, timers, and one way in
// for everything that comes from outside.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

class Device {
  public:
    virtual ~Device() = default;

    // Stable and unique in a machine ("uart16550.0"): it names the device in snapshots, logs and the
    // debugger.
    virtual std::string_view name() const = 0;

    // Power-on state.
    virtual void reset() = 0;

    // All of its state (DESIGN: what is not visited does not exist).
    virtual void visit(Archive& archive) = 0;

    // Port space. `port` is absolute; `size` is 1, 2 or 4 bytes. What is not decoded reads as all ones.
    virtual u32 io_read(u16 port, unsigned size);
    virtual void io_write(u16 port, unsigned size, u32 value);

    // Memory space. `offset` is from the start of the region mapped; `size` is 1, 2, 4 or 8 bytes, never
    // crossing the region's end. `region` tells regions of one device apart.
    virtual u64 mmio_read(unsigned region, u64 offset, unsigned size);
    virtual void mmio_write(unsigned region, u64 offset, unsigned size, u64 value);

    // An input from outside (serial bytes, a key, a network frame). Only the machine calls this, at an
    // instruction boundary, after logging it: nothing else from outside may reach a device's state.
    virtual void input(std::span<const u8> data);
};

// Where a device's output goes (a terminal, a test's buffer, a file). Never a source of state.
class OutputSink {
  public:
    virtual ~OutputSink() = default;
    virtual void write(std::span<const u8> data) = 0;
};

// Anything with interrupt inputs.
class IrqSink {
  public:
    virtual ~IrqSink() = default;
    // Drives input `line` to `level`. Edge or level sensitivity is the receiver's.
    virtual void set_irq(unsigned line, bool level) = 0;
};

// One wire to an interrupt controller; a default-made one is not connected.
struct IrqLine {
    IrqSink* sink = nullptr;
    unsigned line = 0;

    void set(bool level) const {
        if (sink != nullptr) sink->set_irq(line, level);
    }
    void pulse() const {
        set(true);
        set(false);
    }
};

// A message-signalled interrupt, as written to 0xFEExxxxx (Intel SDM vol. 3A, 11.11).
class MsiSink {
  public:
    virtual ~MsiSink() = default;
    virtual void send_msi(u64 address, u32 data) = 0;
};

}  // namespace orrery
