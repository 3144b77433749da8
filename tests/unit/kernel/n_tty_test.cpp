// The line discipline alone: what each key does to the line, the screen and the foreground group.
#include "tests/unit/kernel/shim/shim.h"

#include "tty/n_tty.h"

namespace {

struct Screen : NTtyHost {
    std::string echo;
    std::vector<int> signals;
    bool stopped = false;
    int wakeups = 0;
    void emit(u8 byte) override { echo += static_cast<char>(byte); }
    void signal_foreground(int signal) override { signals.push_back(signal); }
    void flush_output() override {}
    void set_stopped(bool stop) override { stopped = stop; }
    void input_ready() override { wakeups++; }
};

struct Line {
    Termios termios = default_termios();
    Screen screen;
    NTty tty{termios, screen};

    void type(const std::string& keys) {
        for (char c : keys) tty.receive(static_cast<u8>(c), TtyFlag::kNormal);
    }
    std::string read(size_t count = 4096) {
        std::string out(count, '\0');
        bool eof = false;
        out.resize(tty.read(reinterpret_cast<u8*>(out.data()), count, &eof));
        return eof ? "<eof>" : out;
    }
    void set(u32 Termios::*field, u32 on, u32 off = 0) {
        const Termios old = termios;
        termios.*field = (termios.*field | on) & ~off;
        tty.settings_changed(old);
    }
};

}  // namespace

TEST_CASE("a line is readable once it ends, and one read gives one line") {
    Line l;
    l.type("one");
    CHECK_FALSE(l.tty.input_available(0));
    l.type("\rtwo\n");
    CHECK(l.read() == "one\n");
    CHECK(l.read() == "two\n");
    CHECK(l.screen.echo == "one\r\ntwo\r\n");
}

TEST_CASE("a short read leaves the rest of the line") {
    Line l;
    l.type("abcdef\n");
    CHECK(l.read(4) == "abcd");
    CHECK(l.read(4) == "ef\n");
}

TEST_CASE("VERASE takes the last character back, and no more than the line has") {
    Line l;
    l.type("ab\177\177\177c\n");
    CHECK(l.read() == "c\n");
    CHECK(l.screen.echo == "ab\b \b\b \bc\r\n");
}

TEST_CASE("erasing control characters and tabs moves the cursor as far as they did") {
    Line l;
    l.type("\001\177");
    CHECK(l.screen.echo == "^A\b \b\b \b");
    l.screen.echo.clear();
    l.type("abc\t\177");
    CHECK(l.screen.echo == "abc\t\b\b\b\b\b");
}

TEST_CASE("with IUTF8 one erase takes a whole character") {
    Line l;
    l.set(&Termios::c_iflag, IUTF8);
    l.type("a\xc3\xa9\177b\n");
    CHECK(l.read() == "ab\n");
    CHECK(l.screen.echo == "a\xc3\xa9\b \bb\r\n");
}

TEST_CASE("VWERASE takes the last word and the blanks behind it") {
    Line l;
    l.type("echo foo_1  \027bar\n");
    CHECK(l.read() == "echo bar\n");
}

TEST_CASE("VKILL clears the line") {
    Line l;
    l.type("garbage\025ok\n");
    CHECK(l.read() == "ok\n");
    CHECK(l.screen.echo == "garbage" + std::string("\b \b\b \b\b \b\b \b\b \b\b \b\b \b") + "ok\r\n");
    Line plain;
    plain.set(&Termios::c_lflag, 0, ECHOKE);
    plain.type("x\025");
    CHECK(plain.screen.echo == "x^U\r\n");
}

TEST_CASE("VEOF ends a line without a byte, and alone is end of file") {
    Line l;
    l.type("abc\004");
    CHECK(l.read() == "abc");
    l.type("\004");
    CHECK(l.tty.input_available(0));
    CHECK(l.tty.bytes_readable() == 0);
    CHECK(l.read() == "<eof>");
    l.type("abcd\004");
    CHECK(l.read(4) == "abcd");
    CHECK_FALSE(l.tty.input_available(0));  // the VEOF behind the full buffer is not a second end of file
    CHECK(l.screen.echo == "abcabcd");
}

TEST_CASE("VLNEXT takes the next character as it is") {
    Line l;
    l.type("\026\003\026\177\n");
    CHECK(l.read() == "\003\177\n");
    CHECK(l.screen.signals.empty());
    CHECK(l.screen.echo == "^\b^C^\b^?\r\n");
}

TEST_CASE("VREPRINT writes the line anew") {
    Line l;
    l.type("ab\022");
    CHECK(l.screen.echo == "ab^R\r\nab");
}

