// Arguments and results of system calls (strace(1); the calls' manual pages, section 2).
#include "emulator/guestos/syscalls/syscall_decode.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/flag_sets.h"
#include "emulator/guestos/syscalls/ioctl_names.h"
#include "emulator/guestos/syscalls/syscall_structs.h"
#include "emulator/guestos/syscalls/syscall_values.h"

namespace orrery {
namespace {

constexpr size_t kWholePath = 4096;

i32 as_int(u64 value) {
    return static_cast<i32>(static_cast<u32>(value));
}

std::string scalar_text(const SyscallArgument& argument, u64 value) {
    switch (argument.kind) {
        case ArgumentKind::Int:
        case ArgumentKind::Pid:
        case ArgumentKind::Fd:
            return fmt::format("{}", as_int(value));
        case ArgumentKind::Uint:
            return fmt::format("{}", static_cast<u32>(value));
        case ArgumentKind::Long:
        case ArgumentKind::Offset:
            return fmt::format("{}", static_cast<i64>(value));
        case ArgumentKind::Ulong:
        case ArgumentKind::Size:
            return fmt::format("{}", value);
        case ArgumentKind::Hex:
            return value == 0 ? "0" : fmt::format("{:#x}", value);
        case ArgumentKind::Octal:
            return octal_mode_text(value);
        case ArgumentKind::DirFd:
            return as_int(value) == AT_FDCWD ? "AT_FDCWD" : fmt::format("{}", as_int(value));
        case ArgumentKind::Uid:
        case ArgumentKind::Gid:
            return static_cast<u32>(value) == ~0u ? "-1" : fmt::format("{}", static_cast<u32>(value));
        case ArgumentKind::Clock:
            return enumeration_text("clock", value);
        case ArgumentKind::Signal:
            return as_int(value) == 0 ? "0" : signal_text(value & 0xffffffff);
        case ArgumentKind::Flags:
            return flags_text(argument.word, value);
        case ArgumentKind::Enumeration:
            return enumeration_text(argument.word, value);
        default:
            return pointer_text(value);
    }
}

bool is_memory(const SyscallArgument& argument) {
    switch (argument.kind) {
        case ArgumentKind::Path:
        case ArgumentKind::String:
        case ArgumentKind::Strings:
        case ArgumentKind::Bytes:
        case ArgumentKind::Structure:
            return true;
        default:
            return false;
    }
}

// How many elements or bytes: a number, another argument's value, or the result.
std::optional<u64> extent_of(const DecodedCall& call, const std::string& extent, std::optional<i64> result) {
    if (extent == "ret")
        return result ? std::optional<u64>(static_cast<u64>(std::max<i64>(*result, 0))) : std::nullopt;
    if (!extent.empty() && extent[0] >= '0' && extent[0] <= '9') return std::stoull(extent);
    for (size_t i = 0; i < call.spec->arguments.size(); ++i)
        if (call.spec->arguments[i].name == extent) return call.arguments[i];
    return 1;
}

bool array_structure(const SyscallArgument& argument) {
    return !argument.extent.empty() && argument.word != "sigset" && argument.word != "dirents" &&
           argument.word != "fdset";
}

// An argument in memory. False: cannot be read now. `result` is empty at the entry.
bool memory_text(const GuestMemory& memory, const DecodedCall& call, size_t index, std::optional<i64> result,
                 std::string& text) {
    const SyscallArgument& argument = call.spec->arguments[index];
    const u64 address = call.arguments[index];
    switch (argument.kind) {
        case ArgumentKind::Path:
            return string_text(memory, address, kWholePath, text);
        case ArgumentKind::String:
            return string_text(memory, address, kStringLimit, text);
        case ArgumentKind::Strings:
            return strings_text(memory, address, text);
        case ArgumentKind::Bytes: {
            const std::optional<u64> size = extent_of(call, argument.extent, result);
            // getcwd's result counts the zero, which is not shown.
            if (call.name == "getcwd" && size && *size > 0)
                return buffer_text(memory, address, *size - 1, false, text);
            return size && buffer_text(memory, address, *size, call.name == "getrandom", text);
        }
        default:
            break;
    }
    const std::optional<u64> count = extent_of(call, argument.extent, result);
    if (!count) return false;
    if (argument.word == "fdset") return fd_set_text(memory, address, call.arguments[0] & 0x7fffffff, text);
    if (argument.word == "dirents") return directory_entries_text(memory, address, *count, text);
    if (argument.word == "iovec" && result && *count > 0) {
        // readv: as many bytes as came in are shown; the elements' lengths are the buffer's.
        return structure_text(memory, argument.word, address, *count, true, text);
    }
    if (argument.word == "int" && argument.extent.empty() &&
        (call.name == "wait4" || call.name == "waitid")) {
        const std::optional<u32> status = address == 0 ? std::nullopt : memory.value<u32>(address);
        if (address != 0 && !status) return false;
        text = address == 0 ? "NULL" : fmt::format("[{}]", wait_status_text(*status));
        return true;
    }
    return structure_text(memory, argument.word, address, *count, array_structure(argument), text);
}

bool takes_mode(u64 open_flags) {
    return (open_flags & (O_CREAT | 020000000)) != 0;
}

// How many of a call's arguments mean something, by its command or flags.
size_t shown_arguments(const DecodedCall& call) {
    const size_t all = std::min<size_t>(call.spec->arguments.size(), 6);
    const auto& a = call.arguments;
    if (call.name == "open" && !takes_mode(a[1])) return std::min<size_t>(all, 2);
    if (call.name == "openat" && !takes_mode(a[2])) return std::min<size_t>(all, 3);
    if (call.name == "fcntl") {
        switch (as_int(a[1])) {
            case F_GETFD:
            case F_GETFL:
            case F_GETOWN:
            case F_GETSIG:
            case F_GETLEASE:
            case 1032:  // F_GETPIPE_SZ
            case 1034:  // F_GET_SEALS
                return std::min<size_t>(all, 2);
            default:
                return all;
        }
    }
    if (call.name == "mremap" && (a[3] & MREMAP_FIXED) == 0) return std::min<size_t>(all, 4);
    if (call.name == "prctl") {
        switch (as_int(a[0])) {
            case PR_GET_DUMPABLE:
            case PR_GET_KEEPCAPS:
            case PR_GET_TIMERSLACK:
                return std::min<size_t>(all, 1);
            case PR_SET_NAME:
            case PR_GET_NAME:
            case PR_SET_PDEATHSIG:
            case PR_CAPBSET_READ:
            case PR_SET_DUMPABLE:
                return std::min<size_t>(all, 2);
            default:
                return all;
        }
    }
    if (call.name == "futex") {
        switch (as_int(a[1]) & 127) {
            case FUTEX_WAKE:
                return std::min<size_t>(all, 3);
            case FUTEX_WAIT:
                return std::min<size_t>(all, 4);
            default:
                return all;
        }
    }
    return all;
}

// Arguments whose meaning hangs on a command in another argument. True: `text` is set (or left open, if
// `text` is unchanged and `open` set).
bool by_command(const GuestMemory& memory, const DecodedCall& call, size_t index, bool at_return, i64 result,
                std::string& text, bool& open) {
    const auto& a = call.arguments;
    if (call.name == "fcntl" && index == 2) {
        switch (as_int(a[1])) {
            case F_SETFD:
                return text = flags_text("fd", a[2]), true;
            case F_SETFL:
                return text = flags_text("open", a[2]), true;
            case F_DUPFD:
            case F_DUPFD_CLOEXEC:
                return text = fmt::format("{}", as_int(a[2])), true;
            case F_GETLK:
            case F_SETLK:
            case F_SETLKW:
            case 36:
            case 37:
            case 38:
                if (!structure_text(memory, "flock", a[2], 1, false, text)) text = pointer_text(a[2]);
                return true;
            default:
                return text = fmt::format("{}", a[2]), true;
        }
    }
    if (call.name == "ioctl" && index == 2) {
        const IoctlArgument argument = ioctl_argument(a[1] & 0xffffffff);
        if (argument.structure.empty())
            return text = a[2] < 4096 ? fmt::format("{}", a[2]) : pointer_text(a[2]), true;
        if (argument.out && !at_return) return open = true;
        if (argument.out && is_error(result)) return text = pointer_text(a[2]), true;
        if (!structure_text(memory, argument.structure, a[2], 1, false, text)) text = pointer_text(a[2]);
        return true;
    }
    if (call.name == "prctl" && index == 1 && (as_int(a[0]) == PR_SET_NAME || as_int(a[0]) == PR_GET_NAME)) {
        constexpr size_t kNameLength = 15;
        if (as_int(a[0]) == PR_GET_NAME && !at_return) return open = true;
        if (!string_text(memory, a[1], kNameLength, text)) text = pointer_text(a[1]);
        return true;
    }
    if (call.spec->arguments[index].name == "envp") {
        if (!environment_text(memory, a[index], text)) text = pointer_text(a[index]);
        return true;
    }
    if (call.name == "reboot" && index < 3) return text = enumeration_text("reboot", a[index]), true;
    if (call.name == "dup3" && index == 2) return text = flags_text("pipe", a[2]), true;
    if (call.name == "mmap" && index == 5) return text = a[5] == 0 ? "0" : fmt::format("{:#x}", a[5]), true;
    return false;
}

// clone's arguments by the names that strace gives them; which are there hangs on the flags.
std::vector<std::optional<std::string>> clone_texts(const std::array<u64, 6>& a) {
    std::vector<std::optional<std::string>> texts;
    texts.push_back(fmt::format("child_stack={}", pointer_text(a[1])));
    texts.push_back(fmt::format("flags={}", flags_text("clone", a[0])));
    if ((a[0] & 0x00100000) != 0) texts.push_back(fmt::format("parent_tid={}", pointer_text(a[2])));
    if ((a[0] & 0x00080000) != 0) texts.push_back(fmt::format("tls={}", pointer_text(a[4])));
    if ((a[0] & 0x01200000) != 0) texts.push_back(fmt::format("child_tidptr={}", pointer_text(a[3])));
    return texts;
}

}  // namespace

std::string syscall_name(u64 number, CallAbi abi) {
    if (const SyscallSpec* spec = syscall_spec(number, abi)) return spec->name;
    if (abi == CallAbi::Ia32) return fmt::format("syscall_{:#x}", number);
    switch (number) {
#define LINUX_SYSCALL(nr, name) \
    case nr:                    \
        return #name;
#include "emulator/guestos/syscalls/linux_syscall_names.def"
#undef LINUX_SYSCALL
        default:
            return fmt::format("syscall_{:#x}", number);
    }
}

DecodedCall decode_entry(const GuestMemory& memory, u64 number, const std::array<u64, 6>& arguments,
                         CallAbi abi) {
    DecodedCall call;
    call.number = number;
    call.abi = abi;
    call.arguments = arguments;
    call.name = syscall_name(number, abi);
    call.spec = syscall_spec(number, abi);
    if (call.spec == nullptr) {
        for (const u64 value : arguments) call.texts.push_back(fmt::format("{:#x}", value));
        return call;
    }
    if (call.name == "clone" && abi == CallAbi::Native) {
        call.texts = clone_texts(arguments);
        return call;
    }
    const size_t count = shown_arguments(call);
    for (size_t i = 0; i < count; ++i) {
        const SyscallArgument& argument = call.spec->arguments[i];
        std::string text;
        bool open = false;
        if (by_command(memory, call, i, false, 0, text, open)) {
            call.texts.push_back(open ? std::nullopt : std::optional(text));
        } else if (!is_memory(argument)) {
            call.texts.push_back(scalar_text(argument, arguments[i]));
        } else if (arguments[i] == 0) {
            call.texts.push_back("NULL");
        } else if (argument.in && memory_text(memory, call, i, std::nullopt, text)) {
            call.texts.push_back(text);
        } else {
            call.texts.push_back(std::nullopt);
        }
    }
    return call;
}

void decode_return(const GuestMemory& memory, DecodedCall& call, i64 result) {
    for (size_t i = 0; i < call.texts.size(); ++i) {
        if (call.texts[i] || call.spec == nullptr) continue;
        const SyscallArgument& argument = call.spec->arguments[i];
        std::string text;
        bool open = false;
        // nanosleep writes what is left of the time only where a signal has cut it short.
        const bool sleeps = call.name == "nanosleep" || call.name == "clock_nanosleep";
        const bool filled = !argument.out || (sleeps ? result == -EINTR : !is_error(result));
        if (by_command(memory, call, i, true, result, text, open)) {
            call.texts[i] = text;
        } else if (filled && memory_text(memory, call, i, result, text)) {
            call.texts[i] = text;
        } else {
            call.texts[i] = pointer_text(call.arguments[i]);
        }
    }
}

std::string call_beginning(const DecodedCall& call) {
    std::string text = call.name + "(";
    for (size_t i = 0; i < call.texts.size(); ++i) {
        if (!call.texts[i]) return text;
        text += *call.texts[i];
        if (i + 1 < call.texts.size()) text += ", ";
    }
    return text;
}

namespace {

bool is_whole(const DecodedCall& call) {
    return std::all_of(call.texts.begin(), call.texts.end(),
                       [](const auto& text) { return text.has_value(); });
}

}  // namespace

std::string call_text(const DecodedCall& call) {
    return call_beginning(call) + (is_whole(call) ? ")" : "...");
}

std::string open_call_text(const DecodedCall& call) {
    return call_beginning(call) + (is_whole(call) ? ")" : "...)");
}

std::string call_rest(const DecodedCall& at_entry, const DecodedCall& at_return) {
    return call_text(at_return).substr(call_beginning(at_entry).size());
}

std::string result_text(const GuestMemory& memory, const DecodedCall& call, i64 result) {
    if (is_error(result)) {
        const int error = static_cast<int>(-result);
        switch (error) {
            case 512:
                return "? ERESTARTSYS (To be restarted if SA_RESTART is set)";
            case 513:
                return "? ERESTARTNOINTR (To be restarted)";
            case 514:
                return "? ERESTARTNOHAND (To be restarted if no handler)";
            case 516:
                return "? ERESTART_RESTARTBLOCK (Interrupted by signal)";
            default:
                return fmt::format("-1 {}", errno_text(error));
        }
    }
    if (call.name == "fcntl") {
        if (as_int(call.arguments[1]) == F_GETFL)
            return fmt::format("{:#x} (flags {})", result, flags_text("open", static_cast<u64>(result)));
        if (as_int(call.arguments[1]) == F_GETFD && result != 0)
            return fmt::format("{:#x} (flags {})", result, flags_text("fd", static_cast<u64>(result)));
    }
    if ((call.name == "poll" || call.name == "ppoll")) {
        if (result == 0) return "0 (Timeout)";
        return fmt::format("{} ({})", result, poll_events_text(memory, call.arguments[0], call.arguments[1]));
    }
    if ((call.name == "select" || call.name == "pselect6")) {
        if (result == 0) return "0 (Timeout)";
        std::string ready;
        static const char* const names[] = {"in", "out", "except"};
        for (size_t i = 0; i < 3; ++i) {
            std::string set;
            if (call.arguments[i + 1] == 0) continue;
            if (fd_set_text(memory, call.arguments[i + 1], call.arguments[0] & 0x7fffffff, set) &&
                set != "[]")
                ready += fmt::format("{}{} {}", ready.empty() ? "" : ", ", names[i], set);
        }
        return fmt::format("{} ({})", result, ready);
    }
    if (call.name == "umask") return octal_mode_text(static_cast<u64>(result));
    const ResultKind kind = call.spec != nullptr ? call.spec->result : ResultKind::Signed;
    switch (kind) {
        case ResultKind::Address:
            return result == 0 ? "NULL" : fmt::format("{:#x}", static_cast<u64>(result));
        case ResultKind::Hex:
            return fmt::format("{:#x}", static_cast<u64>(result));
        case ResultKind::Octal:
            return octal_mode_text(static_cast<u64>(result));
        default:
            return fmt::format("{}", result);
    }
}

std::optional<u64> syscall_number(const std::string& name) {
    constexpr u64 kNumbers = 512;  // more than the table has
    for (u64 number = 0; number < kNumbers; ++number)
        if (syscall_name(number) == name) return number;
    return std::nullopt;
}

}  // namespace orrery
