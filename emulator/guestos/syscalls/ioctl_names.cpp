// ioctl requests: ioctl_tty(2), ioctl_pipe, ioctl_fs; numbers from the host's headers.
#include "emulator/guestos/syscalls/ioctl_names.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <fmt/format.h>

namespace orrery {
namespace {

struct Request {
    const char* name;
    u64 number;
    const char* structure;
    bool in, out;
};

#define R(name, structure, in, out)                         \
    Request {                                               \
#name, static_cast < u64>(name), structure, in, out \
    }
const Request kRequests[] = {
    R(TCGETS, "termios", false, true),
    R(TCSETS, "termios", true, false),
    R(TCSETSW, "termios", true, false),
    R(TCSETSF, "termios", true, false),
    R(TCGETA, "", false, false),
    R(TCSETA, "", false, false),
    R(TCSBRK, "", false, false),
    R(TCSBRKP, "", false, false),
    R(TCXONC, "", false, false),
    R(TCFLSH, "", false, false),
    R(TIOCEXCL, "", false, false),
    R(TIOCNXCL, "", false, false),
    R(TIOCSCTTY, "", false, false),
    R(TIOCNOTTY, "", false, false),
    R(TIOCGPGRP, "int", false, true),
    R(TIOCSPGRP, "int", true, false),
    R(TIOCGSID, "int", false, true),
    R(TIOCOUTQ, "int", false, true),
    R(TIOCSTI, "", false, false),
    R(TIOCGWINSZ, "winsize", false, true),
    R(TIOCSWINSZ, "winsize", true, false),
    R(TIOCMGET, "int", false, true),
    R(TIOCMSET, "int", true, false),
    R(FIONREAD, "int", false, true),
    R(TIOCCONS, "", false, false),
    R(TIOCPKT, "int", true, false),
    R(FIONBIO, "int", true, false),
    R(FIONCLEX, "", false, false),
    R(FIOCLEX, "", false, false),
    R(FIOASYNC, "int", true, false),
    R(TIOCGPTN, "int", false, true),
    R(TIOCSPTLCK, "int", true, false),
    R(TIOCVHANGUP, "", false, false),
    R(TIOCGPTPEER, "", false, false),
    R(TIOCGSERIAL, "", false, false),
    R(TIOCSSERIAL, "", false, false),
    R(BLKGETSIZE, "u64", false, true),
    R(BLKGETSIZE64, "u64", false, true),
    R(BLKSSZGET, "int", false, true),
    R(BLKFLSBUF, "", false, false),
    R(FS_IOC_GETFLAGS, "int", false, true),
    R(FS_IOC_SETFLAGS, "int", true, false),
    R(FICLONE, "", false, false),
    {"TCGETS2", 0x802c542a, "termios", false, true},
    {"TCSETS2", 0x402c542b, "termios", true, false},
    {"TCSETSW2", 0x402c542c, "termios", true, false},
    {"TCSETSF2", 0x402c542d, "termios", true, false},
    {"TIOCGETD", 0x5424, "int", false, true},
    {"TIOCSETD", 0x5423, "int", true, false},
    {"KDGKBTYPE", 0x4b33, "", false, false},
    {"VT_GETSTATE", 0x5603, "", false, false},
    {"VT_OPENQRY", 0x5600, "", false, false},
    {"VT_ACTIVATE", 0x5606, "", false, false},
};
#undef R

const Request* find(u64 number) {
    for (const Request& request : kRequests)
        if (request.number == number) return &request;
    return nullptr;
}

}  // namespace

std::string ioctl_text(u64 number) {
    if (const Request* request = find(number)) return request->name;
    return fmt::format("_IOC({:#x}, {:#x}, {:#x}, {:#x})", number >> 30 & 3, number >> 8 & 0xff,
                       number & 0xff, number >> 16 & 0x3fff);
}

IoctlArgument ioctl_argument(u64 number) {
    const Request* request = find(number);
    if (request == nullptr) return {};
    return {request->structure, request->in, request->out};
}

}  // namespace orrery
