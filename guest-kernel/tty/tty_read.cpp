// read(2) of a terminal: lines in canonical mode, VMIN and VTIME otherwise (termios(3)).
#include "tty/tty.h"

#include "abi/poll.h"

namespace {

constexpr u64 kDecisecond = kNsPerSec / 10;

struct RawRules {
    u32 minimum;     ///< bytes to wait for
    u64 first_ns;    ///< how long for the first byte
    u64 between_ns;  ///< how long between bytes, from the first on
};

RawRules rules_of(const Termios& t, size_t count) {
    const u32 vmin = t.c_cc[VMIN];
    const u64 vtime = t.c_cc[VTIME] * kDecisecond;
    RawRules r{};
    if (vmin == 0) {
        r.minimum = 1;
        r.first_ns = vtime;
        r.between_ns = kNoTimeout;
    } else {
        r.minimum = static_cast<u32>(min<size_t>(vmin, count));
        r.first_ns = kNoTimeout;
        r.between_ns = vtime ? vtime : kNoTimeout;
    }
    return r;
}

}  // namespace

bool tty_struct::input_available() {
    IrqGuard guard(port);
    const u32 vmin = termios_.c_cc[VMIN];
    return discipline_.input_available(termios_.c_cc[VTIME] == 0 ? vmin : 1);
}

Result<size_t> tty_struct::read(u8* out, size_t count, bool nonblocking, u32 file_generation) {
    if (count == 0) return size_t{0};
    u32 seen = 0;  // raw bytes there when we last looked
    bool time_is_up = false;
    for (;;) {
        const u64 irq = port.lock_irqsave();
        const bool canonical = (termios_.c_lflag & ICANON) != 0;
        const RawRules rules = rules_of(termios_, count);
        const u32 there = discipline_.bytes_readable();
        const bool ready = canonical ? discipline_.input_available(0) : there >= rules.minimum;
        if (ready || (time_is_up && !canonical)) {
            bool hit_eof = false;
            const size_t n = discipline_.read(out, count, &hit_eof);
            pump();  // what waited for room may come in now
            unlock_and_signal(irq);
            if (is_pty) room_wait.wake_one(POLLOUT | POLLWRNORM);
            return size_t{n};
        }
        port.unlock_irqrestore(irq);
        if (file_generation != generation() || other_closed) return size_t{0};
        u64 timeout = kNoTimeout;
        if (!canonical) timeout = there == 0 ? rules.first_ns : rules.between_ns;
        if (timeout == 0) {
            time_is_up = true;
            continue;
        }
        if (nonblocking) {
            if (!canonical && there > 0) {
                time_is_up = true;
                continue;
            }
            return Errno::EAGAIN;
        }
        seen = there;
        Result<void> woken = wait_event_timeout(
            read_wait,
            [&] {
                if (file_generation != generation() || other_closed) return true;
                IrqGuard guard(port);
                if (termios_.c_lflag & ICANON) return discipline_.input_available(0);
                return discipline_.bytes_readable() != seen;
            },
            timeout);
        if (!woken.ok()) {
            if (woken.error() != Errno::ETIMEDOUT) return woken.error();
            time_is_up = true;
        }
    }
}
