// N_TTY's reading side and output processing: what read(2) takes out of the buffer, what FIONREAD counts,
// and what a change of mode does to bytes already received.
#include "tty/n_tty.h"

bool NTty::input_available(u32 minimum) const {
    if (flag(ICANON) && !flag(EXTPROC)) {
        return canon_head_ != tail_;
    }
    return used() >= (minimum > 0 ? minimum : 1);
}

size_t NTty::read(u8* out, size_t count, bool* hit_eof) {
    *hit_eof = false;
    size_t n = 0;
    if (!flag(ICANON)) {
        while (n < count && tail_ != head_) {
            out[n++] = buffer_[slot(tail_++)];
        }
        if (canon_head_ - tail_ > kBufferSize) {
            canon_head_ = tail_;  // the reader overtook where a line under editing began
        }
        return n;
    }
    while (tail_ != canon_head_) {
        const Mark mark = marks_[slot(tail_)];
        if (mark == Mark::kEof) {
            // Ends this read; also when `count` was reached just before it, so that it is not seen twice.
            tail_++;
            *hit_eof = n == 0;
            return n;
        }
        if (n == count) {
            return n;
        }
        out[n++] = buffer_[slot(tail_++)];
        if (mark == Mark::kDelimiter) {
            return n;
        }
    }
    return n;
}

u32 NTty::bytes_readable() const {
    if (!flag(ICANON)) {
        return used();
    }
    u32 n = 0;
    for (u32 i = tail_; i != canon_head_; i++) {
        n += marks_[slot(i)] != Mark::kEof ? 1 : 0;
    }
    return n;
}

void NTty::settings_changed(const Termios& old) {
    if (((old.c_lflag ^ termios_.c_lflag) & (ICANON | EXTPROC)) == 0) {
        return;
    }
    literal_next_ = false;
    for (u32 i = tail_; i != head_; i++) {
        marks_[slot(i)] = Mark::kNone;
    }
    if (!flag(ICANON) || used() == 0) {
        canon_head_ = tail_;
    } else {
        // Bytes received raw become one line, so that they are not lost behind an unfinished one.
        marks_[slot(head_ - 1)] = Mark::kDelimiter;
        canon_head_ = head_;
    }
    start_column_ = column_;
    if (used() != 0) {
        host_.input_ready();
    }
}

size_t NTty::process_output(const u8* in, size_t count, u8* out, size_t room, size_t* produced) {
    size_t taken = 0;
    size_t made = 0;
    while (taken < count) {
        u8 expanded[8];
        const u32 saved_column = column_;
        const size_t n = expand(in[taken], expanded);
        if (made + n > room) {
            column_ = saved_column;
            break;
        }
        for (size_t i = 0; i < n; i++) {
            out[made++] = expanded[i];
        }
        taken++;
    }
    *produced = made;
    return taken;
}
