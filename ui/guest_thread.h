// The guest's thread: runs a session beside the window. The two exchange commands, console bytes and finished
// frames, and share nothing else.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ui/frame_timer.h"
#include "ui/session.h"

namespace orrery {

class GuestThread {
  public:
    explicit GuestThread(std::unique_ptr<Session> session);
    ~GuestThread();
    GuestThread(const GuestThread&) = delete;
    GuestThread& operator=(const GuestThread&) = delete;

    void send(Command command);
    void select(const Selection& selection);

    // The newest frame; asks for the next one. Never null after the first.
    std::shared_ptr<const Frame> latest();
    std::vector<ConsoleChunk> take_console();
    // Called on the guest's thread when a frame is ready, so that a waiting window wakes up.
    void on_frame(std::function<void()> hook);

  private:
    using Clock = std::chrono::steady_clock;

    void loop();
    News run_slice(Clock::time_point& not_before);
    void publish(std::unique_lock<std::mutex>& lock);
    void publish_status(const std::string& status);

    std::unique_ptr<Session> session_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Command> commands_;
    Selection selection_;
    bool selection_changed_ = true;
    bool frame_wanted_ = true;
    bool quit_ = false;
    std::shared_ptr<const Frame> frame_;
    std::vector<ConsoleChunk> console_;
    Clock::time_point said_;  // the progress of a search
    std::function<void()> hook_;
    std::thread thread_;
};

}  // namespace orrery
