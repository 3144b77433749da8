// The console's terminal emulation (libvterm, xterm's control sequences): bytes in, a grid of coloured cells
// out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

struct TerminalCell {
    char32_t character = U' ';
    u32 foreground = 0xffd0d0d0;  // 0xAABBGGRR, as Dear ImGui has it
    u32 background = 0;           // 0: the window's own
    bool bold = false;
    bool underline = false;
    u8 width = 1;  // columns
};

void append_utf8(std::string& out, char32_t character);

class Terminal {
  public:
    Terminal(int rows, int columns);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void feed(std::string_view bytes);
    // Whether a line feed goes to the beginning of the line too, as the host's terminal does it (ONLCR) for
    // programs that end lines with LF alone.
    void set_newline(bool returns) { newline_ = returns; }
    // As it was made: empty.
    void reset();
    int rows() const;
    int columns() const;
    const TerminalCell& cell(int row, int column) const;
    // Lines that have scrolled off the top, oldest first; at most 5,000 are kept.
    const std::vector<std::vector<TerminalCell>>& history() const;
    int cursor_row() const;
    int cursor_column() const;
    bool cursor_visible() const;
    // The screen as text, trailing blanks removed.
    std::string text() const;

    // What the terminal answers to queries (cursor position reports): to be sent to the guest.
    std::string take_replies();

    // Keys as bytes for the guest; depends on the modes that the guest has set.
    enum class Key {
        Up,
        Down,
        Left,
        Right,
        Home,
        End,
        PageUp,
        PageDown,
        Insert,
        Delete,
        Enter,
        Backspace,
        Tab,
        Escape,
        F1
    };
    enum Modifier : int { kNone = 0, kShift = 1, kAlt = 2, kCtrl = 4 };
    std::string key(Key key, int modifiers = kNone);
    std::string character(char32_t character, int modifiers = kNone);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    bool newline_ = false;
};

}  // namespace orrery
