// struct termios (the kernel's, 36 bytes; ioctl_tty(2)), struct winsize, siginfo_t (sigaction(2)).
#include "emulator/guestos/syscalls/syscall_terminal.h"

#include <signal.h>
#include <sys/ioctl.h>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/syscall_values.h"

namespace orrery {
namespace {

struct GuestTermios {
    u32 iflag, oflag, cflag, lflag;
    u8 line;
    u8 cc[19];
};
static_assert(sizeof(GuestTermios) == 36);

struct GuestSiginfo {
    i32 signo, error, code, pad;
    union {
        struct {
            i32 pid;
            u32 uid;
            i32 status;
            i32 pad2;
            i64 utime, stime;
        } child;
        u64 address;
        u8 bytes[112];
    };
};
static_assert(sizeof(GuestSiginfo) == 128);

const char* speed_name(u32 cflag) {
    static const char* const low[] = {"B0",    "B50",   "B75",    "B110",  "B134",  "B150",
                                      "B200",  "B300",  "B600",   "B1200", "B1800", "B2400",
                                      "B4800", "B9600", "B19200", "B38400"};
    static const char* const high[] = {"B57600", "B115200", "B230400", "B460800"};
    const u32 speed = cflag & 010017;
    if (speed < 16) return low[speed];
    return speed >= 010001 && speed <= 010004 ? high[speed - 010001] : "B?";
}

std::string code_text(i32 signo, i32 code) {
    struct Code {
        i32 signo;  // 0: any
        i32 code;
        const char* name;
    };
    static const Code codes[] = {
        {0, 0, "SI_USER"},           {0, 0x80, "SI_KERNEL"},        {0, -1, "SI_QUEUE"},
        {0, -2, "SI_TIMER"},         {0, -6, "SI_TKILL"},           {SIGCHLD, 1, "CLD_EXITED"},
        {SIGCHLD, 2, "CLD_KILLED"},  {SIGCHLD, 3, "CLD_DUMPED"},    {SIGCHLD, 4, "CLD_TRAPPED"},
        {SIGCHLD, 5, "CLD_STOPPED"}, {SIGCHLD, 6, "CLD_CONTINUED"}, {SIGSEGV, 1, "SEGV_MAPERR"},
        {SIGSEGV, 2, "SEGV_ACCERR"}, {SIGBUS, 1, "BUS_ADRALN"},     {SIGBUS, 2, "BUS_ADRERR"},
        {SIGFPE, 1, "FPE_INTDIV"},   {SIGFPE, 2, "FPE_INTOVF"},     {SIGFPE, 3, "FPE_FLTDIV"},
        {SIGILL, 2, "ILL_ILLOPN"},   {SIGILL, 1, "ILL_ILLOPC"},     {SIGTRAP, 1, "TRAP_BRKPT"},
        {SIGTRAP, 2, "TRAP_TRACE"},
    };
    for (const Code& entry : codes)
        if ((entry.signo == 0 || entry.signo == signo) && entry.code == code) return entry.name;
    return fmt::format("{}", code);
}

}  // namespace

bool termios_text(const GuestMemory& memory, u64 address, std::string& text) {
    const std::optional<GuestTermios> value = memory.value<GuestTermios>(address);
    if (!value) return false;
    // strace's short form: the four switches that people look for.
    text = fmt::format("{{{} {}opost {}isig {}icanon {}echo ...}}", speed_name(value->cflag),
                       (value->oflag & 1) != 0 ? "" : "-", (value->lflag & 1) != 0 ? "" : "-",
                       (value->lflag & 2) != 0 ? "" : "-", (value->lflag & 010) != 0 ? "" : "-");
    return true;
}

bool winsize_text(const GuestMemory& memory, u64 address, std::string& text) {
    const std::optional<winsize> value = memory.value<winsize>(address);
    if (!value) return false;
    text = fmt::format("{{ws_row={}, ws_col={}, ws_xpixel={}, ws_ypixel={}}}", value->ws_row, value->ws_col,
                       value->ws_xpixel, value->ws_ypixel);
    return true;
}

bool siginfo_text(const GuestMemory& memory, u64 address, std::string& text) {
    const std::optional<GuestSiginfo> value = memory.value<GuestSiginfo>(address);
    if (!value) return false;
    std::string rest;
    if (value->signo == SIGCHLD && value->code > 0 && value->code < 0x80) {
        const std::string status = value->code == 1 ? fmt::format("{}", value->child.status)
                                                    : signal_text(static_cast<u64>(value->child.status));
        rest = fmt::format(", si_pid={}, si_uid={}, si_status={}, si_utime={}, si_stime={}", value->child.pid,
                           value->child.uid, status, value->child.utime, value->child.stime);
    } else if (value->code <= 0 && value->code != -2) {
        rest = fmt::format(", si_pid={}, si_uid={}", value->child.pid, value->child.uid);
    } else if (value->code != 0x80 &&
               (value->signo == SIGSEGV || value->signo == SIGBUS || value->signo == SIGFPE ||
                value->signo == SIGILL || value->signo == SIGTRAP)) {
        rest = fmt::format(", si_addr={}", pointer_text(value->address));
    }
    text = fmt::format("{{si_signo={}, si_code={}{}}}", signal_text(static_cast<u64>(value->signo)),
                       code_text(value->signo, value->code), rest);
    return true;
}

}  // namespace orrery
