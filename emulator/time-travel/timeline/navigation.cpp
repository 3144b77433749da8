#include "emulator/time-travel/timeline/navigation.h"

#include "emulator/time-travel/timeline/errands.h"

namespace orrery {

Navigation::Navigation(TimeMachine& time, const GuestOs& os)
    : time_(time), machine_(time.machine()), os_(os) {}

Navigation::~Navigation() = default;

Arrival Navigation::arrived(Arrival::Why why) const {
    Arrival arrival;
    arrival.why = why;
    arrival.cpu = machine_.cpu().id;
    arrival.machine = machine_.ended().value_or(StopReason::Requested);
    return arrival;
}

void Navigation::stop_at(StopPoints points) {
    points_ = std::move(points);
    if (errand_) errand_->set_points(points_);
}

void Navigation::begin(const Journey& journey) {
    journey_ = journey;
    errand_ = journey.back ? nullptr : make_errand(time_, os_, journey, points_);
}

Arrival Navigation::go_on(const RunLimits& slice) {
    if (!journey_) return arrived(Arrival::Why::Requested);
    if (journey_->back) {
        const Journey journey = *std::exchange(journey_, std::nullopt);
        return back(journey);
    }
    const auto is_over = [this] { return machine_.ended() || (time_.stops_at_end() && !time_.in_past()); };
    if (is_over()) return arrived(Arrival::Why::HistoryEnd);
    Arrival arrival = errand_->go_on(slice);
    const bool underway = arrival.why == Arrival::Why::UnderWay || arrival.why == Arrival::Why::Requested;
    if (underway && is_over()) arrival.why = Arrival::Why::HistoryEnd;
    if (arrival.why != Arrival::Why::UnderWay) {
        journey_.reset();
        errand_.reset();
    }
    return arrival;
}

Arrival Navigation::go(const Journey& journey, const RunLimits& limits) {
    begin(journey);
    return go_on(limits);
}

// Whatever was begun, the machine goes back to where it was.
bool Navigation::look(const std::function<void()>& something) {
    const Position origin = position_of(machine_);
    const TimeMachine::LookHook before = time_.while_looking([this](const Progress& progress) {
        if (go_on_ && !go_on_(progress)) throw SearchStopped();
    });
    bool stopped = false;
    time_.look_through(0);
    try {
        something();
    } catch (const SearchStopped&) {
        stopped = true;
    } catch (...) {
        time_.while_looking(before);
        throw;
    }
    time_.while_looking(before);
    if (stopped) arrive(time_, origin);
    return !stopped;
}

Arrival Navigation::go_to(u64 instructions) {
    const bool there = look([&] { time_.seek_instructions(instructions); });
    return arrived(there ? Arrival::Why::Done : Arrival::Why::Stopped);
}

Arrival Navigation::go_to(Moment moment) {
    const bool there = look([&] { time_.seek(moment); });
    return arrived(there ? Arrival::Why::Done : Arrival::Why::Stopped);
}

}  // namespace orrery
