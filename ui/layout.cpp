#include "ui/layout.h"

#include <imgui.h>

#include <cstring>

namespace orrery {

namespace {

// Fractions of the area below the transport bar.
struct WindowPlace {
    const char* window;
    float x, y, width, height;
};

const std::vector<WindowPlace>& places(const std::string& preset) {
    static const std::vector<WindowPlace> kFirst = {
        {"Tasks", 0.00f, 0.00f, 0.16f, 0.36f},         {"Breakpoints", 0.00f, 0.36f, 0.16f, 0.18f},
        {"Bookmarks", 0.00f, 0.54f, 0.16f, 0.20f},     {"Source and disassembly", 0.16f, 0.00f, 0.40f, 0.40f},
        {"Console", 0.16f, 0.40f, 0.40f, 0.34f},       {"Ring", 0.56f, 0.00f, 0.24f, 0.34f},
        {"Page walk", 0.56f, 0.34f, 0.24f, 0.40f},     {"Registers", 0.80f, 0.00f, 0.20f, 0.46f},
        {"TLB", 0.80f, 0.46f, 0.20f, 0.28f},           {"System calls", 0.00f, 0.74f, 0.62f, 0.26f},
        {"Address space", 0.62f, 0.74f, 0.38f, 0.26f},
    };
    static const std::vector<WindowPlace> kMemory = {
        {"Tasks", 0.00f, 0.00f, 0.18f, 0.45f},         {"Console", 0.00f, 0.45f, 0.30f, 0.55f},
        {"Address space", 0.18f, 0.00f, 0.42f, 0.45f}, {"Page walk", 0.60f, 0.00f, 0.40f, 0.45f},
        {"TLB", 0.66f, 0.45f, 0.34f, 0.55f},           {"Memory", 0.30f, 0.45f, 0.36f, 0.55f},
    };
    static const std::vector<WindowPlace> kScheduler = {
        {"Tasks", 0.00f, 0.00f, 0.40f, 0.55f},
        {"Console", 0.40f, 0.00f, 0.60f, 0.55f},
        {"System calls", 0.00f, 0.55f, 0.60f, 0.45f},
        {"Registers", 0.60f, 0.55f, 0.40f, 0.45f},
    };
    static const std::vector<WindowPlace> kDevices = {
        {"Console", 0.00f, 0.00f, 0.55f, 0.60f},
        {"Devices", 0.55f, 0.00f, 0.45f, 1.00f},
        {"System calls", 0.00f, 0.60f, 0.55f, 0.40f},
    };
    static const std::vector<WindowPlace> kProjector = {
        {"Ring", 0.00f, 0.00f, 0.40f, 0.50f},
        {"Source and disassembly", 0.40f, 0.00f, 0.60f, 0.50f},
        {"Console", 0.00f, 0.50f, 0.50f, 0.50f},
        {"System calls", 0.50f, 0.50f, 0.50f, 0.50f},
    };
    static const std::vector<WindowPlace> kDisplay = {
        {"Display", 0.00f, 0.00f, 0.62f, 0.82f},
        {"Console", 0.62f, 0.00f, 0.38f, 0.50f},
        {"Devices", 0.62f, 0.50f, 0.38f, 0.50f},
        {"System calls", 0.00f, 0.82f, 0.62f, 0.18f},
    };
    if (preset == "Memory") return kMemory;
    if (preset == "Display") return kDisplay;
    if (preset == "Scheduler") return kScheduler;
    if (preset == "Devices") return kDevices;
    if (preset == "Projector") return kProjector;
    return kFirst;
}

const WindowEntry* find(const char* name) {
    for (const WindowEntry& entry : windows())
        if (std::strcmp(entry.name, name) == 0) return &entry;
    return nullptr;
}

}  // namespace

void draw_layout(Ui& ui) {
    const ImGuiViewport* viewport = ImGui::GetMainViewport();
    const float top = transport_height();
    const ImVec2 area{viewport->Size.x, viewport->Size.y - top};
    for (const WindowPlace& place : places(ui.preset)) {
        const WindowEntry* entry = find(place.window);
        if (entry == nullptr) continue;
        const ImGuiCond when = ui.relayout ? ImGuiCond_Always : ImGuiCond_Appearing;
        ImGui::SetNextWindowPos({area.x * place.x, top + area.y * place.y}, when);
        ImGui::SetNextWindowSize({area.x * place.width, area.y * place.height}, when);
        if (ui.focus_request == entry->name) {
            ImGui::SetNextWindowFocus();
            ui.focus_request.clear();
        }
        ImGui::Begin(entry->name, nullptr, ImGuiWindowFlags_NoCollapse);
        entry->draw(ui);
        ImGui::End();
    }
    ui.relayout = false;
}

}  // namespace orrery
