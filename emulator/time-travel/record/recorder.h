// Records a machine's run: every input as it enters, and the chain of hashes on the way.
//
// It rides along as a companion, and hears of inputs from the machine. With a TimeMachine it is made after
// that, so that a branch is known before the input that begins it. In the past nothing is recorded: what
// happens there is in the file already. Recording changes nothing in the machine; where it fails (a full
// disk), one line on stderr says so, and the run goes on without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/machine/companion.h"
#include "emulator/machine/machine.h"
#include "emulator/time-travel/record/recorded_machine.h"
#include "emulator/time-travel/record/recording_writer.h"

namespace orrery {

class TimeMachine;

class Recorder : public Companion {
  public:
    // The machine stands where its run begins. Throws RecordingError, BootError, DiskError.
    Recorder(Machine& machine, const RecordingRequest& request);
    ~Recorder() override;
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    // Branches are recorded as they begin: takes the time machine's on_branch().
    void follow(TimeMachine& time);
    // A branch begins (TimeMachine::on_branch): the present run is a new one, which leaves `parent` at
    // `moment`, having had `inherited` of its inputs. Runs are numbered in the order in which they begin, as
    // TimeMachine's are.
    void fork(unsigned parent, Moment moment, u64 inherited);
    // Another run becomes the present one (TimeMachine::enter_run).
    void enter(unsigned run);
    void bookmark(unsigned run, Moment moment, const std::string& note);
    void remove_bookmark(unsigned run, Moment moment, const std::string& note);
    // The present run ends here, for `reason` (StopReason::Requested: somebody stopped looking); `status` is
    // what the process will exit with. If the machine is in the past, `end` is where it had come to.
    void finish(StopReason reason, int status, std::optional<Moment> end = std::nullopt);

    // Empty while the recording goes on.
    const std::string& error() const { return writer_->error(); }
    u64 bytes() const { return writer_->size(); }

    Waypoint next() const override;
    void reached() override;

  private:
    struct Run {
        unsigned parent = 0;
        Moment fork;
        Moment last;   // as far as it was run, at least
        u64 next = 0;  // instruction count of the next link
        std::vector<std::pair<Moment, u64>> links;
    };
    void embed(const RecordedMachine& what, const RecordingRequest& request);
    void embed_file(u32 index, const std::string& path, u64 size);
    void input(const LoggedInput& input);
    void make_link();
    u64 last_digest(unsigned run, Moment at) const;
    void tell_of_error();

    Machine& machine_;
    std::unique_ptr<RecordingWriter> writer_;
    Moment start_;
    std::vector<Run> runs_;
    unsigned run_ = 0;
    unsigned hook_ = 0;
    bool told_ = false;
};

}  // namespace orrery