TEST_CASE("VINTR, VQUIT and VSUSP signal the foreground group and drop the line") {
    Line l;
    l.type("half\003");
    CHECK(l.screen.signals == std::vector<int>{kSigInt});
    CHECK(l.screen.echo == "half^C");
    l.type("ok\n\032\034");
    CHECK(l.screen.signals == std::vector<int>{kSigInt, kSigTstp, kSigQuit});
    CHECK_FALSE(l.tty.input_available(0));
    Line keep;
    keep.set(&Termios::c_lflag, NOFLSH);
    keep.type("ok\n\003");
    CHECK(keep.read() == "ok\n");
    Line raw;
    raw.set(&Termios::c_lflag, 0, ISIG);
    raw.type("\003\n");
    CHECK(raw.read() == "\003\n");
}

TEST_CASE("IXON stops and starts output; the keys are not data") {
    Line l;
    l.type("\023");
    CHECK(l.screen.stopped);
    l.type("\021x\n");
    CHECK_FALSE(l.screen.stopped);
    CHECK(l.read() == "x\n");
}

TEST_CASE("raw mode gives bytes at once") {
    Line l;
    l.set(&Termios::c_lflag, 0, ICANON | ECHO);
    l.type("a");
    CHECK(l.tty.input_available(1));
    CHECK_FALSE(l.tty.input_available(2));
    l.type("\004");
    CHECK(l.read() == "a\004");
    CHECK(l.screen.echo.empty());
}

TEST_CASE("changing the mode keeps what was typed") {
    Line l;
    l.type("typed");
    l.set(&Termios::c_lflag, 0, ICANON);
    CHECK(l.tty.bytes_readable() == 5);
    l.type(" more");
    l.set(&Termios::c_lflag, ICANON);
    CHECK(l.read() == "typed more");
}

TEST_CASE("a line holds 4095 bytes and its newline") {
    Line l;
    l.set(&Termios::c_iflag, IMAXBEL);
    l.type(std::string(5000, 'x'));
    CHECK(l.screen.echo.back() == '\a');
    l.type("\n");
    const std::string line = l.read(5000);
    CHECK(line.size() == 4096);
    CHECK(line.back() == '\n');
}

TEST_CASE("c_iflag translates: ICRNL, INLCR, IGNCR, ISTRIP") {
    Line l;
    l.set(&Termios::c_iflag, INLCR, ICRNL);
    l.set(&Termios::c_lflag, 0, ICANON | ECHO);
    l.type("\r\n");
    CHECK(l.read() == "\r\r");
    l.set(&Termios::c_iflag, IGNCR | ISTRIP, INLCR);
    l.type("\r\xe1\n");
    CHECK(l.read() == "a\n");
}

TEST_CASE("breaks and parity errors come as termios says") {
    Line l;
    l.set(&Termios::c_lflag, 0, ICANON);
    l.tty.receive(0, TtyFlag::kBreak);
    CHECK(l.read() == std::string(1, '\0'));
    l.set(&Termios::c_iflag, PARMRK | INPCK);
    l.tty.receive('x', TtyFlag::kParity);
    CHECK(l.read() == std::string("\377\0x", 3));
    l.set(&Termios::c_iflag, BRKINT);
    l.tty.receive(0, TtyFlag::kBreak);
    CHECK(l.screen.signals == std::vector<int>{kSigInt});
    l.set(&Termios::c_iflag, IGNPAR | IGNBRK);
    l.tty.receive('x', TtyFlag::kParity);
    l.tty.receive(0, TtyFlag::kBreak);
    CHECK(l.read().empty());
}

TEST_CASE("output processing: ONLCR, OCRNL, XTABS, and nothing without OPOST") {
    Line l;
    auto out = [&](const std::string& text) {
        u8 buffer[256];
        size_t made = 0;
        const size_t taken = l.tty.process_output(reinterpret_cast<const u8*>(text.data()), text.size(),
                                                  buffer, sizeof(buffer), &made);
        CHECK(taken == text.size());
        return std::string(reinterpret_cast<char*>(buffer), made);
    };
    CHECK(out("a\nb") == "a\r\nb");
    l.set(&Termios::c_oflag, XTABS);
    CHECK(out("\r12\tx") == "\r12      x");
    l.set(&Termios::c_oflag, OCRNL, XTABS);
    CHECK(out("\r") == "\n");
    l.set(&Termios::c_oflag, 0, OPOST);
    CHECK(out("a\nb\t") == "a\nb\t");
    u8 small[3];
    size_t made = 0;
    l.set(&Termios::c_oflag, OPOST);
    CHECK(l.tty.process_output(reinterpret_cast<const u8*>("ab\n"), 3, small, 3, &made) == 2);
    CHECK(made == 2);  // the newline's two bytes do not fit: not split
}
