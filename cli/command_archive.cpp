#include "cli/command_archive.h"

#include <fmt/format.h>

namespace orrery {

namespace {

void pad(std::vector<u8>& out, size_t alignment) {
    while (out.size() % alignment != 0) out.push_back(0);
}

void append(std::vector<u8>& out, const std::string& text) {
    out.insert(out.end(), text.begin(), text.end());
}

void add_entry(std::vector<u8>& out, const std::string& name, u32 mode, const std::string& content) {
    static unsigned constexpr kLinks = 1;
    // Fields: inode, mode, uid, gid, nlink, mtime, size, device major and minor, rdev major and minor, name
    // size, check.
    append(out,
           fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                       0, mode, 0, 0, kLinks, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0));
    append(out, name);
    out.push_back(0);
    pad(out, 4);
    append(out, content);
    pad(out, 4);
}

}  // namespace

std::string shell_quote(const std::string& word) {
    std::string quoted = "'";
    for (char letter : word) {
        if (letter == '\'') {
            quoted += "'\\''";
        } else {
            quoted += letter;
        }
    }
    return quoted + "'";
}

std::vector<u8> command_archive(const std::vector<std::string>& command) {
    // By its path, so that the shell executes the file: busybox's would run an applet of its own within
    // itself. What no path has (a shell's builtin, a wrong name) is left to the shell.
    const std::string name = shell_quote(command[0]);
    std::string arguments;
    for (size_t i = 1; i < command.size(); ++i) arguments += " " + shell_quote(command[i]);
    const std::string script =
        fmt::format("program=$(which {0}) && exec -a {0} \"$program\"{1}\nexec {0}{1}\n", name, arguments);
    std::vector<u8> out;
    add_entry(out, "orrery", 0040755, "");
    add_entry(out, "orrery/command", 0100644, script);
    add_entry(out, "TRAILER!!!", 0, "");
    pad(out, 512);
    return out;
}

}  // namespace orrery
