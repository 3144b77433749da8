// A port through which a guest ends the run with an exit status: QEMU's isa-debug-exit device (docs/specs of
// QEMU; the convention of kernel test suites).
//
//   F4   a write of v ends the run with status (v << 1) | 1; reads give 0
#pragma once

#include <functional>

#include "emulator/core/bus/device.h"

namespace orrery {

class IsaDebugExit : public Device {
  public:
    static constexpr u16 kPort = 0xf4;

    explicit IsaDebugExit(std::function<void(u32 status)> exit) : exit_(std::move(exit)) {}

    std::string_view name() const override { return "isa_debug_exit"; }
    void reset() override {}
    void visit(Archive&) override {}
    u32 io_read(u16, unsigned) override { return 0; }
    void io_write(u16, unsigned, u32 value) override { exit_(value << 1 | 1); }

  private:
    std::function<void(u32)> exit_;
};

}  // namespace orrery
