// Going to any moment of a run, and back: snapshots taken as the machine runs, the inputs that entered, and
// execution from the nearest snapshot on.
//
// A TimeMachine rides along with a machine (Companion): whoever runs the machine, by Machine::run() or
// Navigation, runs it under the TimeMachine's eyes, and in the past the logged inputs enter by themselves. An
// input that is new while the machine is in the past begins a new run there, a branch; the old one stays, and
// can be gone back to (enter_run).
//
// Moments are boundaries at which a run can stop. At one instruction count there can be several (an interrupt
// was delivered, or time passed while the CPUs were halted); seek_instructions() goes to the first of them.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "emulator/machine/machine.h"
#include "emulator/time-travel/timeline/console_tape.h"
#include "emulator/time-travel/timeline/history.h"
#include "emulator/time-travel/timeline/player.h"
#include "emulator/time-travel/timeline/progress.h"

namespace orrery {

// Time cannot go there; what() is one line for the user.
class TimeError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// One line of time. Run 0 begins where the machine was when the TimeMachine was made; every other one leaves
// its parent at `fork`.
struct TimelineRun {
    unsigned parent = 0;
    Moment fork;
    Moment end;                       // the last moment known of it
    std::vector<LoggedInput> inputs;  // from the start on, those before the fork included
    size_t inherited = 0;             // how many of them are the parent's
};

struct Bookmark {
    unsigned run = 0;
    Moment moment;
    std::string note;
};

class TimeMachine {
  public:
    static constexpr u64 kDefaultHistory = u64{1} << 30;
    // `machine` is loaded; it and the tapes (what it prints into; null: none) must outlive this. `history`:
    // bytes for snapshots; the first one is kept whatever its size.
    explicit TimeMachine(Machine& machine, std::vector<ConsoleTape*> tapes = {},
                         u64 history = kDefaultHistory);
    ~TimeMachine();

    Machine& machine() { return machine_; }
    Moment start() const;
    Moment now() const;
    // The last moment known of the present run.
    Moment end() const;
    bool in_past() const { return now() < end(); }

    // A run that is known from a recording: its inputs enter at their moments, and end() is `end`. Only at
    // the start.
    void preload(std::vector<LoggedInput> inputs, Moment end);
    // Whether run() in the past goes on beyond end(), or stops there (a replay).
    void stop_at_end(bool stop) { stop_at_end_ = stop; }
    bool stops_at_end() const { return stop_at_end_; }
    // Whether time goes back at all: not where a disk is written in place.
    bool has_past() const;

    // To a moment of the present run, forwards or back; before start() is start(). Beyond end() the machine
    // runs there as it would by Machine::run(), and may stop before (power-off). Throws TimeError where a
    // disk is written in place, so that its past is gone.
    void seek(Moment moment);
    void seek_instructions(u64 count);
    void seek_ticks(u64 ticks);
    // One instruction back; false at the start.
    bool step_back();

    // Looks through the present run backwards from `from`, a stretch between two snapshots at a time, the
    // newest first: `look(begin, end)` finds the machine at `begin` and may run it as far as `end`; the
    // search ends when it returns true. `worth(interval)` may leave a stretch out (see intervals()). True if
    // look() did. The machine is then anywhere: seek() to where it is wanted.
    using Look = std::function<bool(Moment begin, Moment end)>;
    using Worth = std::function<bool(size_t interval)>;
    bool backwards(Moment from, const Look& look, const Worth& worth = nullptr);

    // As Machine::run(), for whoever looks for something on the way: asks the hook of while_looking() now and
    // then. The machine's states are the same with and without.
    StopReason run(const RunLimits& limits);
    // The same, through whatever stops somebody asks for.
    StopReason run_through(const RunLimits& limits);
    // Told how far it is, now and then, while run(), backwards() or a seek are at it; it may throw
    // (SearchStopped), and then they do. Null: nobody is.
    using LookHook = std::function<void(const Progress&)>;
    LookHook while_looking(LookHook hook) { return std::exchange(look_hook_, std::move(hook)); }
    // What follows looks through so many instructions from here on: what is told of is how far it is in these.
    // 0: it is not known how many.
    void look_through(u64 instructions) { stretch_ = {now().instructions, 0, instructions}; }

    // The stretches between snapshots of the present run up to end(), oldest first, and whether anything was
    // written to a page of physical memory (RAM) in one. What is not known counts as written.
    struct Interval {
        Moment begin, end;
    };
    std::vector<Interval> intervals() const;
    bool wrote(size_t interval, u64 physical) const;

    const std::deque<TimelineRun>& runs() const { return runs_; }
    unsigned run() const { return run_; }
    // Another run becomes the present one. The machine stays at its moment where both have it, or goes back
    // to where they part.
    void enter_run(unsigned run);
    // Told each time the machine was put back to a snapshot, before it runs on from there: whoever keeps a
    // log of what happened is to drop what lies behind that moment, since it will happen again.
    void on_restore(std::function<void()> hook) { restore_hook_ = std::move(hook); }
    // Whoever has state of its own that goes back with the machine: `save` is asked at each snapshot, and
    // `restore` gets what it said each time the machine is put to that one; null where it was not asked yet.
    void carry(std::function<std::shared_ptr<const void>()> save,
               std::function<void(const std::shared_ptr<const void>&)> restore) {
        save_hook_ = std::move(save);
        rider_hook_ = std::move(restore);
    }
    // Told of a branch just begun at the present moment; runs()[run()] is the new one.
    void on_branch(std::function<void()> hook) { branch_hook_ = std::move(hook); }

    void add_bookmark(std::string note);
    bool remove_bookmark(size_t index);
    const std::vector<Bookmark>& bookmarks() const { return bookmarks_; }
    std::vector<Bookmark>& bookmarks() { return bookmarks_; }

    const History& history() const { return *history_; }

  private:
    class Pilot;  // takes snapshots on the way, and stops where time ends
    friend class Pilot;
    struct Target {
        u64 instructions;
        std::optional<u64> ticks;  // none: the first boundary with so many instructions
    };
    void go(const Target& target);
    Moment within(Moment moment) const;
    void run_to(const Target& target);
    void restore(size_t snapshot);
    void take_snapshot();
    std::optional<size_t> snapshot_before(const Target& target) const;
    bool has_snapshot_near(u64 instructions) const;
    bool on_path(const History::Mark& mark) const;
    std::vector<size_t> path() const;  // snapshots of the present run, in order
    Moment divergence(unsigned a, unsigned b) const;
    void input_entered(const LoggedInput& input);
    void note_progress();
    void require_past() const;

    Machine& machine_;
    std::unique_ptr<History> history_;
    std::deque<TimelineRun> runs_;
    std::unique_ptr<Pilot> pilot_;
    std::unique_ptr<Player> player_;
    unsigned run_ = 0;
    unsigned input_hook_ = 0;
    bool stop_at_end_ = false;
    bool at_first_ = false;  // it is known to stand at the first boundary of its instruction count
    std::vector<Bookmark> bookmarks_;
    std::vector<ConsoleTape*> tapes_;
    // What is looked through: the part that begins here, when so much of it all has been.
    struct Stretch {
        u64 begin = 0, before = 0, total = 0;
    };
    Stretch stretch_;
    LookHook look_hook_;
    std::function<void()> restore_hook_;
    std::function<void()> branch_hook_;
    std::function<std::shared_ptr<const void>()> save_hook_;
    std::function<void(const std::shared_ptr<const void>&)> rider_hook_;
};

}  // namespace orrery
