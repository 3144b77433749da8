// gdb's command `monitor`: what gdb itself has no words for. The windows of `orrery show`, moments, and going
// to them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "emulator/inspect/models/context.h"
#include "emulator/time-travel/timeline/navigation.h"

namespace orrery {

struct GdbMonitored {
    std::string text;                  // what is printed; an error is a line of it too
    std::optional<unsigned> moved_to;  // the machine is at another moment, which is about this CPU
};

// `monitor COMMAND`. Commands: help, where, goto N, next QUERY, previous QUERY
// (time-travel/timeline/query_text.h), back-over, back-out, show WINDOW [ARGUMENTS].
GdbMonitored gdb_monitor(Navigation& navigation, const ModelContext& context, std::string_view command);

}  // namespace orrery
