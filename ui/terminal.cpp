#include "ui/terminal.h"

#include <vterm.h>

#include <algorithm>

namespace orrery {

namespace {

constexpr size_t kHistory = 5000;
constexpr u32 kDefaultForeground = 0xffd0d0d0;

u32 packed(const VTermColor& color) {
    return 0xff00'0000u | static_cast<u32>(color.rgb.blue) << 16 | static_cast<u32>(color.rgb.green) << 8 |
           color.rgb.red;
}

}  // namespace

void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 63));
        out += static_cast<char>(0x80 | (c & 63));
    } else {
        out += static_cast<char>(0xf0 | (c >> 18));
        out += static_cast<char>(0x80 | ((c >> 12) & 63));
        out += static_cast<char>(0x80 | ((c >> 6) & 63));
        out += static_cast<char>(0x80 | (c & 63));
    }
}

struct Terminal::Impl {
    Impl(int row_count, int column_count)
        : rows(row_count), columns(column_count), vterm(vterm_new(row_count, column_count)) {
        vterm_set_utf8(vterm, 1);
        screen = vterm_obtain_screen(vterm);
        static const VTermScreenCallbacks kCallbacks = [] {
            VTermScreenCallbacks callbacks{};
            callbacks.damage = [](VTermRect rect, void* self) {
                static_cast<Impl*>(self)->refresh(rect);
                return 1;
            };
            callbacks.movecursor = [](VTermPos position, VTermPos, int shown, void* self) {
                Impl* impl = static_cast<Impl*>(self);
                impl->cursor = position;
                impl->visible = shown != 0;
                return 1;
            };
            callbacks.settermprop = [](VTermProp property, VTermValue* value, void* self) {
                if (property == VTERM_PROP_CURSORVISIBLE)
                    static_cast<Impl*>(self)->visible = value->boolean != 0;
                return 1;
            };
            callbacks.sb_pushline = [](int count, const VTermScreenCell* cells, void* self) {
                static_cast<Impl*>(self)->push_line(count, cells);
                return 1;
            };
            return callbacks;
        }();
        grid.resize(static_cast<size_t>(rows) * static_cast<size_t>(columns));
        vterm_screen_set_callbacks(screen, &kCallbacks, this);
        vterm_screen_enable_altscreen(screen, 1);
        vterm_screen_set_damage_merge(screen, VTERM_DAMAGE_SCROLL);
        vterm_screen_reset(screen, 1);
    }
    ~Impl() { vterm_free(vterm); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    TerminalCell convert(const VTermScreenCell& from) {
        TerminalCell cell;
        cell.character = from.chars[0] != 0 ? static_cast<char32_t>(from.chars[0]) : U' ';
        cell.bold = from.attrs.bold;
        cell.underline = from.attrs.underline != 0;
        cell.width = static_cast<u8>(from.width);
        VTermColor fg = from.fg, bg = from.bg;
        cell.foreground = VTERM_COLOR_IS_DEFAULT_FG(&fg) ? kDefaultForeground : to_rgb(fg);
        cell.background = VTERM_COLOR_IS_DEFAULT_BG(&bg) ? 0 : to_rgb(bg);
        if (from.attrs.reverse) {
            const u32 background = cell.background != 0 ? cell.background : 0xff101010;
            cell.background = cell.foreground;
            cell.foreground = background;
        }
        return cell;
    }
    u32 to_rgb(VTermColor color) {
        vterm_screen_convert_color_to_rgb(screen, &color);
        return packed(color);
    }
    void refresh(VTermRect rect) {
        for (int row = rect.start_row; row < rect.end_row; ++row) {
            for (int column = rect.start_col; column < rect.end_col; ++column) {
                VTermScreenCell cell;
                if (vterm_screen_get_cell(screen, {row, column}, &cell) != 0)
                    grid[static_cast<size_t>(row * columns + column)] = convert(cell);
            }
        }
    }
    void push_line(int count, const VTermScreenCell* cells) {
        std::vector<TerminalCell> line;
        for (int i = 0; i < count; ++i) line.push_back(convert(cells[i]));
        if (history.size() >= kHistory) history.erase(history.begin(), history.begin() + kHistory / 10);
        history.push_back(std::move(line));
    }

    int rows, columns;
    VTerm* vterm;
    VTermScreen* screen = nullptr;
    std::vector<TerminalCell> grid;
    std::vector<std::vector<TerminalCell>> history;
    VTermPos cursor{0, 0};
    bool visible = true;
};

Terminal::Terminal(int rows, int columns) : impl_(std::make_unique<Impl>(rows, columns)) {}
Terminal::~Terminal() = default;

void Terminal::feed(std::string_view bytes) {
    while (newline_ && bytes.find('\n') != std::string_view::npos) {
        const size_t line = bytes.find('\n');
        vterm_input_write(impl_->vterm, bytes.data(), line);
        vterm_input_write(impl_->vterm, "\r\n", 2);
        bytes.remove_prefix(line + 1);
    }
    vterm_input_write(impl_->vterm, bytes.data(), bytes.size());
    vterm_screen_flush_damage(impl_->screen);
}

void Terminal::reset() {
    impl_ = std::make_unique<Impl>(impl_->rows, impl_->columns);
}

int Terminal::rows() const {
    return impl_->rows;
}
int Terminal::columns() const {
    return impl_->columns;
}
const TerminalCell& Terminal::cell(int row, int column) const {
    return impl_->grid[static_cast<size_t>(row * impl_->columns + column)];
}
const std::vector<std::vector<TerminalCell>>& Terminal::history() const {
    return impl_->history;
}
int Terminal::cursor_row() const {
    return impl_->cursor.row;
}
int Terminal::cursor_column() const {
    return impl_->cursor.col;
}
bool Terminal::cursor_visible() const {
    return impl_->visible;
}

std::string Terminal::text() const {
    std::string out;
    for (int row = 0; row < rows(); ++row) {
        std::string line;
        for (int column = 0; column < columns(); ++column) append_utf8(line, cell(row, column).character);
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    out.erase(out.find_last_not_of('\n') + 1);
    return out.empty() ? out : out + '\n';
}

std::string Terminal::take_replies() {
    std::string out;
    char buffer[256];
    for (;;) {
        const size_t count = vterm_output_read(impl_->vterm, buffer, sizeof buffer);
        if (count == 0) return out;
        out.append(buffer, count);
    }
}

namespace {

VTermModifier modifier_of(int modifiers) {
    int out = VTERM_MOD_NONE;
    if ((modifiers & Terminal::kShift) != 0) out |= VTERM_MOD_SHIFT;
    if ((modifiers & Terminal::kAlt) != 0) out |= VTERM_MOD_ALT;
    if ((modifiers & Terminal::kCtrl) != 0) out |= VTERM_MOD_CTRL;
    return static_cast<VTermModifier>(out);
}

VTermKey key_of(Terminal::Key key) {
    switch (key) {
        case Terminal::Key::Up:
            return VTERM_KEY_UP;
        case Terminal::Key::Down:
            return VTERM_KEY_DOWN;
        case Terminal::Key::Left:
            return VTERM_KEY_LEFT;
        case Terminal::Key::Right:
            return VTERM_KEY_RIGHT;
        case Terminal::Key::Home:
            return VTERM_KEY_HOME;
        case Terminal::Key::End:
            return VTERM_KEY_END;
        case Terminal::Key::PageUp:
            return VTERM_KEY_PAGEUP;
        case Terminal::Key::PageDown:
            return VTERM_KEY_PAGEDOWN;
        case Terminal::Key::Insert:
            return VTERM_KEY_INS;
        case Terminal::Key::Delete:
            return VTERM_KEY_DEL;
        case Terminal::Key::Enter:
            return VTERM_KEY_ENTER;
        case Terminal::Key::Backspace:
            return VTERM_KEY_BACKSPACE;
        case Terminal::Key::Tab:
            return VTERM_KEY_TAB;
        case Terminal::Key::Escape:
            return VTERM_KEY_ESCAPE;
        case Terminal::Key::F1:
            return static_cast<VTermKey>(VTERM_KEY_FUNCTION(1));
    }
    return VTERM_KEY_NONE;
}

}  // namespace

std::string Terminal::key(Key key, int modifiers) {
    vterm_keyboard_key(impl_->vterm, key_of(key), modifier_of(modifiers));
    return take_replies();
}

std::string Terminal::character(char32_t character, int modifiers) {
    vterm_keyboard_unichar(impl_->vterm, static_cast<uint32_t>(character), modifier_of(modifiers));
    return take_replies();
}

}  // namespace orrery
