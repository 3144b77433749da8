// The words of --vga and --display-size.
#pragma once

#include <string>

#include "devices/vga_std.h"

namespace orrery {

// `vga`: "std", "none", or "auto", which gives a display where `shown` says that somebody looks at it.
// `size`: "1024x768". Throws UsageError.
DisplayConfig parse_display(const std::string& vga, const std::string& size, bool shown);

}  // namespace orrery
