#include "ui/keys.h"

#include <imgui.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "ui/guest_keys.h"
#include "ui/theme.h"

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

bool debugger_key(Ui& ui, const SDL_Keysym& key) {
    const bool shift = (key.mod & KMOD_SHIFT) != 0, control = (key.mod & KMOD_CTRL) != 0;
    const bool back = (key.mod & KMOD_ALT) != 0;
    const bool running = ui.frame->state == RunState::Running;
    switch (key.sym) {
        case SDLK_F1:
            ui.show_help = !ui.show_help;
            return true;
        case SDLK_F5:
            ui.send(running ? Verb::Pause : back ? Verb::RunBack : Verb::Run);
            return true;
        case SDLK_F10:
            ui.send(back ? Verb::StepOverBack : Verb::StepOver);
            return true;
        case SDLK_F11:
            if (back)
                ui.send(shift ? Verb::StepOutBack : Verb::StepBack);
            else
                ui.send(shift ? Verb::StepOut : Verb::Step);
            return true;
        case SDLK_p:
            if (!control || ui.console_focused || ui.display_focused) return false;
            ui.show_palette = true;
            return true;
        case SDLK_g:
            if (!control || ui.console_focused || ui.display_focused) return false;
            ui.show_go_to = true;
            return true;
        case SDLK_PLUS:
        case SDLK_EQUALS:
        case SDLK_KP_PLUS:
            if (!control) return false;
            ui.new_scale = std::min(3.0f, ui.scale * 1.15f);
            return true;
        case SDLK_MINUS:
        case SDLK_KP_MINUS:
            if (!control) return false;
            ui.new_scale = std::max(0.6f, ui.scale / 1.15f);
            return true;
        default:
            return false;
    }
}

}  // namespace

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
            ui.send(Verb::Keyboard, key_input(key, pressed));
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
                ui.send(Verb::Keyboard, mouse_input(right, down, 0, ui.mouse_buttons));
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
            ui.send(Verb::Keyboard, mouse_input(0, 0, 0, ui.mouse_buttons));
            return;
        }
        case SDL_MOUSEWHEEL:
            if (ui.display_hovered)
                ui.send(Verb::Keyboard, mouse_input(0, 0, -event.wheel.y, ui.mouse_buttons));
            return;
        default:
            return;
    }
}

}  // namespace

void release_display_keys(Ui& ui) {
    if (ui.display_focused) return;
    for (const int key : std::exchange(ui.display_keys, {}))
        ui.send(Verb::Keyboard, key_input(static_cast<SDL_Scancode>(key), false));
    if (std::exchange(ui.mouse_buttons, 0u) != 0) ui.send(Verb::Keyboard, mouse_input(0, 0, 0, 0));
}

void handle_key_event(Ui& ui, const SDL_Event& event) {
    const bool typing = ImGui::GetIO().WantTextInput;
    if (ui.display_focused && !typing) {
        if (event.type == SDL_KEYDOWN && debugger_key(ui, event.key.keysym)) return;
        handle_display_event(ui, event);
        return;
    }
    if (event.type == SDL_KEYDOWN) {
        if (debugger_key(ui, event.key.keysym) || typing) return;
        if (!ui.console_focused) return;
        const bool control = (event.key.keysym.mod & KMOD_CTRL) != 0;
        const int modifiers = (control ? Terminal::kCtrl : 0) |
                              ((event.key.keysym.mod & KMOD_SHIFT) != 0 ? Terminal::kShift : 0) |
                              ((event.key.keysym.mod & KMOD_ALT) != 0 ? Terminal::kAlt : 0);
        if (const auto key = terminal_key(event.key.keysym.sym)) {
            ui.send(Verb::Type, ui.terminal.key(*key, modifiers));
        } else if (control && event.key.keysym.sym >= SDLK_a && event.key.keysym.sym <= SDLK_z) {
            ui.send(Verb::Type, std::string(1, static_cast<char>(event.key.keysym.sym - SDLK_a + 1)));
        }
    } else if (event.type == SDL_TEXTINPUT && !typing) {
        if (ui.console_focused) {
            ui.send(Verb::Type, event.text.text);
        } else if (std::strcmp(event.text.text, ".") == 0) {
            ui.send(Verb::NextCrossing);
        } else if (std::strcmp(event.text.text, ",") == 0) {
            ui.send(Verb::PreviousCrossing);
        } else if (std::strcmp(event.text.text, "m") == 0 || std::strcmp(event.text.text, "M") == 0) {
            ui.send(Verb::AddBookmark);
        }
    }
}

