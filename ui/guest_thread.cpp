#include "ui/guest_thread.h"

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
    wake_.notify_all();
    thread_.join();
}

void GuestThread::send(Command command) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
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

std::string GuestThread::take_console() {
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
    const std::string fresh = session_->take_console();
    lock.lock();
    frame_ = std::move(frame);
    console_ += fresh;
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
