#include "ui/theme.h"

#include <unistd.h>

namespace orrery {

namespace {

const char* find_font() {
    static constexpr const char* kCandidates[] = {
        "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
        "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
        "/usr/share/fonts/dejavu/DejaVuSansMono.ttf",
    };
    for (const char* path : kCandidates)
        if (access(path, R_OK) == 0) return path;
    return nullptr;
}

}  // namespace

void apply_theme(float scale) {
    ImGuiStyle style;
    ImGui::StyleColorsDark(&style);
    style.WindowRounding = 3;
    style.FrameRounding = 3;
    style.WindowPadding = {8, 6};
    style.FramePadding = {6, 3};
    style.ItemSpacing = {7, 4};
    style.CellPadding = {5, 1};
    style.Colors[ImGuiCol_WindowBg] = {0.09f, 0.10f, 0.12f, 1.0f};
    style.Colors[ImGuiCol_PopupBg] = {0.11f, 0.12f, 0.15f, 1.0f};
    style.Colors[ImGuiCol_TitleBg] = {0.13f, 0.15f, 0.18f, 1.0f};
    style.Colors[ImGuiCol_TitleBgActive] = {0.18f, 0.23f, 0.30f, 1.0f};
    style.Colors[ImGuiCol_Text] = {0.90f, 0.91f, 0.93f, 1.0f};
    style.Colors[ImGuiCol_TableHeaderBg] = {0.16f, 0.18f, 0.22f, 1.0f};
    style.Colors[ImGuiCol_TableRowBgAlt] = {1.0f, 1.0f, 1.0f, 0.03f};
    style.ScaleAllSizes(scale);
    ImGui::GetStyle() = style;

    ImGuiIO& io = ImGui::GetIO();
    io.Fonts->Clear();
    static const ImWchar kRanges[] = {0x20, 0x17f, 0x2010, 0x2027, 0x2190, 0x21ff, 0x2500, 0x25ff, 0};
    if (const char* path = find_font()) {
        io.Fonts->AddFontFromFileTTF(path, 14.0f * scale, nullptr, kRanges);
    } else {
        ImFontConfig config;
        config.SizePixels = 13.0f * scale;
        io.Fonts->AddFontDefault(&config);
    }
}

}  // namespace orrery
