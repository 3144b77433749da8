// tty_struct: a terminal: a driver below, the line discipline in the middle, files and job control above
// (tty_ioctl(4), ioctl_tty(2), setsid(2), tcsetpgrp(3)).
//
// Locking: `port` (a spin lock, interrupts off) guards the discipline, the settings, the receive queue and
// the job-control fields. Nothing sleeps under it; signals that the discipline asks for are sent after it is
// let go. A tty_struct is never freed (pseudo-terminals are pooled), so SignalStruct::tty may point to one
// plainly.
#pragma once

#include "core/string_buf.h"
#include "core/vector.h"
#include "drivers/tty_driver.h"
#include "sync/wait_queue.h"
#include "tty/n_tty.h"

struct SignalStruct;
struct task_struct;

struct tty_struct final : TtyReceiver, NTtyHost {
    /// `queue_size`: how many received bytes wait while the discipline is full.
    static Result<tty_struct*> make(TtyDriver& its_driver, const char* its_name, dev_t its_number,
                                    size_t queue_size);

    // From the driver.
    void receive_byte(u8 byte) override;
    void receive_error(u8 byte) override;
    /// Several at once; returns how many the queue took.
    size_t receive(const u8* bytes, size_t count);
    size_t receive_room();
    /// The driver can take output again (pseudo-terminals).
    void output_writable();

    // From files. `nonblocking` as the file says.
    Result<size_t> read(u8* out, size_t count, bool nonblocking, u32 generation);
    Result<size_t> write(const u8* bytes, size_t count, bool nonblocking, u32 generation);
    bool input_available();
    bool output_available();
    u32 bytes_readable();
    Termios settings();
    void set_settings(const Termios& fresh);
    void flush_input();
    void flush_output_queue();
    Winsize window_size();
    void set_window_size(const Winsize& size);
    void set_output_stopped(bool stop);
    void insert_input(u8 byte);  ///< TIOCSTI

    /// Carrier lost or session over: SIGHUP and SIGCONT to the foreground group, the session loses the
    /// terminal, files opened before read 0 and write EIO.
    void hang_up();
    u32 generation() const { return __atomic_load_n(&generation_, __ATOMIC_RELAXED); }

    TtyDriver* driver = nullptr;
    KString name;
    dev_t number = 0;
    bool is_pty = false;
    bool exclusive = false;
    u32 open_count = 0;
    SpinLock port{LockRank::kTtyPort};  ///< bare: of the line discipline and the driver as well
    WaitQueue read_wait;
    WaitQueue write_wait;
    WaitQueue room_wait;  ///< a pseudo-terminal's master waits here until receive() takes more
    // Job control
    pid_t session = 0;  ///< whose controlling terminal it is; 0: nobody's
    pid_t pgrp = 0;     ///< the foreground group
    /// A pseudo-terminal whose other end is closed: reads give 0, writes EIO.
    bool other_closed = false;

  private:
    tty_struct(TtyDriver& its_driver, dev_t its_number);
    void emit(u8 byte) override;
    void signal_foreground(int signal) override;
    void flush_output() override;
    void set_stopped(bool stopped) override;
    void input_ready() override;

    bool queue_byte(u8 byte, TtyFlag flag);
    void pump();
    void flush_echo();
    /// Ends a section under `port` and then sends the signals it asked for.
    void unlock_and_signal(u64 irq_flags);
    size_t write_some(const u8* bytes, size_t count);

    struct Received {
        u8 byte;
        TtyFlag flag;
    };
    Termios termios_;
    NTty discipline_;
    Winsize winsize_{};
    bool stopped_ = false;
    u32 generation_ = 0;
    u64 pending_signals_ = 0;  ///< bit n: signal n, to be sent once `port` is free
    Vec<Received> queue_;      ///< a ring of what came while the discipline was full
    size_t queue_head_ = 0;
    size_t queue_used_ = 0;
    u8 echo_[256];  ///< echo that waits for VSTART or for room
    size_t echo_used_ = 0;
};

// Job control (tty_jobctl.cpp).
/// May the calling task read (SIGTTIN) or change or write (SIGTTOU) this terminal? From the background it is
/// stopped: ERESTARTSYS once the signal is sent, EIO when it is blocked, ignored (SIGTTIN) or the group
/// orphaned.
Result<void> tty_check_job_control(tty_struct& tty, int signal);
/// The calling session leader takes `tty` as its controlling terminal. EPERM.
Result<void> tty_set_controlling(tty_struct& tty, bool steal);
/// Becomes the controlling terminal at open, if the rules of open(2) say so.
void tty_maybe_set_controlling(tty_struct& tty);
/// TIOCNOTTY, and what exit of a session leader does: the session loses its terminal, the foreground group
/// gets SIGHUP and SIGCONT.
void tty_disassociate(task_struct* task, bool on_exit);
/// The calling task's controlling terminal or null.
tty_struct* current_tty();

/// The registered terminals, for /proc/tty/drivers and tty_nr of /proc/PID/stat.
tty_struct* find_tty(dev_t number);
