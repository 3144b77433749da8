// Bookmarks: moments with notes; and the runs that begin where something new was done in the past.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_rows(Ui& ui, const BookmarksModel& model) {
    for (const BookmarkRow& row : model.rows) {
        ImGui::PushID(static_cast<int>(row.index));
        if (ImGui::SmallButton("x")) ui.send(command::RemoveBookmark{row.index});
        if (ImGui::IsItemHovered()) ImGui::SetTooltip("Remove this bookmark");
        ImGui::SameLine();
        const std::string where = fmt::format("{}{}", grouped(row.moment.instructions),
                                              row.on_path ? "" : fmt::format(" (run {})", row.run));
        const bool here = row.on_path && row.moment == ui.frame->moment;
        if (ImGui::Selectable(where.c_str(), here, ImGuiSelectableFlags_None,
                              {ImGui::CalcTextSize(where.c_str()).x, 0}))
            ui.send(command::GoToBookmark{row.index});
        if (ImGui::IsItemHovered()) ImGui::SetTooltip("Go there");
        ImGui::SameLine();
        std::string note = row.note;
        if (text_field("##note", note, "", -1)) ui.send(command::RenameBookmark{row.index, note});
        ImGui::PopID();
    }
}

void draw_runs(Ui& ui, const TimelineModel& model) {
    if (model.runs.size() < 2) return;
    ImGui::Separator();
    for (const TimelineRunRow& run : model.runs) {
        const std::string text = run.number == 0 ? fmt::format("run 0, to {}", grouped(run.end.instructions))
                                                 : fmt::format("run {}, from {} of run {}, to {}", run.number,
                                                               grouped(run.fork.instructions), run.parent,
                                                               grouped(run.end.instructions));
        if (ImGui::Selectable(text.c_str(), run.present) && !run.present)
            ui.send(command::EnterRun{run.number});
        if (ImGui::IsItemHovered())
            ImGui::SetTooltip(
                "%s", run.present ? "The present run" : "Go to where this run parts from the present one");
    }
}

}  // namespace

void draw_bookmarks(Ui& ui) {
    static std::string note;
    if (ImGui::SmallButton("+ M")) ui.send(command::AddBookmark{});
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("Remember this moment");
    ImGui::SameLine();
    if (text_field("##new note", note, "", -1)) {
        ui.send(command::AddBookmark{note});
        note.clear();
    }
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("A note, then Enter: remember this moment with it");
    draw_rows(ui, ui.frame->bookmarks);
    draw_runs(ui, ui.frame->timeline);
}

}  // namespace orrery
