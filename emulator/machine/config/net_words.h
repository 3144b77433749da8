// The words of --nic.
#pragma once

#include <string>

#include "devices/net_backend.h"

namespace orrery {

// "none", or "[model=]virtio[,mac=XX:XX:XX:XX:XX:XX]", as QEMU's -nic. Throws ConfigError.
NetConfig parse_nic(const std::string& text);
// The words for it.
std::string nic_text(const NetConfig& config);

}  // namespace orrery
