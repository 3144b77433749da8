#include "emulator/inspect/models/progress_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/inspect/models/context.h"

namespace orrery {

std::string progress_text(const Progress& progress) {
    if (progress.total == 0) return "instruction " + grouped(progress.at.instructions);
    const u64 looked = std::min(progress.looked, progress.total);
    return fmt::format(
        "{} of {} instructions ({}%)", grouped(looked), grouped(progress.total),
        static_cast<u64>(100.0 * static_cast<double>(looked) / static_cast<double>(progress.total)));
}

}  // namespace orrery
