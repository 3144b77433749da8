// The journeys forwards, each in slices: what Navigation sends out.
#pragma once

#include <memory>

#include "emulator/time-travel/timeline/navigation.h"

namespace orrery {

class Errand {
  public:
    virtual ~Errand() = default;
    virtual Arrival go_on(const RunLimits& slice) = 0;
    virtual void set_points(const StopPoints& points) = 0;
};

// All but `journey` must outlive it. Throws QueryError.
std::unique_ptr<Errand> make_errand(TimeMachine& time, const GuestOs& os, const Journey& journey,
                                    const StopPoints& points);

// That an instruction is about to run; none: a query that nothing matches.
inline Query code_query(std::optional<u64> linear) {
    Query query;
    query.what = Query::What::Code;
    if (linear) query.code = {*linear};
    return query;
}

}  // namespace orrery
