#include "cli/display_options.h"

#include <cstdio>

#include "cli/guest_options.h"

namespace orrery {

DisplayConfig parse_display(const std::string& vga, const std::string& size, bool shown) {
    DisplayConfig config;
    config.present = vga == "std" || (vga == "auto" && shown);
    unsigned width = 0, height = 0;
    char rest = 0;
    if (std::sscanf(size.c_str(), "%4ux%4u%c", &width, &height, &rest) != 2 || width < 320 || height < 200 ||
        width > VgaStd::kMaxWidth || height > VgaStd::kMaxHeight || width % 8 != 0)
        throw UsageError("--display-size " + size + ": from 320x200 to 2560x1600, the width a multiple of 8");
    config.width = static_cast<u16>(width);
    config.height = static_cast<u16>(height);
    return config;
}

}  // namespace orrery