void draw_help(Ui& ui) {
    if (!ui.show_help) return;
    const ImVec2 center = ImGui::GetMainViewport()->GetCenter();
    ImGui::SetNextWindowPos(center, ImGuiCond_Appearing, {0.5f, 0.5f});
    ImGui::SetNextWindowFocus();
    ImGui::Begin("Help", &ui.show_help, ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoCollapse);
    static constexpr const char* kLines[][2] = {
        {"F5", "run, pause"},
        {"F11", "one instruction"},
        {"F10", "one instruction, a call to its end"},
        {"Shift+F11", "to the end of the function"},
        {"Alt", "with F5, F10, F11 and Shift+F11: the same backwards"},
        {". ,", "to the next, the previous ring crossing (user to kernel or back)"},
        {"M", "bookmark this moment"},
        {"Ctrl+P", "palette: every window and command by name"},
        {"Ctrl+G", "go to an instruction count, a cycle or an address"},
        {"time bar", "click or drag: go to that moment"},
        {"Ctrl +/-", "larger, smaller"},
        {"click", "an address: its page walk; a task: its address space"},
        {"click", "the display: keys and mouse go to the guest"},
    };
    for (const auto& line : kLines) {
        ImGui::TextColored(theme::kChanged, "%-10s", line[0]);
        ImGui::SameLine();
        ImGui::TextUnformatted(line[1]);
    }
    ImGui::Separator();
    ImGui::TextUnformatted("Click into the console to type to the guest.");
    ImGui::TextColored(theme::kUser, "Blue [U] is user mode");
    ImGui::SameLine();
    ImGui::TextColored(theme::kKernel, "orange [K] the kernel.");
    ImGui::End();
}

void draw_palette(Ui& ui) {
    if (ui.show_palette) {
        ImGui::OpenPopup("palette");
        ui.show_palette = false;
    }
    ImGui::SetNextWindowPos(ImGui::GetMainViewport()->GetCenter(), ImGuiCond_Appearing, {0.5f, 0.5f});
    if (!ImGui::BeginPopup("palette")) return;
    static char filter[64] = "";
    if (ImGui::IsWindowAppearing()) {
        filter[0] = 0;
        ImGui::SetKeyboardFocusHere();
    }
    ImGui::InputText("##filter", filter, sizeof filter);
    auto item = [&](const std::string& name) {
        const bool fits =
            std::search(name.begin(), name.end(), filter, filter + std::strlen(filter), [](char a, char b) {
                return std::tolower(static_cast<unsigned char>(a)) ==
                       std::tolower(static_cast<unsigned char>(b));
            }) != name.end();
        return fits && ImGui::Selectable(name.c_str());
    };
    for (const WindowEntry& entry : windows())
        if (item(std::string("Window: ") + entry.name)) ui.focus_request = entry.name;
    if (item("Run")) ui.send(Verb::Run);
    if (item("Pause")) ui.send(Verb::Pause);
    if (item("Watch a system call")) ui.send(Verb::WatchSyscall);
    if (item("Next ring crossing")) ui.send(Verb::NextCrossing);
    if (item("Run back")) ui.send(Verb::RunBack);
    if (item("Step back")) ui.send(Verb::StepBack);
    if (item("Step back over a call")) ui.send(Verb::StepOverBack);
    if (item("Step back out of the function")) ui.send(Verb::StepOutBack);
    if (item("Previous ring crossing")) ui.send(Verb::PreviousCrossing);
    if (item("Bookmark this moment")) ui.send(Verb::AddBookmark);
    if (item("Go to an instruction count, a cycle or an address")) ui.show_go_to = true;
    if (item("Restart the machine")) ui.send(Verb::Restart);
    if (item("State hash")) ui.send(Verb::Hash);
    ImGui::EndPopup();
}

}  // namespace orrery
