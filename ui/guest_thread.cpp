#include "ui/guest_thread.h"

#include <iterator>
#include <utility>

namespace orrery {

namespace {

// A slice takes about two milliseconds of host time, so that commands and frames wait no longer.
constexpr u64 kSlice = 500'000;

}  // namespace

GuestThread::GuestThread(std::unique_ptr<Session> session) : session_(std::move(session)) {
    frame_ = session_->frame(selection_);
    thread_ = std::thread([this] { loop(); });
}

GuestThread::~GuestThread() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        quit_ = true;
    }
    session_->interrupt();
    wake_.notify_all();
    thread_.join();
}

void GuestThread::send(Command command) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        // A search that goes on is given up for another moment, or for none.
        if (command.verb == Verb::Pause || command.verb == Verb::SeekInstructions) session_->interrupt();
        // Where the time bar was dragged to last is what counts.
        if (command.verb == Verb::SeekInstructions && !commands_.empty() &&
            commands_.back().verb == Verb::SeekInstructions)
            commands_.pop_back();
        commands_.push_back(std::move(command));
    }
    wake_.notify_all();
}

void GuestThread::select(const Selection& selection) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        selection_ = selection;
        selection_changed_ = true;
    }
    wake_.notify_all();
}

std::shared_ptr<const Frame> GuestThread::latest() {
    const std::lock_guard<std::mutex> lock(mutex_);
    frame_wanted_ = true;
    return frame_;
}

std::vector<ConsoleChunk> GuestThread::take_console() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(console_, {});
}

void GuestThread::on_frame(std::function<void()> hook) {
    const std::lock_guard<std::mutex> lock(mutex_);
    hook_ = std::move(hook);
}

// Called with the lock held; computes the frame without it.
void GuestThread::publish(std::unique_lock<std::mutex>& lock) {
    frame_wanted_ = selection_changed_ = false;
    const Selection selection = selection_;
    lock.unlock();
    std::shared_ptr<const Frame> frame = session_->frame(selection);
    std::vector<ConsoleChunk> fresh = session_->take_console();
    lock.lock();
    frame_ = std::move(frame);
    if (!fresh.empty() && fresh.front().from_start) console_.clear();
    std::move(fresh.begin(), fresh.end(), std::back_inserter(console_));
    const auto hook = hook_;
    lock.unlock();
    if (hook) hook();
    lock.lock();
}

void GuestThread::loop() {
    using Clock = std::chrono::steady_clock;
    std::unique_lock<std::mutex> lock(mutex_);
    Clock::time_point not_before = Clock::now();  // an idle guest's virtual time keeps to the host's
    bool changed = false;
    while (!quit_) {
        while (!commands_.empty()) {
            const Command command = std::move(commands_.front());
            commands_.pop_front();
            lock.unlock();
            session_->command(command);
            lock.lock();
            changed = true;
            not_before = Clock::now();
        }
        // Looking back takes a while: the window is to say so.
        if (changed && session_->searches()) publish(lock);
        const bool running = session_->running();
        if (running && Clock::now() >= not_before) {
            lock.unlock();
            const Clock::time_point began = Clock::now();
            session_->advance(kSlice);
            if (session_->idle()) not_before = began + session_->advanced();
            lock.lock();
            changed = true;
        }
        if (selection_changed_ || (changed && (frame_wanted_ || !session_->running()))) {
            publish(lock);
            changed = false;
        }
        if (quit_ || !commands_.empty() || selection_changed_) continue;
        if (!session_->running()) {
            wake_.wait(lock);
        } else if (Clock::now() < not_before) {
            wake_.wait_until(lock, not_before);
        }
    }
}

}  // namespace orrery
