// The window "Console", as text: what the guest printed, line by line, without terminal control sequences.
// (The window itself is a terminal; ui/ emulates that from the same bytes.)
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct ConsoleModel {
    std::vector<std::string> lines;  // the last one may be unfinished
    u64 total_bytes = 0;
    std::string problem;
};

struct ConsoleParameters {
    size_t limit = 200;  // the newest so many lines
};

ConsoleModel console_model(const ModelContext& context, const ConsoleParameters& parameters = {});
std::string to_text(const ConsoleModel& model);
Json to_json(const ConsoleModel& model);

}  // namespace orrery
