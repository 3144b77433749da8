// gdb's command `monitor`: what gdb itself has no words for. The windows of `orrery show`, moments, and going
// to them.
#pragma once

#include <string>
#include <string_view>

#include "emulator/inspect/models/context.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

// What `monitor COMMAND` prints. Commands: help, where, goto N, next QUERY, previous
// QUERY (time-travel/timeline/query_text.h), show WINDOW [ARGUMENTS]. An error is a line
// of text too. `moved` is set where the machine is at another moment than before.
std::string gdb_monitor(TimeMachine& time, const ModelContext& context, std::string_view command,
                        bool& moved);

}  // namespace orrery
