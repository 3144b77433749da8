// Page walk: one address taken apart, level by level, down to the frame; and who may use it how.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_page_walk(Ui& ui) {
    const PageWalkModel& model = ui.frame->page_walk;
    if (text_field("address##walk", ui.selection.walk_address, ui.frame->walk_error,
                   ImGui::GetFontSize() * 14))
        ui.selection_changed = true;
    task_mark(ui, ui.frame->walk_task);
    ImGui::Text("%016llx", static_cast<unsigned long long>(model.address));
    ImGui::SameLine();
    text_dim(model.symbol);
    std::string parts;
    for (const AddressPart& part : model.parts) parts += fmt::format("{} {}  ", part.name, part.value);
    ImGui::PushStyleColor(ImGuiCol_Text, theme::kDim);
    ImGui::TextWrapped("%s", parts.c_str());
    ImGui::PopStyleColor();
    if (ImGui::BeginTable("walk", 5, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg)) {
        for (const char* heading : {"Table", "Index", "Entry at", "Entry", "Bits"})
            ImGui::TableSetupColumn(heading);
        ImGui::TableHeadersRow();
        for (const PageWalkRow& row : model.rows) {
            ImGui::TableNextRow();
            ImGui::TableNextColumn();
            ImGui::TextUnformatted(row.table.c_str());
            if (ImGui::IsItemHovered()) ImGui::SetTooltip("%s", row.meaning.c_str());
            ImGui::TableNextColumn();
            ImGui::Text("%u", row.index);
            ImGui::TableNextColumn();
            ImGui::Text("%llx", static_cast<unsigned long long>(row.entry_address));
            ImGui::TableNextColumn();
            ImGui::Text("%016llx", static_cast<unsigned long long>(row.entry));
            ImGui::TableNextColumn();
            ImGui::TextUnformatted(row.flags.c_str());
        }
        ImGui::EndTable();
    }
    ImGui::PushStyleColor(ImGuiCol_Text, model.mapped ? theme::kGood : theme::kBad);
    ImGui::TextWrapped("%s %s", model.mapped ? "=" : "x", model.verdict.c_str());
    ImGui::PopStyleColor();
    if (!model.in_tlb.empty()) text_dim("in the TLB: " + model.in_tlb);
    for (const AccessVerdict& verdict : model.accesses) {
        ImGui::TextColored(verdict.allowed ? theme::kGood : theme::kBad, "%s %-12s",
                           verdict.allowed ? "yes" : "no ", verdict.access.c_str());
        if (verdict.reason.empty()) continue;
        ImGui::SameLine();
        ImGui::PushStyleColor(ImGuiCol_Text, theme::kDim);
        ImGui::TextWrapped("%s", verdict.reason.c_str());
        ImGui::PopStyleColor();
    }
}

}  // namespace orrery
