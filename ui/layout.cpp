#include "ui/layout.h"

#include <imgui.h>

#include <algorithm>
#include <bit>

#include "ui/views.h"

namespace orrery {

const std::vector<Layout>& layouts() {
    static const std::vector<Layout> kLayouts = {
        {"First system call",
         0,
         {
             {"Tasks", 0.00f, 0.00f, 0.16f, 0.36f},
             {"Breakpoints", 0.00f, 0.36f, 0.16f, 0.18f},
             {"Bookmarks", 0.00f, 0.54f, 0.16f, 0.20f},
             {"Source and disassembly", 0.16f, 0.00f, 0.40f, 0.40f},
             {"Console", 0.16f, 0.40f, 0.40f, 0.34f},
             {"Ring", 0.56f, 0.00f, 0.24f, 0.34f},
             {"Page walk", 0.56f, 0.34f, 0.24f, 0.40f},
             {"Registers", 0.80f, 0.00f, 0.20f, 0.46f},
             {"TLB", 0.80f, 0.46f, 0.20f, 0.28f},
             {"System calls", 0.00f, 0.74f, 0.62f, 0.26f},
             {"Address space", 0.62f, 0.74f, 0.38f, 0.26f},
         }},
        {"Memory",
         0,
         {
             {"Tasks", 0.00f, 0.00f, 0.18f, 0.45f},
             {"Console", 0.00f, 0.45f, 0.30f, 0.55f},
             {"Address space", 0.18f, 0.00f, 0.42f, 0.45f},
             {"Page walk", 0.60f, 0.00f, 0.40f, 0.45f},
             {"TLB", 0.66f, 0.45f, 0.34f, 0.55f},
             {"Memory", 0.30f, 0.45f, 0.36f, 0.55f},
         }},
        {"Scheduler",
         0,
         {
             {"Tasks", 0.00f, 0.00f, 0.40f, 0.55f},
             {"Console", 0.40f, 0.00f, 0.60f, 0.55f},
             {"System calls", 0.00f, 0.55f, 0.60f, 0.45f},
             {"Registers", 0.60f, 0.55f, 0.40f, 0.45f},
         }},
        {"Devices",
         0,
         {
             {"Console", 0.00f, 0.00f, 0.55f, 0.60f},
             {"Devices", 0.55f, 0.00f, 0.45f, 1.00f},
             {"System calls", 0.00f, 0.60f, 0.55f, 0.40f},
         }},
        {"Display",
         0,
         {
             {"Display", 0.00f, 0.00f, 0.62f, 0.82f},
             {"Console", 0.62f, 0.00f, 0.38f, 0.50f},
             {"Devices", 0.62f, 0.50f, 0.38f, 0.50f},
             {"System calls", 0.00f, 0.82f, 0.62f, 0.18f},
         }},
        {"Projector",
         1.5f,
         {
             {"Ring", 0.00f, 0.00f, 0.40f, 0.50f},
             {"Source and disassembly", 0.40f, 0.00f, 0.60f, 0.50f},
             {"Console", 0.00f, 0.50f, 0.50f, 0.50f},
             {"System calls", 0.50f, 0.50f, 0.50f, 0.50f},
         }},
    };
    return kLayouts;
}

static const Layout* find_layout(const std::string& name) {
    for (const Layout& layout : layouts())
        if (name == layout.name) return &layout;
    return nullptr;
}

static const Layout& present_layout(const Ui& ui) {
    const Layout* layout = find_layout(ui.layout);
    return layout != nullptr ? *layout : layouts().front();
}

bool choose_layout(Ui& ui, const std::string& name) {
    const Layout* layout = find_layout(name);
    if (layout == nullptr) return false;
    ui.layout = name;
    ui.opened.clear();
    ui.relayout = true;
    if (layout->scale != 0) ui.new_scale = layout->scale;
    return true;
}

bool show_view(Ui& ui, const std::string& name) {
    if (view_bit(name) == 0) return false;
    const auto& tiles = present_layout(ui).tiles;
    const bool is_there =
        std::any_of(tiles.begin(), tiles.end(), [&](const Tile& tile) { return tile.view == name; }) ||
        std::find(ui.opened.begin(), ui.opened.end(), name) != ui.opened.end();
    if (!is_there) ui.opened.push_back(name);
    ui.focus_request = name;
    return true;
}

void draw_layout(Ui& ui) {
    const ImGuiViewport* viewport = ImGui::GetMainViewport();
    const float top = transport_height();
    const ImVec2 area{viewport->Size.x, viewport->Size.y - top};
    ViewSet on_screen = 0;
    // `when`: it goes to its tile; `open`: whether it stays, of one that can be closed.
    const auto draw = [&](const Tile& tile, ImGuiCond when, bool* open) {
        const ViewSet bit = view_bit(tile.view);
        if (bit == 0) return;
        const View& view = views()[static_cast<size_t>(std::countr_zero(bit))];
        ImGui::SetNextWindowPos({area.x * tile.x, top + area.y * tile.y}, when);
        ImGui::SetNextWindowSize({area.x * tile.width, area.y * tile.height}, when);
        if (ui.focus_request == view.name) {
            ImGui::SetNextWindowFocus();
            ui.focus_request.clear();
        }
        ImGui::Begin(view.name, open, ImGuiWindowFlags_NoCollapse);
        on_screen |= bit;
        // A view that has just appeared has no model yet.
        if ((ui.frame->views & bit) != 0) view.draw(ui);
        ImGui::End();
    };
    for (const Tile& tile : present_layout(ui).tiles)
        draw(tile, ui.relayout ? ImGuiCond_Always : ImGuiCond_Appearing, nullptr);
    std::erase_if(ui.opened, [&](const std::string& name) {
        bool open = true;
        draw({name.c_str(), 0.25f, 0.20f, 0.50f, 0.60f}, ImGuiCond_Appearing, &open);
        return !open;
    });
    ui.relayout = false;
    if (on_screen != ui.selection.views) {
        ui.selection.views = on_screen;
        ui.selection_changed = true;
    }
}

}  // namespace orrery
