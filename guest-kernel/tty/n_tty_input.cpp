// N_TTY's input half: what each received byte does (termios(3), "Canonical and noncanonical mode" and the
// c_iflag, c_lflag and c_cc tables).
#include "abi/signal.h"
#include "tty/n_tty.h"

Termios default_termios() {
    Termios t{};
    t.c_iflag = ICRNL | IXON;
    t.c_oflag = OPOST | ONLCR;
    t.c_cflag = B38400 | CS8 | CREAD | HUPCL;
    t.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    constexpr u8 kDefaults[NCCS] = {
        /* VINTR */ 003,    /* VQUIT */ 034,   /* VERASE */ 0177,
        /* VKILL */ 025,    /* VEOF */ 004,
        /* VTIME */ 0,      /* VMIN */ 1,      /* VSWTC */ 0,
        /* VSTART */ 021,   /* VSTOP */ 023,
        /* VSUSP */ 032,    /* VEOL */ 0,      /* VREPRINT */ 022,
        /* VDISCARD */ 017, /* VWERASE */ 027,
        /* VLNEXT */ 026,   /* VEOL2 */ 0,
    };
    for (size_t i = 0; i < NCCS; i++) {
        t.c_cc[i] = kDefaults[i];
    }
    return t;
}

namespace {

bool is_upper(u8 c) {
    return c >= 'A' && c <= 'Z';
}

}  // namespace

bool NTty::can_receive() const {
    if (flag(ICANON) && canon_head_ == tail_) {
        return true;  // the reader cannot make room before the line ends: receive() drops the excess
    }
    return used() + 3 < kBufferSize;  // PARMRK makes three bytes of one
}

void NTty::receive(u8 byte, TtyFlag kind) {
    if (kind != TtyFlag::kNormal) {
        receive_error(byte, kind);
        return;
    }
    receive_plain(byte);
}

void NTty::receive_error(u8 byte, TtyFlag kind) {
    if (kind == TtyFlag::kBreak) {
        if (iflag(IGNBRK)) {
            return;
        }
        if (iflag(BRKINT)) {
            raise(0, kSigInt);
            return;
        }
        byte = 0;
    } else {
        if (iflag(IGNPAR)) {
            return;
        }
        if (!iflag(INPCK)) {
            receive_plain(byte);
            return;
        }
    }
    if (iflag(PARMRK)) {
        put(0377, Mark::kNone);
        put(0, Mark::kNone);
        put(kind == TtyFlag::kBreak ? 0 : byte, Mark::kNone);
    } else {
        put(0, Mark::kNone);
    }
    if (!flag(ICANON)) {
        host_.input_ready();
    }
}

void NTty::receive_plain(u8 c) {
    if (iflag(ISTRIP)) {
        c &= 0x7f;
    }
    if (iflag(IUCLC) && flag(IEXTEN) && is_upper(c)) {
        c = static_cast<u8>(c - 'A' + 'a');
    }
    if (literal_next_) {
        literal_next_ = false;
        store(c);
        return;
    }
    if (receive_flow_control(c) || receive_signal(c)) {
        return;
    }
    if (c == '\r') {
        if (iflag(IGNCR)) {
            return;
        }
        if (iflag(ICRNL)) {
            c = '\n';
        }
    } else if (c == '\n' && iflag(INLCR)) {
        c = '\r';
    }
    if (flag(ICANON) && receive_canonical(c)) {
        return;
    }
    store(c);
}

bool NTty::receive_flow_control(u8 c) {
    if (!iflag(IXON)) {
        return false;
    }
    if (is_char(VSTART, c)) {
        host_.set_stopped(false);
        return true;
    }
    if (is_char(VSTOP, c)) {
        host_.set_stopped(true);
        return true;
    }
    if (iflag(IXANY)) {
        host_.set_stopped(false);
    }
    return false;
}

bool NTty::receive_signal(u8 c) {
    if (!flag(ISIG)) {
        return false;
    }
    if (is_char(VINTR, c)) {
        raise(c, kSigInt);
    } else if (is_char(VQUIT, c)) {
        raise(c, kSigQuit);
    } else if (is_char(VSUSP, c)) {
        raise(c, kSigTstp);
    } else {
        return false;
    }
    return true;
}

void NTty::raise(u8 c, int signal) {
    if (!flag(NOFLSH)) {
        flush_input();
        host_.flush_output();
    }
    if (iflag(IXON)) {
        host_.set_stopped(false);
    }
    if (c != 0 && flag(ECHO)) {
        echo(c);
    }
    host_.signal_foreground(signal);
}

// The characters that mean something only while a line is being edited. True when `c` was one of them.
bool NTty::receive_canonical(u8 c) {
    if (is_char(VERASE, c)) {
        erase_char(c);
        return true;
    }
    if (is_char(VKILL, c)) {
        kill_line(c);
        return true;
    }
    if (flag(IEXTEN)) {
        if (is_char(VWERASE, c)) {
            erase_word();
            return true;
        }
        if (is_char(VLNEXT, c)) {
            literal_next_ = true;
            if (flag(ECHO) && flag(ECHOCTL)) {
                echo_raw('^');
                echo_raw('\b');
            }
            return true;
        }
        if (is_char(VREPRINT, c) && flag(ECHO)) {
            echo(c);
            reprint();
            return true;
        }
    }
    if (c == '\n') {
        if (flag(ECHO) || flag(ECHONL)) {
            echo_raw('\n');
        }
        end_line(c, Mark::kDelimiter);
        return true;
    }
    if (is_char(VEOF, c)) {
        end_line(0, Mark::kEof);
        return true;
    }
    if (is_char(VEOL, c) || (flag(IEXTEN) && is_char(VEOL2, c))) {
        if (flag(ECHO)) {
            echo(c);
        }
        end_line(c, Mark::kDelimiter);
        return true;
    }
    return false;
}

// An ordinary character: into the buffer, and onto the screen.
void NTty::store(u8 c) {
    // One place stays free in canonical mode for the newline that makes the line readable.
    const u32 need = (iflag(PARMRK) && c == 0377) ? 2 : 1;
    const u32 reserve = flag(ICANON) ? 1 : 0;
    if (used() + need + reserve > kBufferSize) {
        if (iflag(IMAXBEL)) {
            host_.emit('\a');
        }
        return;
    }
    if (flag(ECHO)) {
        if (flag(ICANON) && head_ == canon_head_) {
            start_column_ = column_;
        }
        if (c == '\n') {
            echo_raw('\n');
        } else {
            echo(c);
        }
    }
    if (need == 2) {
        put(c, Mark::kNone);
    }
    put(c, Mark::kNone);
    if (!flag(ICANON)) {
        host_.input_ready();
    }
}

void NTty::put(u8 c, Mark mark) {
    if (used() == kBufferSize) {
        return;
    }
    buffer_[slot(head_)] = c;
    marks_[slot(head_)] = mark;
    head_++;
}

void NTty::end_line(u8 c, Mark mark) {
    if (used() == kBufferSize) {
        return;
    }
    put(c, mark);
    canon_head_ = head_;
    host_.input_ready();
}

void NTty::flush_input() {
    head_ = tail_ = canon_head_ = 0;
    literal_next_ = false;
}
