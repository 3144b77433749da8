// Ctrl+P: every window and command by name.
#include <imgui.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string>

#include "ui/commands.h"
#include "ui/keys.h"
#include "ui/layout.h"
#include "ui/views.h"

namespace orrery {

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
    const auto item = [&](const std::string& name, const std::string& key = {}, bool enabled = true) {
        const auto fits =
            std::search(name.begin(), name.end(), filter, filter + std::strlen(filter), [](char a, char b) {
                return std::tolower(static_cast<unsigned char>(a)) ==
                       std::tolower(static_cast<unsigned char>(b));
            });
        return (fits != name.end() || filter[0] == 0) &&
               ImGui::MenuItem(name.c_str(), key.c_str(), false, enabled);
    };
    for (const CommandRow& row : commands())
        if (row.name != nullptr && item(row.name, row.key(), holds(row.when, ui.frame->state)))
            row.invoke(ui);
    for (const View& view : views())
        if (item(std::string("Window: ") + view.name)) show_view(ui, view.name);
    for (const Layout& layout : layouts())
        if (item(std::string("Layout: ") + layout.name)) choose_layout(ui, layout.name);
    ImGui::EndPopup();
}

}  // namespace orrery
