// The power-on self-test's diagnostic port: a latch that a plug-in card would show (IBM PC AT Technical
// Reference, 1984, "I/O address map"; Intel 82371SB PIIX3 data sheet, 2.6.3, where the port is an unused page
// register).
//
//   80   the last byte written, also read back
//
// Firmware reports its progress here, and Linux writes to it to wait for a slow bus (io_delay).
#pragma once

#include "emulator/core/bus/device.h"

namespace orrery {

class PostPort : public Device {
  public:
    static constexpr u16 kPort = 0x80;

    std::string_view name() const override { return "post_port"; }
    void reset() override { code_ = 0; }
    void visit(Archive& archive) override { archive.field("code", code_); }
    u32 io_read(u16, unsigned) override { return code_; }
    void io_write(u16, unsigned, u32 value) override { code_ = static_cast<u8>(value); }

  private:
    u8 code_ = 0;
};

}  // namespace orrery
