// Tasks: every thread of the guest, with its state.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_tasks(Ui& ui) {
    const TasksModel& model = ui.frame->tasks;
    if (!model.problem.empty()) ImGui::TextWrapped("%s", model.problem.c_str());
    constexpr ImGuiTableFlags kFlags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable("tasks", 5, kFlags)) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    for (const char* heading : {"PID", "PPID", "S", "CPU s"}) ImGui::TableSetupColumn(heading);
    ImGui::TableSetupColumn("Name", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableHeadersRow();
    for (const TaskRow& task : model.rows) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::PushID(task.pid);
        if (ImGui::Selectable(std::to_string(task.pid).c_str(), ui.selection.pid == task.pid,
                              ImGuiSelectableFlags_SpanAllColumns))
            ui.select_pid(task.pid);
        if (ImGui::IsItemHovered()) {
            ImGui::SetTooltip(
                "%s (thread group %d): %s\nuser %.3f s, kernel %.3f s\n%s\nClick: its address space",
                task.comm.c_str(), task.tgid, task.state_text.c_str(),
                static_cast<double>(task.utime_ns) / 1e9, static_cast<double>(task.stime_ns) / 1e9,
                task.system_call.empty() ? "in no system call" : task.system_call.c_str());
        }
        ImGui::PopID();
        ImGui::TableNextColumn();
        ImGui::Text("%d", task.ppid);
        ImGui::TableNextColumn();
        const bool on_cpu = task.running_on >= 0;
        ImGui::TextColored(on_cpu              ? theme::kGood
                           : task.state == 'R' ? theme::kChanged
                                               : theme::kDim,
                           "%c%s", task.state, on_cpu ? "+" : "");
        ImGui::TableNextColumn();
        ImGui::Text("%.2f", static_cast<double>(task.utime_ns + task.stime_ns) / 1e9);
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(task.comm.c_str());
    }
    ImGui::EndTable();
}

}  // namespace orrery
