// Breakpoints, and running to a place or to a system call.
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_breakpoints(Ui& ui) {
    static std::string place, syscall;
    const float width = ImGui::GetContentRegionAvail().x * 0.55f;
    if (text_field("##place", place, "", width) && !place.empty()) ui.send(command::AddBreakpoint{place});
    ImGui::SameLine();
    if (ImGui::SmallButton("Break") && !place.empty()) ui.send(command::AddBreakpoint{place});
    if (ImGui::IsItemHovered())
        ImGui::SetTooltip("A symbol (vfs_write), FILE:LINE or an address; then Enter");
    ImGui::SameLine();
    if (ImGui::SmallButton("Run to") && !place.empty()) ui.send(command::RunTo{place});
    if (!ui.frame->breakpoint_error.empty())
        ImGui::TextColored(theme::kBad, "! %s", ui.frame->breakpoint_error.c_str());
    if (text_field("##call", syscall, "", width)) ui.send(command::RunToSyscall{syscall});
    ImGui::SameLine();
    if (ImGui::SmallButton("Run to call")) ui.send(command::RunToSyscall{syscall});
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("The next system call of this name (any, if empty)");
    for (const Breakpoint& breakpoint : ui.frame->breakpoints) {
        ImGui::PushID(static_cast<int>(breakpoint.id));
        if (ImGui::SmallButton("x")) ui.send(command::RemoveBreakpoint{breakpoint.id});
        ImGui::PopID();
        ImGui::SameLine();
        ImGui::Text("%s  (%llu hits)", breakpoint.text.c_str(),
                    static_cast<unsigned long long>(breakpoint.hits));
    }
}

}  // namespace orrery
