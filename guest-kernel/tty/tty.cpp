// The terminal between driver and discipline: receiving, echo, output, hanging up.
#include "tty/tty.h"

#include "fs/file.h"
#include "task/task.h"

tty_struct::tty_struct(TtyDriver& its_driver, dev_t its_number)
    : driver(&its_driver), number(its_number), termios_(default_termios()), discipline_(termios_, *this) {}

Result<tty_struct*> tty_struct::make(TtyDriver& its_driver, const char* its_name, dev_t its_number,
                                     size_t queue_size) {
    KString text = TRY(KString::make(its_name));
    Vec<Received> queue;
    TRY(queue.resize(queue_size));
    tty_struct* tty = new (std::nothrow) tty_struct(its_driver, its_number);
    if (!tty) return Errno::ENOMEM;
    tty->name = std::move(text);
    tty->queue_ = std::move(queue);
    its_driver.set_receiver(tty);
    return tty;
}

void tty_struct::unlock_and_signal(u64 irq_flags) {
    const u64 signals = pending_signals_;
    pending_signals_ = 0;
    const pid_t group = pgrp;
    port.unlock_irqrestore(irq_flags);
    if (signals == 0 || group == 0) return;
    for (int sig = 1; sig < 64; sig++) {
        if (signals >> sig & 1) (void)send_signal_pgrp(group, sig);
    }
}

bool tty_struct::queue_byte(u8 byte, TtyFlag flag) {
    if (queue_used_ == queue_.size()) return false;
    queue_[(queue_head_ + queue_used_) % queue_.size()] = {byte, flag};
    queue_used_++;
    return true;
}

// Feeds the discipline from the queue while it can take more.
void tty_struct::pump() {
    while (queue_used_ > 0 && discipline_.can_receive()) {
        const Received r = queue_[queue_head_];
        queue_head_ = (queue_head_ + 1) % queue_.size();
        queue_used_--;
        discipline_.receive(r.byte, r.flag);
    }
}

void tty_struct::receive_byte(u8 byte) {
    const u64 irq = port.lock_irqsave();
    queue_byte(byte, TtyFlag::kNormal);
    pump();
    unlock_and_signal(irq);
}

void tty_struct::receive_error(u8 byte) {
    const u64 irq = port.lock_irqsave();
    queue_byte(byte, byte == 0 ? TtyFlag::kBreak : TtyFlag::kParity);
    pump();
    unlock_and_signal(irq);
}

size_t tty_struct::receive(const u8* bytes, size_t count) {
    const u64 irq = port.lock_irqsave();
    size_t taken = 0;
    while (taken < count && queue_byte(bytes[taken], TtyFlag::kNormal)) taken++;
    pump();
    unlock_and_signal(irq);
    return taken;
}

size_t tty_struct::receive_room() {
    IrqGuard guard(port);
    return queue_.size() - queue_used_;
}

void tty_struct::insert_input(u8 byte) {
    receive_byte(byte);
}

// Echo goes straight to the driver, or waits while output is stopped or the driver is full.
void tty_struct::emit(u8 byte) {
    if (!stopped_ && echo_used_ == 0 && driver->write(&byte, 1) == 1) return;
    if (echo_used_ < sizeof(echo_)) echo_[echo_used_++] = byte;
}

void tty_struct::flush_echo() {
    if (stopped_ || echo_used_ == 0) return;
    const size_t n = driver->write(echo_, echo_used_);
    memmove(echo_, echo_ + n, echo_used_ - n);
    echo_used_ -= n;
}

void tty_struct::signal_foreground(int signal) {
    pending_signals_ |= 1ull << signal;
}

void tty_struct::flush_output() {
    echo_used_ = 0;
}

void tty_struct::set_stopped(bool stopped) {
    if (stopped_ == stopped) return;
    stopped_ = stopped;
    if (!stopped) {
        flush_echo();
        write_wait.wake_one(POLLOUT | POLLWRNORM);
    }
}

void tty_struct::input_ready() {
    read_wait.wake_one(POLLIN | POLLRDNORM);
}

void tty_struct::set_output_stopped(bool stop) {
    IrqGuard guard(port);
    set_stopped(stop);
}

