// The PC's way of reporting x87 errors while CR0.NE is clear: FERR# of the first CPU sets a latch that drives
// ISA interrupt 13 (Intel SDM vol. 1, D.2.1; 82371SB PIIX3 data sheet, 2.5.11, "Coprocessor error register").
//
//   F0   write: clears the latch, and where it was set, has the CPU ignore the error (IGNNE#) until it raises
//        another
//   F1   write: resets a 287; nothing on later CPUs. Both read as FFH
#pragma once

#include <functional>

#include "emulator/core/bus/device.h"

namespace orrery {

class FpuErrorLatch : public Device {
  public:
    static constexpr u16 kPort = 0xf0;

    FpuErrorLatch(IrqLine line, std::function<void()> assert_ignne)
        : line_(line), assert_ignne_(std::move(assert_ignne)) {}

    // FERR# is asserted.
    void raise() {
        latched_ = true;
        line_.set(true);
    }

    std::string_view name() const override { return "fpu_error"; }
    void reset() override { latched_ = false; }
    void visit(Archive& archive) override { archive.field("latched", latched_); }
    u32 io_read(u16, unsigned) override { return 0xff; }
    void io_write(u16 port, unsigned, u32) override {
        if (port != kPort || !latched_) return;
        latched_ = false;
        line_.set(false);
        assert_ignne_();
    }

  private:
    IrqLine line_;
    std::function<void()> assert_ignne_;
    bool latched_ = false;
};

}  // namespace orrery
