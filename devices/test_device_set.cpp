#include "devices/test_device_set.h"

namespace orrery {

TestDeviceSet::TestDeviceSet(Bus& bus, const TestDevices& wanted, unsigned cpus, const Lines& lines) {
    if (wanted.pc_testdev) {
        pc_testdev_ = std::make_unique<PcTestdev>(lines);
        devices_.push_back(pc_testdev_.get());
    }
    if (wanted.fw_cfg) {
        fw_cfg_ = std::make_unique<FwCfg>(bus, cpus, wanted.fw_cfg_files);
        devices_.push_back(fw_cfg_.get());
    }
}

void TestDeviceSet::map(Bus& bus, const TestDevices& wanted, IsaDebugExit& debug_exit) {
    if (pc_testdev_) {
        for (u16 port : {PcTestdev::kLatch, PcTestdev::kFlush, PcTestdev::kByteLatch})
            bus.map_io(port, 4, *pc_testdev_);
        bus.map_io(PcTestdev::kLines, PcTestdev::kLineCount, *pc_testdev_);
        bus.map_mmio(PcTestdev::kMemory, PcTestdev::kMemorySize, *pc_testdev_);
    }
    if (fw_cfg_) {
        bus.map_io(FwCfg::kSelector, FwCfg::kPorts, *fw_cfg_);
        bus.map_io(FwCfg::kDma, FwCfg::kDmaPorts, *fw_cfg_);
    }
    for (const ExitPorts& place : wanted.exits) {
        try {
            bus.map_io(place.port, place.count, debug_exit);
        } catch (const std::logic_error&) {
            throw TestDeviceError("--device isa-debug-exit: port " + std::to_string(place.port) +
                                  " is another device's");
        }
    }
}

}  // namespace orrery
