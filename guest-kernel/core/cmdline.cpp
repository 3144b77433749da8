// The kernel's command line (core/cmdline.h).
//
// Guarantees: no allocation: usable before memory is set up.
#include "core/cmdline.h"

#include "core/string.h"

char saved_command_line[2048];

namespace {

/// The text after `name` of its last occurrence as a whole word start, or nullptr.
const char* find(const char* name) {
    const size_t length = strlen(name);
    const char* found = nullptr;
    for (const char* p = saved_command_line; *p;) {
        while (*p == ' ') p++;
        if (strncmp(p, name, length) == 0 && (p[length] == '=' || p[length] == ' ' || p[length] == '\0')) {
            found = p + length;
        }
        while (*p && *p != ' ') p++;
    }
    return found;
}

}  // namespace

void setup_command_line(const char* text) {
    copy_string(saved_command_line, text, sizeof(saved_command_line));
    size_t length = strlen(saved_command_line);
    while (length && (saved_command_line[length - 1] == '\n' || saved_command_line[length - 1] == ' ')) {
        saved_command_line[--length] = '\0';
    }
}

bool cmdline_has(const char* name) {
    return find(name) != nullptr;
}

bool cmdline_value(const char* name, char* value, size_t size) {
    const char* p = find(name);
    if (!p || *p != '=') return false;
    size_t n = 0;
    for (p++; *p && *p != ' ' && n + 1 < size; p++) value[n++] = *p;
    value[n] = '\0';
    return true;
}

u64 cmdline_number(const char* name, u64 fallback) {
    char text[32];
    u64 value;
    return cmdline_value(name, text, sizeof(text)) && parse_u64(text, 0, &value) ? value : fallback;
}
