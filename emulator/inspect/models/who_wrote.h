// The window "Who wrote": which instruction, page walk or device gave a byte of memory its value. Going
// through the past for it takes time, so it is asked for once, and what was found is kept.
#pragma once

#include <string>

#include "emulator/inspect/models/context.h"
#include "emulator/time-travel/timeline/writer.h"

namespace orrery {

struct WhoWroteModel {
    std::string problem;  // why nothing can be said; "" otherwise
    u64 linear = 0;
    Writer writer;
};

struct WhoWroteParameters {
    u64 linear = 0;  // a byte, as the context's CPU translates it now
};

// Leads context.past through the past and back to the present moment.
WhoWroteModel who_wrote_model(const ModelContext& context, const WhoWroteParameters& parameters);
std::string to_text(const WhoWroteModel& model);
Json to_json(const WhoWroteModel& model);

}  // namespace orrery
