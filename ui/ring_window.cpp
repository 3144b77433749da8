// Ring: on which side of the border between user and kernel the CPU is, and what crossing it does.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

// What a row held at the last stop.
u64 value_at(const RingModel& model, const RingRow& row) {
    for (const RingRow& other : model.rows)
        if (other.name == row.name) return other.now;
    return row.now;
}

void compare(const RingRow& row, u64 before) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::TextColored(theme::kDim, "%s", row.name.c_str());
    ImGui::TableNextColumn();
    const std::string then = row.name == "CPL" ? fmt::format("{}", before) : fmt::format("{:016x}", before);
    const std::string now = row.name == "CPL" ? fmt::format("{}", row.now) : fmt::format("{:016x}", row.now);
    ImGui::TextUnformatted(then.c_str());
    ImGui::TableNextColumn();
    ImGui::TextColored(before != row.now ? theme::kChanged : theme::kDim, "%s%s", now.c_str(),
                       before != row.now ? " *" : "");
}

}  // namespace

void draw_ring(Ui& ui) {
    const RingModel& now = ui.frame->ring;
    ImGui::SetWindowFontScale(1.35f);
    text_colored(now.ring,
                 fmt::format("{} ring {}", now.ring == 3 ? "[U] user mode," : "[K] kernel mode,", now.ring));
    ImGui::SetWindowFontScale(1.0f);
    text_dim(fmt::format("{} · {} · {}", now.task.empty() ? "no task" : now.task, now.mode, now.activity));
    if (!now.location.empty())
        text_colored(now.ring, now.location + (now.source.empty() ? "" : "  (" + now.source + ")"));
    ImGui::TextWrapped("%s", now.explanation.c_str());
    const bool has_stop = ui.previous && !ui.previous->ring.rows.empty();
    if (!now.crossed && !has_stop) return;
    if (!ImGui::BeginTable("crossing", 3, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg)) return;
    ImGui::TableSetupColumn("");
    ImGui::TableSetupColumn(now.crossed ? "before it crossed" : "at the last stop");
    ImGui::TableSetupColumn("now");
    ImGui::TableHeadersRow();
    for (const RingRow& row : now.rows)
        compare(row, now.crossed ? row.before : value_at(ui.previous->ring, row));
    ImGui::EndTable();
}

}  // namespace orrery
