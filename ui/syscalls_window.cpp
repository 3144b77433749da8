// System calls: strace's text for every task, as it happens; and the summary by call.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_log(Ui& ui, const SyscallsModel& model) {
    constexpr ImGuiTableFlags kFlags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable("calls", 6, kFlags)) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    for (const char* heading : {"Instruction", "PID", "Task", "us", "Walks"})
        ImGui::TableSetupColumn(heading);
    ImGui::TableSetupColumn("Call", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableHeadersRow();
    for (const SyscallRow& row : model.rows) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        text_dim(grouped(row.begin_instructions));
        if (ImGui::IsItemHovered()) ImGui::SetTooltip("Go to where the call was made");
        if (ImGui::IsItemClicked()) ui.send(command::SeekInstructions{row.begin_instructions});
        ImGui::TableNextColumn();
        if (row.pid != 0) {
            ImGui::Text("%d", row.pid);
            if (ImGui::IsItemClicked()) ui.select_pid(row.pid);
        } else {
            text_dim("-");
        }
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(row.comm.c_str());
        ImGui::TableNextColumn();
        if (row.ticks)
            text_dim(fmt::format("{:.1f}", static_cast<double>(*row.ticks) / 1000));
        else if (!row.is_note)
            ImGui::TextUnformatted("…");
        ImGui::TableNextColumn();
        if (row.finished && !row.is_note) text_dim(fmt::format("{}", row.page_walks));
        ImGui::TableNextColumn();
        if (row.is_note) {
            ImGui::TextColored(theme::kInterrupt, "%s", row.call.c_str());
        } else {
            ImGui::TextUnformatted(row.call.c_str());
            ImGui::SameLine();
            const ImVec4 color = !row.finished ? theme::kChanged : row.failed ? theme::kBad : theme::kGood;
            ImGui::TextColored(color, "%s", row.finished ? ("= " + row.result).c_str() : "(in the kernel)");
        }
    }
    // New rows stay in view while the list is at its end.
    if (ImGui::GetScrollY() >= ImGui::GetScrollMaxY() - ImGui::GetTextLineHeight() * 2)
        ImGui::SetScrollHereY(1.0f);
    ImGui::EndTable();
}

void draw_summary(const SyscallsModel& model) {
    constexpr ImGuiTableFlags kFlags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable("summary", 6, kFlags)) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    for (const char* heading : {"% time", "seconds", "usecs/call", "calls", "errors", "syscall"})
        ImGui::TableSetupColumn(heading);
    ImGui::TableHeadersRow();
    for (const SyscallSummaryRow& row : model.summary) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::Text("%6.2f", row.percent);
        ImGui::TableNextColumn();
        ImGui::Text("%.6f", row.seconds);
        for (u64 count : {row.usecs_per_call, row.calls, row.errors}) {
            ImGui::TableNextColumn();
            ImGui::Text("%llu", static_cast<unsigned long long>(count));
        }
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(row.name.c_str());
    }
    ImGui::EndTable();
}

}  // namespace

void draw_syscalls(Ui& ui) {
    const SyscallsModel& model = ui.frame->syscalls;
    if (text_field("filter", ui.selection.syscall_filter, "", ImGui::GetFontSize() * 10))
        ui.selection_changed = true;
    if (!model.problem.empty()) ImGui::TextWrapped("%s", model.problem.c_str());
    ImGui::SameLine();
    if (!ImGui::BeginTabBar("kinds")) return;
    if (ImGui::BeginTabItem("As they happen")) {
        draw_log(ui, model);
        ImGui::EndTabItem();
    }
    if (ImGui::BeginTabItem("Summary")) {
        draw_summary(model);
        ImGui::EndTabItem();
    }
    ImGui::EndTabBar();
}

}  // namespace orrery
