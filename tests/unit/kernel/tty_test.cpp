// The terminal above the discipline: reading modes, job control, hanging up, opening rules.
#include "tests/unit/kernel/shim/shim.h"

#include "fs/tmpfs/devtmpfs.h"
#include "mm/user_ptr.h"
#include "tty/console.h"
#include "tty/tty_file.h"

using namespace shim;

namespace {

struct Wire final : TtyDriver {
    std::string sent;
    TtyReceiver* receiver = nullptr;
    const char* name() const override { return "ttyT"; }
    size_t write(const u8* bytes, size_t count) override {
        sent.append(reinterpret_cast<const char*>(bytes), count);
        return count;
    }
    size_t write_room() const override { return 4096; }
    void drain() override {}
    void set_receiver(TtyReceiver* r) override { receiver = r; }
};

struct Terminal {
    Wire wire;
    tty_struct* tty = tty_struct::make(wire, "ttyT", make_dev(4, 99), 64).release_value();
    RefPtr<Inode> node = make_ref<Inode>(&root_super(), 1, S_IFCHR | 0600).release_value();
    RefPtr<TtyFile> file = make_ref<TtyFile>(*node, *tty, false).release_value();
    Terminal() { file->flags = O_RDWR; }
    ~Terminal() {
        task().signal->tty = nullptr;
        file.reset();
        delete tty;
    }
    static SuperBlock& root_super() { return *task().fs->root().inode().sb; }
    void type(const std::string& s) {
        for (char c : s) wire.receiver->receive_byte(static_cast<u8>(c));
    }
    Result<size_t> read(char* out, size_t n) {
        loff_t at = 0;
        return kernel_read(*file, out, n, at);
    }
    std::string read(size_t n = 100) {
        std::string s(n, '\0');
        s.resize(read(s.data(), n).release_value());
        return s;
    }
    void raw(u8 vmin, u8 vtime) {
        Termios t = tty->settings();
        t.c_lflag &= ~(ICANON | ECHO);
        t.c_cc[VMIN] = vmin;
        t.c_cc[VTIME] = vtime;
        tty->set_settings(t);
    }
    void own() {
        task().signal->leader = true;
        REQUIRE(file->ioctl(TIOCSCTTY, 0).ok());
    }
};

}  // namespace

TEST_CASE("a reader waits for a whole line") {
    World w;
    Terminal t;
    int naps = 0;
    on_sleep([&] {
        t.type(naps++ == 0 ? "par" : "tial\n");
        return true;
    });
    CHECK(t.read() == "partial\n");
    CHECK(naps == 2);
    CHECK(t.wire.sent == "partial\r\n");
    t.file->flags |= O_NONBLOCK;
    char c;
    CHECK(error_of(t.read(&c, 1)) == Errno::EAGAIN);
}

TEST_CASE("VMIN and VTIME") {
    World w;
    Terminal t;
    char buffer[10];
    t.raw(0, 0);
    CHECK(t.read().empty());
    t.type("x");
    CHECK(t.read() == "x");
    t.raw(0, 5);  // up to half a second for the first byte
    const u64 before = ktime_get_ns();
    CHECK(t.read().empty());
    CHECK(ktime_get_ns() - before == 500'000'000);
    t.raw(3, 0);
    int naps = 0;
    on_sleep([&] {
        t.type(naps++ == 0 ? "a" : "bc");
        return true;
    });
    CHECK(t.read() == "abc");
    t.raw(3, 1);  // a pause between bytes ends the read
    naps = 0;
    on_sleep([&] {
        if (naps++ > 0) return false;
        t.type("a");
        return true;
    });
    CHECK(t.read() == "a");
    t.raw(100, 0);
    t.type("0123456789");
    CHECK(t.read(buffer, 4).value() == 4);  // never waits for more than was asked for
}

TEST_CASE("input waits in the queue while the discipline is full, and overflows after that") {
    World w;
    Terminal t;
    t.raw(1, 0);
    t.type(std::string(4096 + 200, 'x'));
    size_t total = 0;
    t.file->flags |= O_NONBLOCK;
    for (char buffer[512]; t.read(buffer, sizeof(buffer)).ok();) total += 512;
    CHECK(total >= 4093 + 64);
    CHECK(total < 4096 + 200 + 512);
}

TEST_CASE("Ctrl-C signals the foreground group of the terminal") {
    World w;
    Terminal t;
    t.type("\003");
    CHECK(signals().empty());  // nobody's terminal
    t.own();
    t.type("\003\032");
    CHECK(signals() == std::vector<Sent>{{100, 0, kSigInt}, {100, 0, kSigTstp}});
}

