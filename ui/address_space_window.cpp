// Address space: what a task has mapped, and what is behind it.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_address_space(Ui& ui) {
    const AddressSpaceModel& model = ui.frame->address_space;
    if (!model.problem.empty()) ImGui::TextColored(theme::kBad, "%s", model.problem.c_str());
    if (model.rows.empty()) return;
    ImGui::Text("%s (pid %d)", model.comm.c_str(), model.pid);
    ImGui::SameLine();
    text_dim(fmt::format("{} mapped, {} resident in 4 KiB pages, CR3 {}", size_text(model.total_bytes),
                         model.resident_pages, hex(model.cr3)));
    constexpr ImGuiTableFlags kFlags =
        ImGuiTableFlags_RowBg | ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable("areas", 7, kFlags)) return;
    ImGui::TableSetupScrollFreeze(0, 1);
    for (const char* heading : {"From", "Size", "Perm", "Pages", "Shared", "COW"})
        ImGui::TableSetupColumn(heading);
    ImGui::TableSetupColumn("What", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableHeadersRow();
    for (const AddressSpaceRow& row : model.rows) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        address_link(ui, row.start, model.pid);
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(size_text(row.end - row.start).c_str());
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(row.permissions.c_str());
        for (u64 count : {row.mapped_pages, row.shared_frames, row.cow_pages}) {
            ImGui::TableNextColumn();
            ImGui::Text("%llu", static_cast<unsigned long long>(count));
        }
        ImGui::TableNextColumn();
        ImGui::TextUnformatted(row.name.c_str());
    }
    ImGui::EndTable();
}

}  // namespace orrery
