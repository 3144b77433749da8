// The test devices that a machine was asked for, made and mapped (test_devices.h says which there are).
#pragma once

#include <memory>
#include <vector>

#include "devices/fw_cfg.h"
#include "devices/isa_debug_exit.h"
#include "devices/pc_testdev.h"
#include "devices/test_devices.h"

namespace orrery {

class TestDeviceSet {
  public:
    using Lines = std::array<IrqLine, PcTestdev::kLineCount>;

    TestDeviceSet(Bus& bus, const TestDevices& wanted, unsigned cpus, const Lines& lines);

    // Puts them on the bus, after the board's own. Throws TestDeviceError where the place asked for is taken.
    void map(Bus& bus, const TestDevices& wanted, IsaDebugExit& debug_exit);

    const std::vector<Device*>& devices() const { return devices_; }
    // nullptr if the machine has none.
    FwCfg* fw_cfg() const { return fw_cfg_.get(); }

  private:
    std::unique_ptr<PcTestdev> pc_testdev_;
    std::unique_ptr<FwCfg> fw_cfg_;
    std::vector<Device*> devices_;
};

}  // namespace orrery
