// timerfd_create(2): a timer whose expirations are read from a file.
#pragma once

#include "fs/file.h"
#include "sync/wait_queue.h"
#include "time/tick.h"

class TimerFile final : public File {
  public:
    TimerFile(Inode& file_inode, bool realtime) : File(file_inode), realtime_(realtime) {
        timer_.function = on_time;
        timer_.data = this;
    }
    ~TimerFile() override { timer_cancel(&timer_); }

    struct Setting {
        u64 value;     ///< ns until (or, set absolutely, the time of) the next expiration; 0: disarmed
        u64 interval;  ///< ns between expirations; 0: only one
    };
    void set(const Setting& setting, bool absolute);
    Setting remaining() const;

    /// Eight bytes: how many expirations there were since the last read; waits for the first.
    Result<size_t> read(IovIter& to, loff_t& pos) override;
    u32 poll(PollTable* table) override;
    Result<loff_t> seek(loff_t, int) override { return loff_t{0}; }
    bool can_pread() const override { return false; }
    bool has_write() const override { return false; }
    TimerFile* as_timer_file() override { return this; }

  private:
    static void on_time(Timer* timer);
    bool expired() const;

    Timer timer_;
    WaitQueue wait_;
    u64 expires_ = 0;  ///< ktime of the first expiration that was not read; 0: disarmed
    u64 interval_ = 0;
    bool realtime_;
};

Result<RefPtr<TimerFile>> make_timerfd(bool realtime, int flags);
