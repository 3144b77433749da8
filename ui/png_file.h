// Pictures as PNG.
#pragma once

#include <ostream>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

// `rgb`: three bytes a pixel, line by line. The stream's state tells whether it went well.
void write_png(std::ostream& out, int width, int height, const std::vector<u8>& rgb);

}  // namespace orrery
