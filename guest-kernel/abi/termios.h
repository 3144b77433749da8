// Terminal ABI of Linux x86-64: struct termios (19 control characters), its flag bits, the window size and
// the ioctl numbers (termios(3), ioctl_tty(2), tty_ioctl(4)). Octal as in the manual.
#pragma once

#include "abi/host_names.h"
#include "core/types.h"

constexpr size_t NCCS = 19;

struct Termios {  // the kernel's struct termios, TCGETS/TCSETS
    u32 c_iflag;
    u32 c_oflag;
    u32 c_cflag;
    u32 c_lflag;
    u8 c_line;
    u8 c_cc[NCCS];
};
static_assert(sizeof(Termios) == 36);

struct Termios2 {  // TCGETS2/TCSETS2
    Termios base;
    u32 c_ispeed;
    u32 c_ospeed;
};
static_assert(sizeof(Termios2) == 44);

struct Termio {  // System V's, TCGETA/TCSETA
    u16 c_iflag;
    u16 c_oflag;
    u16 c_cflag;
    u16 c_lflag;
    u8 c_line;
    u8 c_cc[8];
    u8 pad;
};
static_assert(sizeof(Termio) == 18);

struct Winsize {
    u16 ws_row;
    u16 ws_col;
    u16 ws_xpixel;
    u16 ws_ypixel;
};

enum ControlChar : u8 {
    VINTR = 0,
    VQUIT = 1,
    VERASE = 2,
    VKILL = 3,
    VEOF = 4,
    VTIME = 5,
    VMIN = 6,
    VSWTC = 7,
    VSTART = 8,
    VSTOP = 9,
    VSUSP = 10,
    VEOL = 11,
    VREPRINT = 12,
    VDISCARD = 13,
    VWERASE = 14,
    VLNEXT = 15,
    VEOL2 = 16,
};
constexpr u8 kPosixVdisable = 0;  ///< _POSIX_VDISABLE: this control character is switched off.

// c_iflag
constexpr u32 IGNBRK = 0000001;
constexpr u32 BRKINT = 0000002;
constexpr u32 IGNPAR = 0000004;
constexpr u32 PARMRK = 0000010;
constexpr u32 INPCK = 0000020;
constexpr u32 ISTRIP = 0000040;
constexpr u32 INLCR = 0000100;
constexpr u32 IGNCR = 0000200;
constexpr u32 ICRNL = 0000400;
constexpr u32 IUCLC = 0001000;
constexpr u32 IXON = 0002000;
constexpr u32 IXANY = 0004000;
constexpr u32 IXOFF = 0010000;
constexpr u32 IMAXBEL = 0020000;
constexpr u32 IUTF8 = 0040000;
// c_oflag
constexpr u32 OPOST = 0000001;
constexpr u32 OLCUC = 0000002;
constexpr u32 ONLCR = 0000004;
constexpr u32 OCRNL = 0000010;
constexpr u32 ONOCR = 0000020;
constexpr u32 ONLRET = 0000040;
constexpr u32 TABDLY = 0014000;
constexpr u32 XTABS = 0014000;
// c_cflag
constexpr u32 CBAUD = 0010017;
constexpr u32 B0 = 0;
constexpr u32 B9600 = 015;
constexpr u32 B38400 = 017;
constexpr u32 B115200 = 0010002;
constexpr u32 CSIZE = 0000060;
constexpr u32 CS8 = 0000060;
constexpr u32 CREAD = 0000200;
constexpr u32 PARENB = 0000400;
constexpr u32 HUPCL = 0002000;
constexpr u32 CLOCAL = 0004000;
// c_lflag
constexpr u32 ISIG = 0000001;
constexpr u32 ICANON = 0000002;
constexpr u32 XCASE = 0000004;
constexpr u32 ECHO = 0000010;
constexpr u32 ECHOE = 0000020;
constexpr u32 ECHOK = 0000040;
constexpr u32 ECHONL = 0000100;
constexpr u32 NOFLSH = 0000200;
constexpr u32 TOSTOP = 0000400;
constexpr u32 ECHOCTL = 0001000;
constexpr u32 ECHOPRT = 0002000;
constexpr u32 ECHOKE = 0004000;
constexpr u32 FLUSHO = 0010000;
constexpr u32 PENDIN = 0040000;
constexpr u32 IEXTEN = 0100000;
constexpr u32 EXTPROC = 0200000;

// ioctl requests
constexpr u32 TCGETS = 0x5401;
constexpr u32 TCSETS = 0x5402;
constexpr u32 TCSETSW = 0x5403;
constexpr u32 TCSETSF = 0x5404;
constexpr u32 TCGETA = 0x5405;
constexpr u32 TCSETA = 0x5406;
constexpr u32 TCSETAW = 0x5407;
constexpr u32 TCSETAF = 0x5408;
constexpr u32 TCSBRK = 0x5409;
constexpr u32 TCXONC = 0x540A;
constexpr u32 TCFLSH = 0x540B;
constexpr u32 TIOCEXCL = 0x540C;
constexpr u32 TIOCNXCL = 0x540D;
constexpr u32 TIOCSCTTY = 0x540E;
constexpr u32 TIOCGPGRP = 0x540F;
constexpr u32 TIOCSPGRP = 0x5410;
constexpr u32 TIOCOUTQ = 0x5411;
constexpr u32 TIOCSTI = 0x5412;
constexpr u32 TIOCGWINSZ = 0x5413;
constexpr u32 TIOCSWINSZ = 0x5414;
constexpr u32 TIOCMGET = 0x5415;
constexpr u32 FIONREAD = 0x541B;
constexpr u32 FIBMAP = 1;
constexpr u32 TIOCCONS = 0x541D;
constexpr u32 TIOCPKT = 0x5420;
constexpr u32 FIONBIO = 0x5421;
constexpr u32 TIOCNOTTY = 0x5422;
constexpr u32 TIOCSETD = 0x5423;
constexpr u32 TIOCGETD = 0x5424;
constexpr u32 TCSBRKP = 0x5425;
constexpr u32 TIOCSBRK = 0x5427;
constexpr u32 TIOCCBRK = 0x5428;
constexpr u32 TIOCGSID = 0x5429;
constexpr u32 TCGETS2 = 0x802C542A;
constexpr u32 TCSETS2 = 0x402C542B;
constexpr u32 TCSETSW2 = 0x402C542C;
constexpr u32 TCSETSF2 = 0x402C542D;
constexpr u32 TIOCGPTN = 0x80045430;
constexpr u32 TIOCSPTLCK = 0x40045431;
constexpr u32 TIOCGPTLCK = 0x80045439;
constexpr u32 TIOCGPTPEER = 0x5441;
constexpr u32 FIONCLEX = 0x5450;
constexpr u32 FIOCLEX = 0x5451;
constexpr u32 FIOASYNC = 0x5452;
constexpr u32 FIOQSIZE = 0x5460;

constexpr int TCIFLUSH = 0;
constexpr int TCOFLUSH = 1;
constexpr int TCIOFLUSH = 2;
constexpr int TCOOFF = 0;
constexpr int TCOON = 1;
constexpr int TCIOFF = 2;
constexpr int TCION = 3;
