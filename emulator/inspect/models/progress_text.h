// A search's progress in words.
#pragma once

#include <string>

#include "emulator/time-travel/timeline/progress.h"

namespace orrery {

// "12,345,678 of 40,000,000 instructions (31%)", or where it is not known of how many "instruction 12,345,678".
std::string progress_text(const Progress& progress);

}  // namespace orrery
