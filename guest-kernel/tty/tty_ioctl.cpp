// The ioctl requests of terminals (ioctl_tty(2)).
#include "mm/user_ptr.h"
#include "task/task.h"
#include "tty/tty_file.h"

namespace {

enum class When { kNow, kDrained, kFlushed };

Result<long> apply(tty_struct& tty, const Termios& fresh, When when) {
    TRY(tty_check_job_control(tty, kSigTtou));
    if (when != When::kNow) tty.driver->drain();
    if (when == When::kFlushed) tty.flush_input();
    tty.set_settings(fresh);
    return 0L;
}

Result<long> set_termio(tty_struct& tty, u64 argument, When when) {
    const Termio old_style = TRY(UserPtr<Termio>(argument).read());
    Termios t = tty.settings();
    t.c_iflag = (t.c_iflag & ~0xffffu) | old_style.c_iflag;
    t.c_oflag = (t.c_oflag & ~0xffffu) | old_style.c_oflag;
    t.c_cflag = (t.c_cflag & ~0xffffu) | old_style.c_cflag;
    t.c_lflag = (t.c_lflag & ~0xffffu) | old_style.c_lflag;
    for (int i = 0; i < 8; i++) t.c_cc[i] = old_style.c_cc[i];
    return apply(tty, t, when);
}

Result<long> get_termio(tty_struct& tty, u64 argument) {
    const Termios t = tty.settings();
    Termio out{};
    out.c_iflag = static_cast<u16>(t.c_iflag);
    out.c_oflag = static_cast<u16>(t.c_oflag);
    out.c_cflag = static_cast<u16>(t.c_cflag);
    out.c_lflag = static_cast<u16>(t.c_lflag);
    out.c_line = t.c_line;
    for (int i = 0; i < 8; i++) out.c_cc[i] = t.c_cc[i];
    TRY(UserPtr<Termio>(argument).write(out));
    return 0L;
}

// The speed in bits per second that c_cflag's CBAUD code stands for (termios(3)).
u32 speed_of(const Termios& t) {
    static constexpr u32 kSlow[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                    600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
    static constexpr u32 kFast[] = {0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000};
    const u32 code = t.c_cflag & CBAUD;
    if (code < 16) return kSlow[code];
    const u32 fast = code & 017;
    return fast < sizeof(kFast) / sizeof(kFast[0]) ? kFast[fast] : 0;
}

Result<long> set_termios(tty_struct& tty, u64 argument, When when) {
    return apply(tty, TRY(UserPtr<Termios>(argument).read()), when);
}
Result<long> set_termios2(tty_struct& tty, u64 argument, When when) {
    return apply(tty, TRY(UserPtr<Termios2>(argument).read()).base, when);
}

Result<long> get_termios2(tty_struct& tty, u64 argument) {
    Termios2 out{};
    out.base = tty.settings();
    out.c_ispeed = out.c_ospeed = speed_of(out.base);
    TRY(UserPtr<Termios2>(argument).write(out));
    return 0L;
}

Result<long> flush(tty_struct& tty, u64 which) {
    TRY(tty_check_job_control(tty, kSigTtou));
    switch (static_cast<int>(which)) {
        case TCIFLUSH:
            tty.flush_input();
            return 0L;
        case TCIOFLUSH:
            tty.flush_input();
            [[fallthrough]];
        case TCOFLUSH:
            tty.flush_output_queue();
            return 0L;
        default:
            return Errno::EINVAL;
    }
}

Result<long> flow(tty_struct& tty, u64 what) {
    TRY(tty_check_job_control(tty, kSigTtou));
    const Termios t = tty.settings();
    switch (static_cast<int>(what)) {
        case TCOOFF:
        case TCOON:
            tty.set_output_stopped(static_cast<int>(what) == TCOOFF);
            return 0L;
        case TCIOFF:
        case TCION: {
            const u8 c = t.c_cc[static_cast<int>(what) == TCIOFF ? VSTOP : VSTART];
            if (c != kPosixVdisable) {
                IrqGuard guard(tty.port);
                tty.driver->write(&c, 1);
            }
            return 0L;
        }
        default:
            return Errno::EINVAL;
    }
}

Result<long> set_foreground(tty_struct& tty, u64 argument) {
    TRY(tty_check_job_control(tty, kSigTtou));
    task_struct* task = current();
    if (task->signal->tty != &tty || tty.session != task_session(task)) return Errno::ENOTTY;
    const pid_t named = TRY(UserPtr<i32>(argument).read());
    if (named < 0) return Errno::EINVAL;
    const pid_t group = global_pid(named);
    if (!session_has_pgrp(tty.session, group)) {
        return find_task_by_vpid(named) ? Errno::EPERM : Errno::ESRCH;
    }
    IrqGuard guard(tty.port);
    tty.pgrp = group;
    return 0L;
}

Result<long> push_byte(tty_struct& tty, u64 argument) {
    if (current_tty() != &tty && !current()->cred.has(kCapSysAdmin)) return Errno::EPERM;
    tty.insert_input(TRY(UserPtr<u8>(argument).read()));
    return 0L;
}

Result<long> lose_controlling(tty_struct& tty) {
    if (current_tty() != &tty) return Errno::ENOTTY;
    tty_disassociate(current(), false);
    return 0L;
}

Result<long> put_int(u64 argument, i32 value) {
    TRY(UserPtr<i32>(argument).write(value));
    return 0L;
}

}  // namespace

Result<long> tty_ioctl(tty_struct& tty, u32 request, u64 argument) {
    switch (request) {
        case TCGETS:
            TRY(UserPtr<Termios>(argument).write(tty.settings()));
            return 0L;
        case TCSETS:
            return set_termios(tty, argument, When::kNow);
        case TCSETSW:
            return set_termios(tty, argument, When::kDrained);
        case TCSETSF:
            return set_termios(tty, argument, When::kFlushed);
        case TCGETS2:
            return get_termios2(tty, argument);
        case TCSETS2:
            return set_termios2(tty, argument, When::kNow);
        case TCSETSW2:
            return set_termios2(tty, argument, When::kDrained);
        case TCSETSF2:
            return set_termios2(tty, argument, When::kFlushed);
        case TCGETA:
            return get_termio(tty, argument);
        case TCSETA:
            return set_termio(tty, argument, When::kNow);
        case TCSETAW:
            return set_termio(tty, argument, When::kDrained);
        case TCSETAF:
            return set_termio(tty, argument, When::kFlushed);
        case TCSBRK:
        case TCSBRKP:  // no driver here can send a break: what is left is waiting for the output
            TRY(tty_check_job_control(tty, kSigTtou));
            tty.driver->drain();
            return 0L;
        case TCXONC:
            return flow(tty, argument);
        case TCFLSH:
            return flush(tty, argument);
        case TIOCGWINSZ:
            TRY(UserPtr<Winsize>(argument).write(tty.window_size()));
            return 0L;
        case TIOCSWINSZ:
            tty.set_window_size(TRY(UserPtr<Winsize>(argument).read()));
            return 0L;
        case FIONREAD:
            return put_int(argument, static_cast<i32>(tty.bytes_readable()));
        case TIOCOUTQ:
            return put_int(argument, 0);
        case TIOCGETD:
            return put_int(argument, 0);
        case TIOCSETD:
            return TRY(UserPtr<i32>(argument).read()) == 0 ? Result<long>(0L) : Result<long>(Errno::EINVAL);
        case TIOCEXCL:
            tty.exclusive = true;
            return 0L;
        case TIOCNXCL:
            tty.exclusive = false;
            return 0L;
        default:
            return tty.driver->ioctl(request, argument);
    }
}

Result<long> TtyFile::ioctl(u32 request, u64 argument) {
    if (hung_up()) return request == TIOCSPGRP ? Errno::ENOTTY : Errno::EIO;
    switch (request) {
        case TIOCSCTTY:
            TRY(tty_set_controlling(tty, argument == 1));
            return 0L;
        case TIOCNOTTY:
            return lose_controlling(tty);
        case TIOCGPGRP:
            if (current_tty() != &tty) return Errno::ENOTTY;
            return put_int(argument, own_view(tty.pgrp));
        case TIOCSPGRP:
            return set_foreground(tty, argument);
        case TIOCGSID:
            if (current_tty() != &tty || tty.session == 0) return Errno::ENOTTY;
            return put_int(argument, own_view(tty.session));
        case TIOCSTI:
            return push_byte(tty, argument);
        default:
            return tty_ioctl(tty, request, argument);
    }
}
