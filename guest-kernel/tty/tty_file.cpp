// Reading, writing and polling an opened terminal.
#include "tty/tty_file.h"

#include "core/kmalloc.h"
#include "task/task.h"
#include "tty/pty.h"

namespace {

// A buffer for one transfer between a program and the terminal's spin-locked insides.
class Bounce {
  public:
    explicit Bounce(size_t wanted)
        : size(min<size_t>(wanted, 4096)), bytes(static_cast<u8*>(kmalloc(max<size_t>(size, 1)))) {}
    ~Bounce() { kfree(bytes); }
    Bounce(const Bounce&) = delete;
    Bounce& operator=(const Bounce&) = delete;
    const size_t size;
    u8* const bytes;
};

}  // namespace

TtyFile::TtyFile(Inode& file_inode, tty_struct& its_tty, bool as_console)
    : File(file_inode), tty(its_tty), console_(as_console), generation_(its_tty.generation()) {
    IrqGuard guard(tty.port);
    tty.open_count++;
}

TtyFile::~TtyFile() {
    {
        IrqGuard guard(tty.port);
        if (--tty.open_count > 0) return;
        tty.exclusive = false;
    }
    if (tty.is_pty) pty_slave_closed(tty);
}

Result<size_t> TtyFile::read(IovIter& to, loff_t&) {
    if (hung_up()) return size_t{0};
    TRY(tty_check_job_control(tty, kSigTtin));
    Bounce bounce(to.remaining());
    if (!bounce.bytes) return Errno::ENOMEM;
    const size_t n = TRY(tty.read(bounce.bytes, bounce.size, nonblocking(), generation()));
    if (to.copy_to(bounce.bytes, n) != n) return Errno::EFAULT;
    if (n > 0) inode->touch_atime();
    return size_t{n};
}

Result<size_t> TtyFile::write(IovIter& from, loff_t&) {
    if (hung_up()) return Errno::EIO;
    if (tty.settings().c_lflag & TOSTOP) TRY(tty_check_job_control(tty, kSigTtou));
    Bounce bounce(from.remaining());
    if (!bounce.bytes) return Errno::ENOMEM;
    size_t done = 0;
    while (from.remaining() > 0) {
        const size_t n = from.copy_from(bounce.bytes, bounce.size);
        if (n == 0) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        Result<size_t> sent = tty.write(bounce.bytes, n, nonblocking(), generation());
        if (!sent.ok()) return done ? Result<size_t>(done) : std::move(sent);
        done += sent.value();
        if (sent.value() < n || signal_pending(current())) break;
    }
    if (done > 0) inode->touch_mtime();
    return size_t{done};
}

u32 TtyFile::poll(PollTable* table) {
    if (table) {
        table->add(tty.read_wait);
        table->add(tty.write_wait);
    }
    if (hung_up()) return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    u32 mask = 0;
    if (tty.input_available()) mask |= POLLIN | POLLRDNORM;
    if (tty.output_available()) mask |= POLLOUT | POLLWRNORM;
    if (tty.other_closed) mask |= POLLHUP;
    return mask;
}
