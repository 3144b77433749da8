// Ctrl+G: going to a moment or an address.
#include <imgui.h>

#include <array>

#include "ui/keys.h"

namespace orrery {

std::optional<Command> moment_command(const std::string& text) {
    const bool cycle = text.rfind("cycle ", 0) == 0;
    u64 number = 0;
    size_t digits = 0;
    for (const char c : text.substr(cycle ? 6 : 0)) {
        if (c == ',' || c == ' ' || c == '_') continue;
        if (c < '0' || c > '9' || ++digits > 19) return std::nullopt;
        number = number * 10 + static_cast<u64>(c - '0');
    }
    if (digits == 0) return std::nullopt;
    if (cycle) return command::SeekTicks{number};
    return command::SeekInstructions{number};
}

void draw_go_to(Ui& ui) {
    if (ui.show_go_to) {
        ImGui::OpenPopup("go to");
        ui.show_go_to = false;
    }
    ImGui::SetNextWindowPos(ImGui::GetMainViewport()->GetCenter(), ImGuiCond_Appearing, {0.5f, 0.5f});
    if (!ImGui::BeginPopup("go to")) return;
    static std::array<char, 128> text{};
    if (ImGui::IsWindowAppearing()) {
        text[0] = 0;
        ImGui::SetKeyboardFocusHere();
    }
    ImGui::TextUnformatted("Go to");
    if (ImGui::InputText("##where", text.data(), text.size(), ImGuiInputTextFlags_EnterReturnsTrue)) {
        if (const std::optional<Command> command = moment_command(text.data()))
            ui.commands.push_back(*command);
        else if (text[0] != 0)
            ui.select_address(text.data(), ui.selection.task);
        ImGui::CloseCurrentPopup();
    }
    text_dim("an instruction count (1,234,567), \"cycle 99\", or an address (0x401000, vfs_write, rsp)");
    ImGui::EndPopup();
}

}  // namespace orrery
