// timerfd_create(2): a timer whose expirations are read from a file.
#pragma once

#include "fs/file.h"
#include "sync/guarded.h"
#include "sync/wait_queue.h"
#include "time/tick.h"

class TimerFile final : public File {
  public:
    TimerFile(Inode& file_inode, bool realtime) : File(file_inode), realtime_(realtime) {
        const auto state = state_.lock();
        state->timer.function = on_time;
        state->timer.data = this;
    }
    ~TimerFile() override;

    struct Setting {
        u64 value;     ///< ns until (or, set absolutely, the time of) the next expiration; 0: disarmed
        u64 interval;  ///< ns between expirations; 0: only one
    };
    /// What was set before.
    Setting set(const Setting& setting, bool absolute);
    Setting remaining();

    /// Eight bytes: how many expirations there were since the last read; waits for the first.
    Result<size_t> read(IovIter& to, loff_t& pos) override;
    u32 poll(PollTable* table) override;
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }
    bool has_write() const override { return false; }
    TimerFile* as_timer_file() override { return this; }

  private:
    static void on_time(Timer* timer);
    bool expired();
    /// Takes the expirations so far: their number, 0 if there is none.
    u64 take();
    struct State {
        Timer timer;
        u64 expires = 0;  ///< ktime of the first expiration that was not read; 0: disarmed
        u64 interval = 0;
    };
    static Setting remaining(const State& state);
    Guarded<State, LockRank::kTimerFile> state_;  // the timer's function takes no lock of ours
    WaitQueue wait_;
    const bool realtime_;
};

Result<RefPtr<TimerFile>> make_timerfd(bool realtime, int flags);
