#include "emulator/time-travel/timeline/time_machine.h"

#include <algorithm>

#include "devices/pc_board.h"

namespace orrery {

namespace {

using Clock = std::chrono::steady_clock;

// Snapshots are as far apart as the host runs in this time: so much does a seek execute again at most.
constexpr u64 kStretchNanoseconds = 80'000'000;
constexpr u64 kFirstStride = 8'000'000;  // instructions
constexpr u64 kShortestStride = 500'000, kLongestStride = 200'000'000;

// A seek leaves snapshots so many instructions before its end, for the steps back that come after it.
constexpr u64 kLandings[] = {4'000'000, 250'000, 10'000};

// Whoever waits for a search is told of it so often: some milliseconds, also where each instruction is looked
// at.
constexpr u64 kLookEvery = 100'000;  // instructions

// True as long as this lives.
class Raised {
  public:
    explicit Raised(bool& flag) : flag_(flag), before_(std::exchange(flag, true)) {}
    ~Raised() { flag_ = before_; }
    Raised(const Raised&) = delete;
    Raised& operator=(const Raised&) = delete;

  private:
    bool& flag_;
    bool before_;
};

}  // namespace

// Where the snapshots lie follows the host's clock; what is in them does not depend on it.
class TimeMachine::Pilot : public Companion {
  public:
    explicit Pilot(TimeMachine& time) : time_(time) {
        time_.machine_.add_companion(this);
        arrive(0);
    }
    ~Pilot() override { time_.machine_.remove_companion(this); }
    Pilot(const Pilot&) = delete;
    Pilot& operator=(const Pilot&) = delete;

    Waypoint next() const override {
        Waypoint next;
        if (!frozen) next.instructions = next_at_;
        if (!seeking && time_.stop_at_end_) {
            const Moment end = time_.runs_[time_.run_].end;
            if (time_.now().instructions < end.instructions)
                next.instructions = std::min(next.instructions, end.instructions);
            else if (time_.now() < end)
                next.ticks = end.ticks;
        }
        return next;
    }

    void reached() override {
        if (!seeking && time_.stop_at_end_ && time_.now() >= time_.runs_[time_.run_].end)
            time_.machine_.request_stop();
        if (frozen || time_.now().instructions < next_at_) return;
        count_time();
        const u64 took = at_ - last_at_;
        // Towards the wished time, by no more than twice or half.
        const double factor =
            static_cast<double>(kStretchNanoseconds) / static_cast<double>(std::max<u64>(took, 1));
        stride_ = static_cast<u64>(static_cast<double>(stride_) * std::clamp(factor, 0.5, 2.0));
        stride_ = std::clamp(stride_, kShortestStride, kLongestStride);
        if (!time_.has_snapshot_near(stride_ / 2)) time_.take_snapshot();
        last_at_ = at_;
        next_at_ = time_.now().instructions + stride_;
        since_ = Clock::now();
    }

    void run_begins() override {
        since_ = Clock::now();
        time_.at_first_ = false;
    }
    void run_ends() override { count_time(); }

    // The machine was put to where its run had taken `nanoseconds`.
    void arrive(u64 nanoseconds) {
        at_ = last_at_ = nanoseconds;
        since_ = Clock::now();
        next_at_ = time_.now().instructions + stride_;
    }
    // How long the run up to here took: to be asked while it stands still, or when reached() has counted it.
    u64 nanoseconds() const { return at_; }

    bool frozen = false;   // no snapshots
    bool seeking = false;  // the end of time does not stop it

  private:
    void count_time() {
        const Clock::time_point now = Clock::now();
        at_ += static_cast<u64>(std::chrono::nanoseconds(now - since_).count());
        since_ = now;
    }

