// F1: the keys of the table of commands, and what the mouse does.
#include <imgui.h>

#include <string>

#include "ui/commands.h"
#include "ui/keys.h"
#include "ui/theme.h"

namespace orrery {

namespace {

void line(const std::string& what, const char* does) {
    ImGui::TextColored(theme::kChanged, "%-13s", what.c_str());
    ImGui::SameLine();
    ImGui::TextUnformatted(does);
}

}  // namespace

void draw_help(Ui& ui) {
    if (!ui.show_help) return;
    const ImVec2 center = ImGui::GetMainViewport()->GetCenter();
    ImGui::SetNextWindowPos(center, ImGuiCond_Appearing, {0.5f, 0.5f});
    ImGui::SetNextWindowFocus();
    ImGui::Begin("Help", &ui.show_help, ImGuiWindowFlags_AlwaysAutoResize | ImGuiWindowFlags_NoCollapse);
    for (const CommandRow& row : commands())
        if (row.keys != nullptr) line(row.key(), row.help);
    ImGui::Separator();
    line("time bar", "click or drag: go to that moment");
    line("an address", "click: its page walk");
    line("a task", "click: its address space");
    line("the console", "click: what you type goes to the guest's terminal");
    line("the display", "click: keys and mouse go to the guest");
    ImGui::Separator();
    ImGui::TextColored(theme::kUser, "Blue [U] is user mode");
    ImGui::SameLine();
    ImGui::TextColored(theme::kKernel, "orange [K] the kernel.");
    ImGui::End();
}

}  // namespace orrery
