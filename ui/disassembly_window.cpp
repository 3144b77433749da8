// Source and disassembly: instructions around RIP (or a chosen place) with the lines they come from.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_row(Ui& ui, const DisassemblyRow& row, unsigned ring) {
    if (!row.label.empty()) {
        ImGui::TableNextRow();
        ImGui::TableSetColumnIndex(1);
        ImGui::TextColored(theme::kLabel, "%s:", row.label.c_str());
    }
    if (!row.source.empty()) {
        ImGui::TableNextRow();
        ImGui::TableSetColumnIndex(1);
        ImGui::TextColored(theme::kGood, "%s",
                           row.source_text.empty() ? row.source.c_str() : row.source_text.c_str());
        if (ImGui::IsItemHovered()) ImGui::SetTooltip("%s", row.source.c_str());
    }
    ImGui::TableNextRow();
    if (row.current) {
        ImVec4 background = ring == 3 ? theme::kUser : theme::kKernel;
        background.w = 0.30f;
        ImGui::TableSetBgColor(ImGuiTableBgTarget_RowBg0, ImGui::GetColorU32(background));
    }
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(row.current ? "►" : " ");
    ImGui::SameLine(0, 2);
    address_link(ui, row.address, ui.frame->code_task.empty() ? std::nullopt : ui.selection.task);
    ImGui::TableNextColumn();
    ImGui::TextUnformatted(row.text.c_str());
    if (row.target != 0 && ImGui::IsItemClicked()) {
        ui.selection.code_address = hex(row.target);
        ui.selection_changed = true;
    }
    if (!row.annotation.empty()) {
        ImGui::SameLine();
        text_dim("; " + row.annotation);
    }
}

}  // namespace

void draw_disassembly(Ui& ui) {
    const Frame& frame = *ui.frame;
    if (text_field("##code", ui.selection.code_address, frame.code_error, ImGui::GetFontSize() * 16))
        ui.selection_changed = true;
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("An address or symbol; empty: follow RIP");
    task_mark(ui, frame.code_task);
    ImGui::SameLine();
    if (ImGui::SmallButton("Follow RIP")) {
        ui.selection.code_address.clear();
        ui.selection_changed = true;
    }
    ImGui::SameLine();
    text_colored(frame.registers.ring,
                 frame.disassembly.where.empty() ? hex(frame.disassembly.address) : frame.disassembly.where);
    ImGui::SameLine();
    text_dim(frame.registers.source);
    constexpr ImGuiTableFlags kFlags = ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit;
    if (!ImGui::BeginTable("code", 2, kFlags)) return;
    ImGui::TableSetupColumn("Address");
    ImGui::TableSetupColumn("Instruction", ImGuiTableColumnFlags_WidthStretch);
    static u64 scrolled_to = 0;
    for (const DisassemblyRow& row : frame.disassembly.rows) {
        draw_row(ui, row, frame.registers.ring);
        if (row.current && scrolled_to != row.address) {
            ImGui::SetScrollHereY(0.35f);
            scrolled_to = row.address;
        }
    }
    ImGui::EndTable();
}

}  // namespace orrery
