#include "ui/keys.h"

#include <imgui.h>

#include <cctype>
#include <optional>
#include <sstream>
#include <utility>

#include "ui/commands.h"
#include "ui/guest_keys.h"

namespace orrery {

namespace {

std::optional<Terminal::Key> terminal_key(SDL_Keycode code) {
    switch (code) {
        case SDLK_UP:
            return Terminal::Key::Up;
        case SDLK_DOWN:
            return Terminal::Key::Down;
        case SDLK_LEFT:
            return Terminal::Key::Left;
        case SDLK_RIGHT:
            return Terminal::Key::Right;
        case SDLK_HOME:
            return Terminal::Key::Home;
        case SDLK_END:
            return Terminal::Key::End;
        case SDLK_PAGEUP:
            return Terminal::Key::PageUp;
        case SDLK_PAGEDOWN:
            return Terminal::Key::PageDown;
        case SDLK_INSERT:
            return Terminal::Key::Insert;
        case SDLK_DELETE:
            return Terminal::Key::Delete;
        case SDLK_RETURN:
        case SDLK_KP_ENTER:
            return Terminal::Key::Enter;
        case SDLK_BACKSPACE:
            return Terminal::Key::Backspace;
        case SDLK_TAB:
            return Terminal::Key::Tab;
        case SDLK_ESCAPE:
            return Terminal::Key::Escape;
        default:
            return std::nullopt;
    }
}

// The keys that SDL's events and the table of commands name alike.
constexpr int kControl = 1, kAlt = 2, kShift = 4;

int modifiers_of(int sdl) {
    return ((sdl & KMOD_CTRL) != 0 ? kControl : 0) | ((sdl & KMOD_ALT) != 0 ? kAlt : 0) |
           ((sdl & KMOD_SHIFT) != 0 ? kShift : 0);
}

// Characters come as text, wherever the keyboard has them; with Ctrl or Alt they do not.
bool is_text(const SDL_Keysym& key) {
    return key.sym >= ' ' && key.sym < 127 && (modifiers_of(key.mod) & (kControl | kAlt)) == 0;
}

bool same(const SDL_Keysym& a, const SDL_Keysym& b) {
    // Some keyboards have a character on the shift of another.
    const int counted = a.sym < 127 ? kControl | kAlt : kControl | kAlt | kShift;
    return a.sym == b.sym && ((modifiers_of(a.mod) ^ modifiers_of(b.mod)) & counted) == 0;
}

// The command of a key, of those that are to be had now before those that are not.
const CommandRow* command_of(const SDL_Keysym& key, RunState state) {
    const CommandRow* found = nullptr;
    for (const CommandRow& row : commands()) {
        if (row.keys == nullptr) continue;
        std::istringstream all(row.keys);
        for (std::string one; std::getline(all, one, '|');) {
            const std::optional<SDL_Keysym> own = parse_chord(one);
            if (!own || !same(*own, key)) continue;
            if (holds(row.when, state)) return &row;
            found = &row;
        }
    }
    return found;
}

// False: the key is not one of the debugger's. `to_guest`: what is typed goes to the guest.
bool debugger_key(Ui& ui, const SDL_Keysym& key, bool to_guest) {
    const CommandRow* row = command_of(key, ui.frame->state);
    if (row == nullptr || (to_guest && (row->guest_first || is_text(key)))) return false;
    if (holds(row->when, ui.frame->state)) row->invoke(ui);
    return true;
}

}  // namespace

std::optional<SDL_Keysym> parse_chord(const std::string& text) {
    SDL_Keysym key{};
    std::string rest = text;
    int modifiers = 0;
    for (size_t plus = rest.find('+'); plus != std::string::npos && plus + 1 < rest.size() && plus > 0;
         plus = rest.find('+')) {
        const std::string modifier = rest.substr(0, plus);
        const int bit = modifier == "Alt"     ? KMOD_LALT
                        : modifier == "Ctrl"  ? KMOD_LCTRL
                        : modifier == "Shift" ? KMOD_LSHIFT
                                              : 0;
        if (bit == 0) return std::nullopt;
        modifiers |= bit;
        rest.erase(0, plus + 1);
    }
    key.mod = static_cast<Uint16>(modifiers);
    key.sym = SDL_GetKeyFromName(rest.c_str());
    if (key.sym == SDLK_UNKNOWN) return std::nullopt;
    return key;
}

namespace {

// Keys and mouse while the display has the focus; the keyboard repeats keys itself. Keys that are held when
// the focus goes are released, so that the guest does not take them for stuck.
void handle_display_event(Ui& ui, const SDL_Event& event) {
    switch (event.type) {
        case SDL_KEYDOWN:
        case SDL_KEYUP: {
            const SDL_Scancode key = event.key.keysym.scancode;
            if (event.key.repeat != 0) return;
            const bool pressed = event.type == SDL_KEYDOWN;
            ui.send(command::Keyboard{key_input(key, pressed)});
            if (pressed)
                ui.display_keys.insert(key);
            else
                ui.display_keys.erase(key);
            return;
        }
        case SDL_MOUSEMOTION: {
            if (!ui.display_hovered) return;
            // What is left of a step stays for the next one.
            ui.mouse_right += static_cast<float>(event.motion.xrel) / ui.display_scale;
            ui.mouse_down += static_cast<float>(event.motion.yrel) / ui.display_scale;
            const int right = static_cast<int>(ui.mouse_right), down = static_cast<int>(ui.mouse_down);
            ui.mouse_right -= static_cast<float>(right);
            ui.mouse_down -= static_cast<float>(down);
            if (right != 0 || down != 0)
                ui.send(command::Keyboard{mouse_input(right, down, 0, ui.mouse_buttons)});
            return;
        }
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP: {
            const unsigned button = event.button.button == SDL_BUTTON_LEFT     ? 1
                                    : event.button.button == SDL_BUTTON_RIGHT  ? 2
                                    : event.button.button == SDL_BUTTON_MIDDLE ? 4
                                                                               : 0;
            const bool down = event.type == SDL_MOUSEBUTTONDOWN;
            if (button == 0 || (down && !ui.display_hovered)) return;
            ui.mouse_buttons = down ? ui.mouse_buttons | button : ui.mouse_buttons & ~button;
            ui.send(command::Keyboard{mouse_input(0, 0, 0, ui.mouse_buttons)});
            return;
        }
        case SDL_MOUSEWHEEL:
            if (ui.display_hovered)
                ui.send(command::Keyboard{mouse_input(0, 0, -event.wheel.y, ui.mouse_buttons)});
            return;
        default:
            return;
    }
}

}  // namespace

void release_display_keys(Ui& ui) {
    if (ui.display_focused) return;
    for (const int key : std::exchange(ui.display_keys, {}))
        ui.send(command::Keyboard{key_input(static_cast<SDL_Scancode>(key), false)});
    if (std::exchange(ui.mouse_buttons, 0u) != 0) ui.send(command::Keyboard{mouse_input(0, 0, 0, 0)});
}

void handle_key_event(Ui& ui, const SDL_Event& event) {
    const bool typing = ImGui::GetIO().WantTextInput;
    const bool to_guest = ui.console_focused || ui.display_focused;
    // A character comes as text too: that is when it counts.
    const bool is_command = event.type == SDL_KEYDOWN && !is_text(event.key.keysym);
    if (is_command && debugger_key(ui, event.key.keysym, to_guest)) return;
    if (typing) return;
    if (ui.display_focused) {
        handle_display_event(ui, event);
    } else if (event.type == SDL_KEYDOWN && ui.console_focused) {
        const bool control = (event.key.keysym.mod & KMOD_CTRL) != 0;
        const int modifiers = (control ? Terminal::kCtrl : 0) |
                              ((event.key.keysym.mod & KMOD_SHIFT) != 0 ? Terminal::kShift : 0) |
                              ((event.key.keysym.mod & KMOD_ALT) != 0 ? Terminal::kAlt : 0);
        if (const auto key = terminal_key(event.key.keysym.sym)) {
            ui.send(command::Type{ui.terminal.key(*key, modifiers)});
        } else if (control && event.key.keysym.sym >= SDLK_a && event.key.keysym.sym <= SDLK_z) {
            ui.send(command::Type{std::string(1, static_cast<char>(event.key.keysym.sym - SDLK_a + 1))});
        }
    } else if (event.type == SDL_TEXTINPUT && ui.console_focused) {
        ui.send(command::Type{event.text.text});
    } else if (event.type == SDL_TEXTINPUT && event.text.text[0] != 0 && event.text.text[1] == 0) {
        SDL_Keysym key{};
        key.sym = std::tolower(static_cast<unsigned char>(event.text.text[0]));
        debugger_key(ui, key, false);
    }
}

}  // namespace orrery