    TimeMachine& time_;
    u64 stride_ = kFirstStride;
    u64 next_at_ = 0;
    u64 at_ = 0;  // how long the run up to `since_` took
    u64 last_at_ = 0;
    Clock::time_point since_;
};

TimeMachine::TimeMachine(Machine& machine, std::vector<ConsoleTape*> tapes, u64 history)
    : machine_(machine), history_(std::make_unique<History>(machine, history)), tapes_(std::move(tapes)) {
    runs_.push_back({0, machine.moment(), machine.moment(), {}, 0});
    pilot_ = std::make_unique<Pilot>(*this);
    player_ = std::make_unique<Player>(machine, runs_[0].inputs);
    input_hook_ = machine_.on_input([this](const LoggedInput& input) { input_entered(input); });
    take_snapshot();
    at_first_ = true;
}

TimeMachine::~TimeMachine() {
    machine_.remove_input_hook(input_hook_);
}

Moment TimeMachine::start() const {
    return history_->mark(0).moment;
}

Moment TimeMachine::now() const {
    return machine_.moment();
}

Moment TimeMachine::end() const {
    return std::max(runs_[run_].end, now());
}

void TimeMachine::preload(std::vector<LoggedInput> inputs, Moment end) {
    runs_[run_].inputs = std::move(inputs);
    runs_[run_].end = end;
    player_->set(runs_[run_].inputs, 0);
}

void TimeMachine::note_progress() {
    runs_[run_].end = end();
}

void TimeMachine::take_snapshot() {
    // Not a second one of the same moment.
    for (const size_t i : path())
        if (history_->mark(i).moment == now() && history_->mark(i).played == player_->played()) return;
    History::Mark mark;
    mark.moment = now();
    mark.run = run_;
    mark.played = player_->played();
    for (const ConsoleTape* tape : tapes_) mark.tapes.push_back(tape->position());
    if (save_hook_) mark.rider = save_hook_();
    mark.host_nanoseconds = pilot_->nanoseconds();
    history_->take(std::move(mark));
}

void TimeMachine::restore(size_t snapshot) {
    history_->restore(snapshot);
    const History::Mark& mark = history_->mark(snapshot);
    player_->set(runs_[run_].inputs, mark.played);
    for (size_t i = 0; i < tapes_.size(); ++i) tapes_[i]->rewind(mark.tapes[i]);
    pilot_->arrive(mark.host_nanoseconds);
    at_first_ = false;
    if (rider_hook_) rider_hook_(mark.rider);
    if (restore_hook_) restore_hook_();
}

// A snapshot belongs to the present run if it was taken on it, or before the fork on one it comes from.
bool TimeMachine::on_path(const History::Mark& mark) const {
    for (unsigned run = run_; mark.run != run; run = runs_[run].parent)
        if (run == 0 || mark.moment > runs_[run].fork || mark.played > runs_[run].inherited) return false;
    return true;
}

bool TimeMachine::has_snapshot_near(u64 instructions) const {
    for (size_t i = 0; i < history_->count(); ++i) {
        const u64 at = history_->mark(i).moment.instructions, here = now().instructions;
        if ((at > here ? at - here : here - at) < instructions && on_path(history_->mark(i))) return true;
    }
    return false;
}

std::vector<size_t> TimeMachine::path() const {
    std::vector<size_t> found;
    for (size_t i = 0; i < history_->count(); ++i)
        if (on_path(history_->mark(i))) found.push_back(i);
    std::sort(found.begin(), found.end(), [this](size_t a, size_t b) {
        const History::Mark &first = history_->mark(a), &second = history_->mark(b);
        return first.moment != second.moment ? first.moment < second.moment : first.played < second.played;
    });
    return found;
}

std::optional<size_t> TimeMachine::snapshot_before(const Target& target) const {
    std::optional<size_t> best;
    for (const size_t i : path()) {
        const Moment& moment = history_->mark(i).moment;
        const bool before = target.ticks ? moment <= Moment{target.instructions, *target.ticks}
                                         : moment.instructions < target.instructions;
        if (before) best = i;
    }
    return best;
}

bool TimeMachine::has_past() const {
    const auto& disks = machine_.board().disks();
    return std::none_of(disks.begin(), disks.end(),
                        [](const auto& disk) { return disk->disk().mode() == Disk::Mode::ReadWrite; });
}

void TimeMachine::require_past() const {
    if (!has_past())
        throw TimeError(
            "a disk is written in place, so that its past is gone: time goes back only with an overlay");
}

StopReason TimeMachine::run(const RunLimits& limits) {
    if (!look_hook_) return machine_.run(limits);
    const auto barren = [this] { return machine_.spent() - now().instructions; };
    const u64 begin = now().instructions, barren_before = barren();
    const u64 allowed = limits.instructions - std::min(begin, limits.instructions);
    for (;;) {
        const u64 next = now().instructions + kLookEvery;
        const StopReason reason = machine_.run({std::min(next, limits.instructions), limits.ticks});
        const Moment here = now();
        const bool over = here.instructions >= limits.instructions || here.ticks >= limits.ticks;
        if (reason != StopReason::Budget || over || barren() - barren_before > allowed) return reason;
        const u64 looked =
            stretch_.before + (here.instructions - std::min(stretch_.begin, here.instructions));
        look_hook_({here, looked, stretch_.total});
    }
}

// What somebody asks for on the way (a stop) does not end a seek.
StopReason TimeMachine::run_through(const RunLimits& limits) {
    for (;;) {
        const StopReason reason = run(limits);
        if (reason != StopReason::Requested) return reason;
    }
}

void TimeMachine::run_to(const Target& target) {
    const Raised seeking(pilot_->seeking);
    const u64 from = now().instructions;
    for (const u64 distance : kLandings) {
        if (pilot_->frozen || target.instructions < from + 2 * distance) continue;
        run_through({target.instructions - distance, kNever});
        take_snapshot();
    }
    run_through({target.instructions, kNever});
    if (target.ticks) run_through({~u64{0}, *target.ticks});
}

void TimeMachine::go(const Target& target) {
    note_progress();
    const Moment here = now();
    const bool behind = target.ticks ? here > Moment{target.instructions, *target.ticks}
                                     : here.instructions > target.instructions ||
                                           (here.instructions == target.instructions && !at_first_);
    if (behind) require_past();
    const std::optional<size_t> nearest = snapshot_before(target);
    if (behind || (nearest && history_->mark(*nearest).moment > here && has_past()))
        restore(nearest.value_or(0));
    run_to(target);
    note_progress();
    at_first_ = !target.ticks && now().instructions == target.instructions;
}

Moment TimeMachine::within(Moment moment) const {
    moment = std::max(moment, start());
    return stop_at_end_ ? std::min(moment, end()) : moment;
}

void TimeMachine::seek(Moment moment) {
    moment = within(moment);
    go({moment.instructions, moment.ticks});
}

void TimeMachine::seek_instructions(u64 count) {
    if (count <= start().instructions) return seek(start());
    if (stop_at_end_ && count > end().instructions) return seek(end());
    go({count, std::nullopt});
}

void TimeMachine::seek_ticks(u64 ticks) {
    if (stop_at_end_) ticks = std::min(ticks, end().ticks);
    note_progress();
    const Moment here = now();
    std::optional<size_t> nearest;
    for (const size_t i : path())
        if (history_->mark(i).moment.ticks <= ticks) nearest = i;
    if (here.ticks > ticks) require_past();
    if (here.ticks > ticks || (nearest && history_->mark(*nearest).moment > here && has_past()))
        restore(nearest.value_or(0));
    {
        const Raised seeking(pilot_->seeking);
        run_through({~u64{0}, ticks});
    }
    note_progress();
}

bool TimeMachine::step_back() {
    const Moment here = now();
    if (here <= start()) return false;
    // Where it stands need not be the first boundary of its count: time may have passed there.
    if (!at_first_) seek_instructions(here.instructions);
    if (now() < here) return true;
    seek_instructions(here.instructions - 1);
    return true;
}

bool TimeMachine::backwards(Moment from, const Look& look, const Worth& worth) {
    note_progress();
    require_past();
    const std::vector<size_t> snapshots = path();
    const Raised frozen(pilot_->frozen), seeking(pilot_->seeking);
    const u64 all = from.instructions - std::min(start().instructions, from.instructions);
    bool found = false;
    Moment until = from;
    for (size_t i = snapshots.size(); i-- > 0 && !found;) {
        const Moment begin = history_->mark(snapshots[i]).moment;
        if (begin >= from) continue;
        if (!worth || worth(i)) {
            restore(snapshots[i]);
            stretch_ = {begin.instructions, from.instructions - until.instructions, all};
            found = look(begin, until);
        }
        until = begin;
    }
    look_through(0);
    return found;
}

std::vector<TimeMachine::Interval> TimeMachine::intervals() const {
    std::vector<Interval> found;
    const std::vector<size_t> snapshots = path();
    for (size_t i = 0; i < snapshots.size(); ++i)
        found.push_back({history_->mark(snapshots[i]).moment,
                         i + 1 < snapshots.size() ? history_->mark(snapshots[i + 1]).moment : end()});
    return found;
}

bool TimeMachine::wrote(size_t interval, u64 physical) const {
    const std::vector<size_t> snapshots = path();
    return interval + 1 >= snapshots.size() || history_->wrote(snapshots[interval + 1], physical);
}

// A new input: at the end of the run it goes on; in the past it is where another run begins.
void TimeMachine::input_entered(const LoggedInput& input) {
    const std::vector<LoggedInput>& known = runs_[run_].inputs;
    const size_t played = player_->played();
    at_first_ = false;
    if (runs_[run_].end > input.moment || played < known.size()) {
        TimelineRun branch{run_,
                           input.moment,
                           input.moment,
                           {known.begin(), known.begin() + static_cast<std::ptrdiff_t>(played)},
                           played};
        runs_.push_back(std::move(branch));
        run_ = static_cast<unsigned>(runs_.size() - 1);
        for (ConsoleTape* tape : tapes_) tape->cut();
        if (branch_hook_) branch_hook_();
    }
    runs_[run_].inputs.push_back(input);
    player_->set(runs_[run_].inputs, played + 1);
}

// The last moment that two runs have in common.
Moment TimeMachine::divergence(unsigned a, unsigned b) const {
    Moment left = runs_[a].end, right = runs_[b].end;
    // A run's parent has a lower number than it has.
    while (a != b) {
        unsigned& later = a > b ? a : b;
        Moment& upto = a > b ? left : right;
        upto = std::min(upto, runs_[later].fork);
        later = runs_[later].parent;
    }
    return std::min(left, right);
}

void TimeMachine::enter_run(unsigned run) {
    if (run == run_ || run >= runs_.size()) return;
    note_progress();
    const Moment common = divergence(run_, run);
    const size_t played = player_->played();
    const bool stays = now() < common;
    run_ = run;
    if (stays) {
        player_->set(runs_[run].inputs, played);
    } else {
        require_past();
        restore(snapshot_before({common.instructions, common.ticks}).value_or(0));
        seek(common);
    }
    for (ConsoleTape* tape : tapes_) tape->cut();
}

void TimeMachine::add_bookmark(std::string note) {
    bookmarks_.push_back({run_, now(), std::move(note)});
}

bool TimeMachine::remove_bookmark(size_t index) {
    if (index >= bookmarks_.size()) return false;
    bookmarks_.erase(bookmarks_.begin() + static_cast<std::ptrdiff_t>(index));
    return true;
}

}  // namespace orrery