TEST_CASE("Ctrl-S holds output and echo back, Ctrl-Q lets both go") {
    World w;
    Terminal t;
    t.type("\023");
    t.type("typed");
    t.file->flags |= O_NONBLOCK;
    loff_t at = 0;
    CHECK(error_of(kernel_write(*t.file, "out", 3, at)) == Errno::EAGAIN);
    CHECK(t.wire.sent.empty());
    t.type("\021");
    CHECK(t.wire.sent == "typed");
    CHECK(kernel_write(*t.file, "out", 3, at).value() == 3);
}

TEST_CASE("the background is stopped from reading, and from writing under TOSTOP") {
    World w;
    Terminal t;
    t.own();
    task().signal->pgrp = 200;  // now in a background group
    char c;
    loff_t at = 0;
    CHECK(error_of(t.read(&c, 1)) == Errno::ERESTARTSYS);
    CHECK(signals() == std::vector<Sent>{{200, 0, kSigTtin}});
    CHECK(kernel_write(*t.file, "x", 1, at).ok());
    Termios s = t.tty->settings();
    s.c_lflag |= TOSTOP;
    t.tty->set_settings(s);
    CHECK(error_of(kernel_write(*t.file, "x", 1, at)) == Errno::ERESTARTSYS);
    CHECK(signals().back() == Sent{200, 0, kSigTtou});
    job_control().blocked_or_ignored = true;
    CHECK(error_of(t.read(&c, 1)) == Errno::EIO);
    CHECK(kernel_write(*t.file, "x", 1, at).ok());
    job_control() = {.orphaned = true, .blocked_or_ignored = false, .group_in_session = true};
    CHECK(error_of(t.read(&c, 1)) == Errno::EIO);
    CHECK(error_of(kernel_write(*t.file, "x", 1, at)) == Errno::EIO);
}

TEST_CASE("TIOCSPGRP takes groups of the session only; TIOCGPGRP needs the controlling terminal") {
    World w;
    Terminal t;
    i32 group = 100;
    CHECK(error_of(t.file->ioctl(TIOCGPGRP, address(&group))) == Errno::ENOTTY);
    CHECK(error_of(t.file->ioctl(TIOCSPGRP, address(&group))) == Errno::ENOTTY);
    t.own();
    CHECK(t.file->ioctl(TIOCGPGRP, address(&group)).ok());
    CHECK(group == 100);
    group = -5;
    CHECK(error_of(t.file->ioctl(TIOCSPGRP, address(&group))) == Errno::EINVAL);
    job_control().group_in_session = false;
    group = 999;
    CHECK(error_of(t.file->ioctl(TIOCSPGRP, address(&group))) == Errno::ESRCH);
    group = 100;
    CHECK(error_of(t.file->ioctl(TIOCSPGRP, address(&group))) == Errno::EPERM);
}

TEST_CASE("only a leader without a terminal gets one, and only one that is free") {
    World w;
    Terminal t, other;
    CHECK(error_of(t.file->ioctl(TIOCSCTTY, 0)) == Errno::EPERM);
    t.own();
    CHECK(t.file->ioctl(TIOCSCTTY, 0).ok());
    CHECK(error_of(other.file->ioctl(TIOCSCTTY, 0)) == Errno::EPERM);
    task().signal->tty = nullptr;
    t.tty->session = 555;
    CHECK(error_of(t.file->ioctl(TIOCSCTTY, 0)) == Errno::EPERM);
    CHECK(t.file->ioctl(TIOCSCTTY, 1).ok());  // stolen, with CAP_SYS_ADMIN
}

TEST_CASE("a hang-up ends the session's use of the terminal") {
    World w;
    Terminal t;
    t.own();
    t.tty->hang_up();
    CHECK(signals() == std::vector<Sent>{{0, 100, kSigHup}, {0, 100, kSigCont}});
    CHECK(task().signal->tty == nullptr);
    CHECK(t.read().empty());
    loff_t at = 0;
    CHECK(error_of(kernel_write(*t.file, "x", 1, at)) == Errno::EIO);
    CHECK((t.file->poll(nullptr) & POLLHUP) != 0);
    CHECK(error_of(t.file->ioctl(TCGETS, 8)) == Errno::EIO);
    RefPtr<TtyFile> again = make_ref<TtyFile>(*t.node, *t.tty, false).release_value();
    CHECK((again->poll(nullptr) & POLLHUP) == 0);  // opened afterwards
}

TEST_CASE("a changed window size sends SIGWINCH once") {
    World w;
    Terminal t;
    t.own();
    Winsize size{24, 80, 0, 0};
    CHECK(t.file->ioctl(TIOCSWINSZ, address(&size)).ok());
    CHECK(t.file->ioctl(TIOCSWINSZ, address(&size)).ok());
    CHECK(signals() == std::vector<Sent>{{100, 0, kSigWinch}});
    CHECK(error_of(t.file->ioctl(TIOCSWINSZ, 8)) == Errno::EFAULT);
    CHECK(error_of(t.file->ioctl(0x1234, 0)) == Errno::ENOTTY);
}
