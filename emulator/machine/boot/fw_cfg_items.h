// Tells the firmware configuration device what has been loaded.
#pragma once

#include "devices/fw_cfg.h"
#include "emulator/machine/boot/loader.h"

namespace orrery {

// To be called after load_guest().
void describe_guest(FwCfg& fw_cfg, const Bus& bus, const GuestFiles& files);

}  // namespace orrery
