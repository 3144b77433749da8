// Structures of the Linux x86-64 ABI. Layouts are the host's, which are the same: both are Linux on x86-64.
#include "emulator/guestos/syscalls/syscall_structs.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/syscall_terminal.h"
#include "emulator/guestos/syscalls/syscall_values.h"

namespace orrery {
namespace {

constexpr u64 kElementsShown = 32;

std::string hex_text(u64 value) {
    return value == 0 ? "0" : fmt::format("{:#x}", value);
}
std::string timespec_text(const timespec& value) {
    if (value.tv_nsec == UTIME_NOW) return "UTIME_NOW";
    if (value.tv_nsec == UTIME_OMIT) return "UTIME_OMIT";
    return fmt::format("{{tv_sec={}, tv_nsec={}}}", value.tv_sec, value.tv_nsec);
}
std::string timeval_text(const timeval& value) {
    return fmt::format("{{tv_sec={}, tv_usec={}}}", value.tv_sec, value.tv_usec);
}
std::string limit_text(u64 value) {
    if (value == ~u64{0}) return "RLIM64_INFINITY";
    return value > 1024 && value % 1024 == 0 ? fmt::format("{}*1024", value / 1024)
                                             : fmt::format("{}", value);
}

std::string text_of(const GuestMemory&, const struct stat& st) {
    const std::string size =
        S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)
            ? fmt::format("st_rdev=makedev({}, {})", hex_text(major(st.st_rdev)), hex_text(minor(st.st_rdev)))
            : fmt::format("st_size={}", st.st_size);
    return fmt::format("{{st_mode={}, {}, ...}}", file_mode_text(st.st_mode), size);
}
std::string text_of(const GuestMemory&, const struct statx& st) {
    return fmt::format("{{stx_mask={}, stx_attributes={:#x}, stx_mode={}, stx_size={}, ...}}",
                       flags_text("statx", st.stx_mask), st.stx_attributes, file_mode_text(st.stx_mode),
                       st.stx_size);
}
std::string text_of(const GuestMemory&, const timespec& value) {
    return timespec_text(value);
}
std::string text_of(const GuestMemory&, const timeval& value) {
    return timeval_text(value);
}
std::string text_of(const GuestMemory&, const itimerval& value) {
    return fmt::format("{{it_interval={}, it_value={}}}", timeval_text(value.it_interval),
                       timeval_text(value.it_value));
}
std::string text_of(const GuestMemory&, const itimerspec& value) {
    return fmt::format("{{it_interval={}, it_value={}}}", timespec_text(value.it_interval),
                       timespec_text(value.it_value));
}
std::string text_of(const GuestMemory&, const tms& value) {
    return fmt::format("{{tms_utime={}, tms_stime={}, tms_cutime={}, tms_cstime={}}}", value.tms_utime,
                       value.tms_stime, value.tms_cutime, value.tms_cstime);
}
std::string text_of(const GuestMemory&, const rusage& value) {
    return fmt::format("{{ru_utime={}, ru_stime={}, ...}}", timeval_text(value.ru_utime),
                       timeval_text(value.ru_stime));
}
std::string text_of(const GuestMemory&, const struct sysinfo& value) {
    return fmt::format(
        "{{uptime={}, loads=[{}, {}, {}], totalram={}, freeram={}, sharedram={}, bufferram={}, totalswap={}, "
        "freeswap={}, procs={}, totalhigh={}, freehigh={}, mem_unit={}}}",
        value.uptime, value.loads[0], value.loads[1], value.loads[2], value.totalram, value.freeram,
        value.sharedram, value.bufferram, value.totalswap, value.freeswap, value.procs, value.totalhigh,
        value.freehigh, value.mem_unit);
}
std::string field_text(const char* field, size_t size) {
    return quoted({field, strnlen(field, size)});
}
std::string text_of(const GuestMemory&, const utsname& value) {
    return fmt::format("{{sysname={}, nodename={}, ...}}", field_text(value.sysname, sizeof value.sysname),
                       field_text(value.nodename, sizeof value.nodename));
}
std::string text_of(const GuestMemory&, const rlimit& value) {
    return fmt::format("{{rlim_cur={}, rlim_max={}}}", limit_text(value.rlim_cur),
                       limit_text(value.rlim_max));
}
std::string text_of(const GuestMemory&, const struct statfs& value) {
    return fmt::format(
        "{{f_type={}, f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, "
        "f_fsid={{val=[{}, "
        "{}]}}, f_namelen={}, f_frsize={}, f_flags={}}}",
        enumeration_text("fs_magic", static_cast<u64>(value.f_type)), value.f_bsize, value.f_blocks,
        value.f_bfree, value.f_bavail, value.f_files, value.f_ffree, value.f_fsid.__val[0],
        value.f_fsid.__val[1], value.f_namelen, value.f_frsize,
        orrery::flags_text("statfs", static_cast<u64>(value.f_flags)));
}
std::string text_of(const GuestMemory&, const pollfd& value) {
    return fmt::format("{{fd={}, events={}}}", value.fd, flags_text("poll", static_cast<u16>(value.events)));
}
std::string text_of(const GuestMemory& memory, const iovec& value) {
    const u64 base = reinterpret_cast<u64>(value.iov_base);
    std::string content;
    if (!buffer_text(memory, base, value.iov_len, false, content)) content = pointer_text(base);
    return fmt::format("{{iov_base={}, iov_len={}}}", content, value.iov_len);
}

struct GuestSigaction {
    u64 handler, flags, restorer, mask;
};
std::string text_of(const GuestMemory&, const GuestSigaction& value) {
    const std::string handler = value.handler == 0   ? "SIG_DFL"
                                : value.handler == 1 ? "SIG_IGN"
                                                     : fmt::format("{:#x}", value.handler);
    std::string text = fmt::format("{{sa_handler={}, sa_mask={}, sa_flags={}", handler,
                                   signal_set_text(value.mask), flags_text("sa", value.flags));
    if ((value.flags & 0x04000000) != 0)
        text += fmt::format(", sa_restorer={}", pointer_text(value.restorer));
    return text + "}";
}
struct GuestStack {
    u64 sp;
    i32 flags;
    i32 pad;
    u64 size;
};
std::string text_of(const GuestMemory&, const GuestStack& value) {
    return fmt::format("{{ss_sp={}, ss_flags={}, ss_size={}}}", pointer_text(value.sp),
                       flags_text("ss", static_cast<u32>(value.flags)), value.size);
}
struct [[gnu::packed]] GuestEpollEvent {
    u32 events;
    u64 data;
};
std::string text_of(const GuestMemory&, const GuestEpollEvent& value) {
    const u64 data = value.data;
    return fmt::format("{{events={}, data={{u32={}, u64={}}}}}", flags_text("epoll", value.events),
                       static_cast<u32>(data), data);
}
struct GuestFlock {
    i16 type, whence;
    i32 pad;
    i64 start, length;
    i32 pid;
    i32 pad2;
};
std::string text_of(const GuestMemory&, const GuestFlock& value) {
    return fmt::format("{{l_type={}, l_whence={}, l_start={}, l_len={}}}",
                       enumeration_text("rlock", static_cast<u16>(value.type)),
                       enumeration_text("seek", static_cast<u16>(value.whence)), value.start, value.length);
}
struct SignalSet {
    u64 mask;
};
std::string text_of(const GuestMemory&, const SignalSet& value) {
    return signal_set_text(value.mask);
}

using Printer = std::function<bool(const GuestMemory&, u64 address, std::string& text)>;
struct Layout {
    size_t size;
    Printer print;
    bool bracketed = false;  // strace shows it in brackets also when there is only one: numbers
};

template <typename T>
Layout layout() {
    return {sizeof(T), [](const GuestMemory& memory, u64 address, std::string& text) {
                const std::optional<T> value = memory.value<T>(address);
                if (value) text = text_of(memory, *value);
                return value.has_value();
            }};
}
template <typename T>
Layout number_layout() {
    return {sizeof(T),
            [](const GuestMemory& memory, u64 address, std::string& text) {
                const std::optional<T> value = memory.value<T>(address);
                if (value) text = fmt::format("{}", *value);
                return value.has_value();
            },
            true};
}

const std::map<std::string, Layout>& layouts() {
    static const std::map<std::string, Layout> all = {
        {"stat", layout<struct stat>()},
        {"statx", layout<struct statx>()},
        {"timespec", layout<timespec>()},
        {"timeval", layout<timeval>()},
        {"itimerval", layout<itimerval>()},
        {"itimerspec", layout<itimerspec>()},
        {"tms", layout<tms>()},
        {"rusage", layout<rusage>()},
        {"sysinfo", layout<struct sysinfo>()},
        {"utsname", layout<utsname>()},
        {"rlimit", layout<rlimit>()},
        {"statfs", layout<struct statfs>()},
        {"pollfd", layout<pollfd>()},
        {"iovec", layout<iovec>()},
        {"sigaction", layout<GuestSigaction>()},
        {"sigset", layout<SignalSet>()},
        {"stack_t", layout<GuestStack>()},
        {"epoll_event", layout<GuestEpollEvent>()},
        {"flock", layout<GuestFlock>()},
        {"siginfo", {128, siginfo_text}},
        {"termios", {36, termios_text}},
        {"winsize", {8, winsize_text}},
        {"int", number_layout<i32>()},
        {"uint", number_layout<u32>()},
        {"gid", number_layout<u32>()},
        {"long", number_layout<i64>()},
        {"u64", number_layout<u64>()},
        {"sched_param", number_layout<i32>()},
    };
    return all;
}

}  // namespace

