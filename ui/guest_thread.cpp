#include "ui/guest_thread.h"

#include <iterator>
#include <utility>

namespace orrery {

namespace {

// A slice takes about two milliseconds of host time, so that commands and frames wait no longer.
constexpr u64 kSlice = 500'000;
// How far a search is, is told so often.
constexpr std::chrono::milliseconds kSayEvery{100};

// A search that goes on is given up for another moment, or for none.
bool ends_search(const Command& command) {
    return std::holds_alternative<command::Pause>(command) ||
           std::holds_alternative<command::SeekInstructions>(command);
}

}  // namespace

GuestThread::GuestThread(std::unique_ptr<Session> session) : session_(std::move(session)) {
    frame_ = session_->frame(selection_);
    session_->on_progress([this](const std::string& status) { publish_status(status); });
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
        if (ends_search(command)) session_->interrupt();
        // Where the time bar was dragged to last is what counts.
        const auto is_seek = [](const Command& one) {
            return std::holds_alternative<command::SeekInstructions>(one);
        };
        if (is_seek(command) && !commands_.empty() && is_seek(commands_.back())) commands_.pop_back();
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

// In the midst of a search: the machine is anywhere, so that all else is as it was.
void GuestThread::publish_status(const std::string& status) {
    const Clock::time_point now = Clock::now();
    if (now < said_ + kSayEvery) return;
    said_ = now;
    std::unique_lock<std::mutex> lock(mutex_);
    auto frame = std::make_shared<Frame>(*frame_);
    frame->status = status;
    frame_ = std::move(frame);
    const auto hook = hook_;
    lock.unlock();
    if (hook) hook();
}

// Runs on for a slice, if it is time to; without the lock. What of it is worth a new frame.
News GuestThread::run_slice(Clock::time_point& not_before) {
    const Clock::time_point began = Clock::now();
    const u64 before = session_->machine().moment().instructions;
    session_->advance(kSlice);
    if (session_->idle()) not_before = began + session_->advanced();
    if (!session_->idle() || !session_->running() || session_->console_waits()) return News::Much;
    return session_->machine().moment().instructions != before ? News::Little : News::None;
}

void GuestThread::loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    Clock::time_point not_before = Clock::now();  // an idle guest's virtual time keeps to the host's
    FrameTimer frames(Clock::now());
    while (!quit_) {
        while (!commands_.empty()) {
            const Command command = std::move(commands_.front());
            commands_.pop_front();
            lock.unlock();
            session_->command(command);
            lock.lock();
            frames.note(News::Much);
            not_before = Clock::now();
        }
        // Looking back takes a while: the window is to say so.
        if (frames.due(Clock::now()) && session_->searches()) publish(lock);
        if (session_->running() && Clock::now() >= not_before) {
            lock.unlock();
            frames.note(run_slice(not_before));
            lock.lock();
        }
        const bool taken = frame_wanted_ || !session_->running();
        if (selection_changed_ || (taken && frames.due(Clock::now()))) {
            frames.published(Clock::now());
            publish(lock);
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