void tty_struct::output_writable() {
    {
        IrqGuard guard(port);
        flush_echo();
    }
    write_wait.wake_one(POLLOUT | POLLWRNORM);
}

// Processes and sends what the driver takes now; returns how many of `bytes` that was.
size_t tty_struct::write_some(const u8* bytes, size_t count) {
    u8 out[512];
    size_t taken = 0;
    while (taken < count) {
        IrqGuard guard(port);
        if (stopped_) break;
        flush_echo();
        if (echo_used_ > 0) break;
        const size_t room = min(driver->write_room(), sizeof(out));
        size_t made = 0;
        const size_t n =
            discipline_.process_output(bytes + taken, min<size_t>(count - taken, 256), out, room, &made);
        if (n == 0) break;
        driver->write(out, made);
        taken += n;
    }
    return taken;
}

Result<size_t> tty_struct::write(const u8* bytes, size_t count, bool nonblocking, u32 file_generation) {
    size_t done = 0;
    while (done < count) {
        if (file_generation != generation() || other_closed) {
            return done ? Result<size_t>(done) : Result<size_t>(Errno::EIO);
        }
        done += write_some(bytes + done, count - done);
        if (done == count) break;
        if (nonblocking) return done ? Result<size_t>(done) : Result<size_t>(Errno::EAGAIN);
        Result<void> woken = wait_event(write_wait, [&] {
            return output_available() || file_generation != generation() || other_closed;
        });
        if (!woken.ok()) return done ? Result<size_t>(done) : Result<size_t>(woken.error());
    }
    return size_t{done};
}

bool tty_struct::output_available() {
    IrqGuard guard(port);
    return !stopped_ && echo_used_ == 0 && driver->write_room() >= 8;
}

Termios tty_struct::settings() {
    IrqGuard guard(port);
    return termios_;
}

void tty_struct::set_settings(const Termios& fresh) {
    const u64 irq = port.lock_irqsave();
    const Termios old = termios_;
    termios_ = fresh;
    termios_.c_line = old.c_line;
    discipline_.settings_changed(old);
    if ((fresh.c_iflag & IXON) == 0) set_stopped(false);
    pump();
    read_wait.wake_all();  // VMIN may be met now
    unlock_and_signal(irq);
}

void tty_struct::flush_input() {
    IrqGuard guard(port);
    discipline_.flush_input();
    queue_used_ = 0;
}

void tty_struct::flush_output_queue() {
    IrqGuard guard(port);
    flush_output();
}

u32 tty_struct::bytes_readable() {
    IrqGuard guard(port);
    return discipline_.bytes_readable();
}

Winsize tty_struct::window_size() {
    IrqGuard guard(port);
    return winsize_;
}

void tty_struct::set_window_size(const Winsize& size) {
    const u64 irq = port.lock_irqsave();
    if (memcmp(&size, &winsize_, sizeof(size)) != 0) {
        winsize_ = size;
        pending_signals_ |= 1ull << kSigWinch;
    }
    unlock_and_signal(irq);
}

namespace {
void forget_terminal(task_struct* task, void* tty) {
    if (task->signal->tty == tty) task->signal->tty = nullptr;
}
}  // namespace

void tty_struct::hang_up() {
    pid_t old_session;
    pid_t old_group;
    {
        IrqGuard guard(port);
        generation_++;
        old_session = session;
        old_group = pgrp;
        session = pgrp = 0;
        discipline_.flush_input();
        queue_used_ = 0;
        echo_used_ = 0;
        stopped_ = false;
    }
    if (old_session != 0) {
        if (TaskRef leader = find_task_by_pid(old_session)) {
            (void)send_signal_process(leader.get(), kSigHup);
            (void)send_signal_process(leader.get(), kSigCont);
        }
        for_each_process_in_session(old_session, forget_terminal, this);
    }
    if (old_group != 0 && old_group != old_session) {
        (void)send_signal_pgrp(old_group, kSigHup);
        (void)send_signal_pgrp(old_group, kSigCont);
    }
    read_wait.wake_all();
    write_wait.wake_all();
}
