// --device and --fw_cfg: test devices by QEMU's names and spellings.
#pragma once

#include <string>
#include <vector>

#include "devices/test_devices.h"

namespace orrery {

// `devices`: "pc-testdev", "fw_cfg", "isa-debug-exit[,iobase=N][,iosize=N]" (as QEMU, 501H and 2 ports unless
// said otherwise). `files`: "[name=]NAME,file=PATH" or "[name=]NAME,string=TEXT"; any of them asks for the
// device too. Throws UsageError.
TestDevices parse_test_devices(const std::vector<std::string>& devices,
                               const std::vector<std::string>& files);

}  // namespace orrery
