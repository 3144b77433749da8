// strace's forms of strings, pointers and status words (strace(1), "-s", "-x").
#include "emulator/guestos/syscalls/syscall_values.h"

#include <sys/wait.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "emulator/guestos/syscalls/flag_sets.h"

namespace orrery {
namespace {

constexpr size_t kPathLimit = 4096;
constexpr size_t kStringsShown = 32;  // elements of argv

// The pointers of a null-terminated array. False: not readable to its end.
bool pointers_at(const GuestMemory& memory, u64 address, std::vector<u64>& pointers) {
    for (unsigned i = 0; i < 65536; ++i) {
        const std::optional<u64> pointer = memory.value<u64>(address + 8 * i);
        if (!pointer) return false;
        if (*pointer == 0) return true;
        pointers.push_back(*pointer);
    }
    return false;
}

}  // namespace

std::string quoted(std::string_view bytes, bool cut) {
    std::string text = "\"";
    for (size_t i = 0; i < bytes.size(); ++i) {
        const unsigned char c = static_cast<unsigned char>(bytes[i]);
        switch (c) {
            case '"':
                text += "\\\"";
                continue;
            case '\\':
                text += "\\\\";
                continue;
            case '\f':
                text += "\\f";
                continue;
            case '\n':
                text += "\\n";
                continue;
            case '\r':
                text += "\\r";
                continue;
            case '\t':
                text += "\\t";
                continue;
            case '\v':
                text += "\\v";
                continue;
            default:
                break;
        }
        if (c >= ' ' && c < 127) {
            text += static_cast<char>(c);
            continue;
        }
        // As short as it can be read back: three digits only before another digit.
        const bool digit_follows = i + 1 < bytes.size() && bytes[i + 1] >= '0' && bytes[i + 1] <= '7';
        text += digit_follows ? fmt::format("\\{:03o}", c) : fmt::format("\\{:o}", c);
    }
    return text + (cut ? "\"..." : "\"");
}

std::string quoted_hex(std::string_view bytes, bool cut) {
    std::string text = "\"";
    for (const char c : bytes) text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return text + (cut ? "\"..." : "\"");
}

std::string pointer_text(u64 address) {
    return address == 0 ? "NULL" : fmt::format("{:#x}", address);
}

std::string octal_mode_text(u64 mode) {
    return mode == 0 ? "000" : fmt::format("0{:o}", mode & 0xffffffff);
}

bool string_text(const GuestMemory& memory, u64 address, size_t limit, std::string& text) {
    if (address == 0) return text = "NULL", true;
    const GuestMemory::CString string = memory.string(address, std::min(limit, kPathLimit) + 1);
    if (!string.complete && string.text.size() <= limit) return false;
    const bool cut = string.text.size() > limit;
    text = quoted(std::string_view(string.text).substr(0, limit), cut);
    return true;
}

bool buffer_text(const GuestMemory& memory, u64 address, u64 size, bool as_hex, std::string& text) {
    if (address == 0) return text = "NULL", true;
    const size_t shown = static_cast<size_t>(std::min<u64>(size, kStringLimit));
    std::string bytes(shown, '\0');
    if (!memory.read_all(address, bytes.data(), shown)) return false;
    text = as_hex ? quoted_hex(bytes, size > shown) : quoted(bytes, size > shown);
    return true;
}

bool strings_text(const GuestMemory& memory, u64 address, std::string& text) {
    if (address == 0) return text = "NULL", true;
    std::vector<u64> pointers;
    if (!pointers_at(memory, address, pointers)) return false;
    std::string list;
    for (size_t i = 0; i < pointers.size(); ++i) {
        if (i != 0) list += ", ";
        if (i == kStringsShown) {
            list += "...";
            break;
        }
        std::string element;
        if (!string_text(memory, pointers[i], kStringLimit, element)) element = pointer_text(pointers[i]);
        list += element;
    }
    text = fmt::format("[{}]", list);
    return true;
}

bool environment_text(const GuestMemory& memory, u64 address, std::string& text) {
    if (address == 0) return text = "NULL", true;
    std::vector<u64> pointers;
    if (!pointers_at(memory, address, pointers)) return false;
    text = fmt::format("{:#x} /* {} var{} */", address, pointers.size(), pointers.size() == 1 ? "" : "s");
    return true;
}

std::string wait_status_text(u32 status) {
    const int value = static_cast<int>(status);
    if (value == 0xffff) return "{WIFCONTINUED(s)}";
    if (WIFEXITED(value)) return fmt::format("{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}", WEXITSTATUS(value));
    if (WIFSTOPPED(value))
        return fmt::format("{{WIFSTOPPED(s) && WSTOPSIG(s) == {}}}",
                           signal_text(static_cast<u64>(WSTOPSIG(value))));
    return fmt::format("{{WIFSIGNALED(s) && WTERMSIG(s) == {}{}}}",
                       signal_text(static_cast<u64>(WTERMSIG(value))),
                       WCOREDUMP(value) ? " && WCOREDUMP(s)" : "");
}

}  // namespace orrery