bool is_structure(const std::string& word) {
    return layouts().count(word) != 0 || word == "fdset" || word == "dirents";
}

bool structure_text(const GuestMemory& memory, const std::string& word, u64 address, u64 count, bool array,
                    std::string& text) {
    const auto found = layouts().find(word);
    if (found == layouts().end()) return false;
    if (address == 0) return text = "NULL", true;
    const Layout& layout = found->second;
    if (!array) {
        std::string one;
        if (!layout.print(memory, address, one)) return false;
        text = layout.bracketed ? fmt::format("[{}]", one) : one;
        return true;
    }
    std::string list;
    for (u64 i = 0; i < count; ++i) {
        if (i != 0) list += ", ";
        if (i == kElementsShown) {
            list += "...";
            break;
        }
        std::string one;
        if (!layout.print(memory, address + i * layout.size, one)) return false;
        list += one;
    }
    text = fmt::format("[{}]", list);
    return true;
}

std::string poll_events_text(const GuestMemory& memory, u64 address, u64 count) {
    std::string list;
    for (u64 i = 0; i < std::min<u64>(count, 1024); ++i) {
        const std::optional<pollfd> entry = memory.value<pollfd>(address + i * sizeof(pollfd));
        if (!entry || entry->revents == 0) continue;
        list += fmt::format("{}{{fd={}, revents={}}}", list.empty() ? "" : ", ", entry->fd,
                            flags_text("poll", static_cast<u16>(entry->revents)));
    }
    return fmt::format("[{}]", list);
}

bool fd_set_text(const GuestMemory& memory, u64 address, u64 limit, std::string& text) {
    if (address == 0) return text = "NULL", true;
    limit = std::min<u64>(limit, 1024);
    std::string list;
    for (u64 fd = 0; fd < limit; ++fd) {
        const std::optional<u8> byte = memory.value<u8>(address + fd / 8);
        if (!byte) return false;
        if ((*byte >> (fd % 8) & 1) != 0) list += fmt::format("{}{}", list.empty() ? "" : " ", fd);
    }
    text = fmt::format("[{}]", list);
    return true;
}

bool directory_entries_text(const GuestMemory& memory, u64 address, u64 bytes, std::string& text) {
    u64 entries = 0;
    for (u64 at = 0; at < bytes; ++entries) {
        const std::optional<u16> length = memory.value<u16>(address + at + 16);  // d_reclen
        if (!length || *length < 19) return false;
        at += *length;
    }
    text = fmt::format("{:#x} /* {} entries */", address, entries);
    return true;
}

}  // namespace orrery
