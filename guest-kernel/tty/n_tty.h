// N_TTY, the line discipline: turns bytes from a line into what read(2) gives, and echoes them.
//
// Pure logic: no locks, no sleeping, no tasks. The Tty that owns it holds its lock around every call and
// carries out what NTtyHost asks for. Behaviour follows termios(3) and Linux's N_TTY:
//   - canonical mode: the line under editing can be erased (VERASE, VWERASE, VKILL) until a delimiter
//     (newline, VEOF, VEOL, VEOL2) makes it readable; one read gives at most one line.
//   - raw mode: every byte is readable at once; VMIN and VTIME are the reader's business (Tty).
//   - a line holds at most 4095 bytes and its newline; what exceeds that is dropped, with BEL when IMAXBEL.
#pragma once

#include "abi/termios.h"
#include "core/types.h"

/// A received byte's condition: breaks and line errors are told apart from data as termios(3) asks (IGNBRK,
/// BRKINT, PARMRK, INPCK).
enum class TtyFlag : u8 { kNormal, kBreak, kParity };

/// What the discipline asks of its terminal.
class NTtyHost {
  public:
    virtual ~NTtyHost() = default;
    virtual void emit(u8 byte) = 0;                  ///< Send one byte of echo, already post-processed.
    virtual void signal_foreground(int signal) = 0;  ///< SIGINT, SIGQUIT or SIGTSTP to the foreground group.
    virtual void flush_output() = 0;                 ///< Throw away output that is not sent yet.
    virtual void set_stopped(bool stopped) = 0;      ///< VSTOP / VSTART.
    virtual void input_ready() = 0;                  ///< Readers may find something now.
};

/// The settings a terminal starts with: "sane", cooked, 38400 baud, UTF-8 off (Linux's tty_std_termios).
Termios default_termios();

class NTty {
  public:
    static constexpr u32 kBufferSize = 4096;

    NTty(const Termios& termios, NTtyHost& host) : termios_(termios), host_(host) {}

    /// Takes one byte from the line.
    void receive(u8 byte, TtyFlag flag);

    /// True while receive() may be called without losing bytes that a later read would make room for.
    bool can_receive() const;

    /// Something is there for read(2): a complete line, or in raw mode at least `minimum` bytes.
    bool input_available(u32 minimum) const;

    /// Takes up to `count` bytes out; in canonical mode at most one line. A line that VEOF ended gives no
    /// byte for the VEOF; `*hit_eof` says whether a VEOF alone was consumed (a read of 0, end of file).
    size_t read(u8* out, size_t count, bool* hit_eof);

    /// Bytes that FIONREAD counts.
    u32 bytes_readable() const;

    /// Output post-processing (OPOST …) of `count` bytes into `out` (room for `room` bytes); returns how many
    /// input bytes were taken, `*produced` how many bytes came out. Never splits one byte's output.
    size_t process_output(const u8* in, size_t count, u8* out, size_t room, size_t* produced);

    void flush_input();

    /// Call after the owner changed the settings; `old` are those before.
    void settings_changed(const Termios& old);

  private:
    enum class Mark : u8 { kNone, kDelimiter, kEof };

    bool flag(u32 bits) const { return (termios_.c_lflag & bits) != 0; }
    bool iflag(u32 bits) const { return (termios_.c_iflag & bits) != 0; }
    bool is_char(ControlChar which, u8 c) const {
        return termios_.c_cc[which] != kPosixVdisable && termios_.c_cc[which] == c;
    }
    u32 used() const { return head_ - tail_; }
    static u32 slot(u32 position) { return position & (kBufferSize - 1); }

    void receive_error(u8 byte, TtyFlag kind);
    void receive_plain(u8 c);
    bool receive_flow_control(u8 c);
    bool receive_signal(u8 c);
    bool receive_canonical(u8 c);
    void store(u8 c);
    void put(u8 c, Mark mark);
    void end_line(u8 c, Mark mark);
    void raise(u8 c, int signal);

    void erase_char(u8 c);
    void erase_word();
    void kill_line(u8 c);
    bool drop_last_char(u8* first_byte);
    void echo_erased(u8 first_byte);
    void reprint();
    u32 column_at(u32 end) const;
    bool is_continuation(u8 c) const { return iflag(IUTF8) && (c & 0xc0) == 0x80; }

    void echo(u8 c);               ///< A typed character: control characters as ^X under ECHOCTL.
    void echo_raw(u8 c);           ///< A byte through output post-processing only.
    size_t expand(u8 c, u8* out);  ///< Output processing of one byte; at most 8 bytes come out.

    const Termios& termios_;
    NTtyHost& host_;
    u8 buffer_[kBufferSize] = {};
    Mark marks_[kBufferSize] = {};
    u32 head_ = 0;          ///< Where the next byte goes (free-running; slot() gives the place).
    u32 tail_ = 0;          ///< Where the next read starts.
    u32 canon_head_ = 0;    ///< The line under editing starts here; all before it is readable.
    u32 column_ = 0;        ///< Where the cursor stands, as far as output tells.
    u32 start_column_ = 0;  ///< Where it stood when the line under editing began.
    bool literal_next_ = false;
};
