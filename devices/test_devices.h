// The devices that bare-metal test programs ask for by QEMU's names: which of them a machine has.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

// A file for the guest to find by name (fw_cfg.h).
struct FwCfgFile {
    std::string name;
    std::vector<u8> bytes;
};

// A device that cannot be where it was asked for. what() is one line for the user.
class TestDeviceError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Ports at which isa-debug-exit is found.
struct ExitPorts {
    u16 port = 0;
    u16 count = 0;
    bool operator==(const ExitPorts&) const = default;
};

struct TestDevices {
    bool pc_testdev = false;
    bool fw_cfg = false;
    std::vector<FwCfgFile> fw_cfg_files;
    std::vector<ExitPorts> exits;  // places of isa-debug-exit beside F4H
};

}  // namespace orrery
