// N_TTY's line editing: erasing a character, a word, the line, and showing it on the screen (termios(3):
// ECHOE, ECHOK, ECHOKE, ECHOPRT is not supported and reads back as set but prints as ECHOE).
#include "tty/n_tty.h"

namespace {

bool is_control(u8 c) {
    return c < 0x20 || c == 0x7f;
}

bool is_word(u8 c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr u32 kTabWidth = 8;

}  // namespace

/// The column after the edited line's characters up to position `end`, as echo() has printed them.
u32 NTty::column_at(u32 end) const {
    u32 column = start_column_;
    for (u32 i = canon_head_; i != end; i++) {
        const u8 c = buffer_[slot(i)];
        if (c == '\t') {
            column = (column / kTabWidth + 1) * kTabWidth;
        } else if (is_control(c)) {
            column += flag(ECHOCTL) ? 2 : 0;
        } else if (!is_continuation(c)) {
            column++;
        }
    }
    return column;
}

// Takes the last character, all bytes of it when it is UTF-8, off the line. False when there is none, or
// only continuation bytes whose start was read already.
bool NTty::drop_last_char(u8* first_byte) {
    u32 at = head_;
    do {
        if (at == canon_head_) {
            return false;
        }
        at--;
    } while (is_continuation(buffer_[slot(at)]));
    *first_byte = buffer_[slot(at)];
    head_ = at;
    return true;
}

void NTty::echo_erased(u8 c) {
    u32 width;
    if (c == '\t') {
        const u32 before = column_at(head_);
        width = (before / kTabWidth + 1) * kTabWidth - before;
        while (width-- > 0) {
            echo_raw('\b');
        }
        return;
    }
    width = is_control(c) ? (flag(ECHOCTL) ? 2 : 0) : 1;
    while (width-- > 0) {
        echo_raw('\b');
        echo_raw(' ');
        echo_raw('\b');
    }
}

void NTty::erase_char(u8 c) {
    u8 first;
    if (!drop_last_char(&first) || !flag(ECHO)) {
        return;
    }
    if (flag(ECHOE)) {
        echo_erased(first);
    } else {
        echo(c);
    }
}

void NTty::erase_word() {
    bool seen_word = false;
    for (;;) {
        const u32 saved = head_;
        u8 first;
        if (!drop_last_char(&first)) {
            return;
        }
        if (is_word(first)) {
            seen_word = true;
        } else if (seen_word) {
            head_ = saved;
            return;
        }
        if (flag(ECHO)) {
            echo_erased(first);
        }
    }
}

void NTty::kill_line(u8 c) {
    if (head_ == canon_head_) {
        return;
    }
    if (flag(ECHO) && flag(ECHOK) && flag(ECHOKE) && flag(ECHOE)) {
        u8 first;
        while (drop_last_char(&first)) {
            echo_erased(first);
        }
        return;
    }
    head_ = canon_head_;
    if (flag(ECHO)) {
        echo(c);
        if (flag(ECHOK)) {
            echo_raw('\n');
        }
    }
}

void NTty::reprint() {
    echo_raw('\n');
    start_column_ = column_;
    for (u32 i = canon_head_; i != head_; i++) {
        echo(buffer_[slot(i)]);
    }
}

void NTty::echo(u8 c) {
    if (flag(ECHOCTL) && is_control(c) && c != '\t') {
        host_.emit('^');
        host_.emit(c ^ 0100);
        column_ += 2;
        return;
    }
    echo_raw(c);
}

void NTty::echo_raw(u8 c) {
    u8 out[kTabWidth];
    const size_t n = expand(c, out);
    for (size_t i = 0; i < n; i++) {
        host_.emit(out[i]);
    }
}

/// Output processing of one byte (termios(3), c_oflag); keeps track of the column.
size_t NTty::expand(u8 c, u8* out) {
    if ((termios_.c_oflag & OPOST) == 0) {
        out[0] = c;
        return 1;
    }
    switch (c) {
        case '\n':
            if (termios_.c_oflag & ONLRET) {
                column_ = 0;
            }
            if (termios_.c_oflag & ONLCR) {
                column_ = 0;
                out[0] = '\r';
                out[1] = '\n';
                return 2;
            }
            break;
        case '\r':
            if ((termios_.c_oflag & ONOCR) && column_ == 0) {
                return 0;
            }
            if (termios_.c_oflag & OCRNL) {
                c = '\n';
                if (termios_.c_oflag & ONLRET) {
                    column_ = 0;
                }
                break;
            }
            column_ = 0;
            break;
        case '\t': {
            const u32 spaces = kTabWidth - column_ % kTabWidth;
            column_ += spaces;
            if ((termios_.c_oflag & TABDLY) == XTABS) {
                for (u32 i = 0; i < spaces; i++) {
                    out[i] = ' ';
                }
                return spaces;
            }
            break;
        }
        case '\b':
            if (column_ > 0) {
                column_--;
            }
            break;
        default:
            if ((termios_.c_oflag & OLCUC) && c >= 'a' && c <= 'z') {
                c = static_cast<u8>(c - 'a' + 'A');
            }
            if (!is_control(c) && !is_continuation(c)) {
                column_++;
            }
            break;
    }
    out[0] = c;
    return 1;
}
