// Registers: what the CPU holds; values that changed since the last stop stand out.
#include <fmt/format.h>
#include <imgui.h>

#include "emulator/isa/number.h"
#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

const RegisterRow* find(const std::vector<RegisterRow>& rows, const std::string& name) {
    for (const RegisterRow& row : rows)
        if (row.name == name) return &row;
    return nullptr;
}

void draw_rows(Ui& ui, const char* id, const std::vector<RegisterRow>& rows,
               const std::vector<RegisterRow>* before) {
    if (!ImGui::BeginTable(id, 3, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg)) return;
    ImGui::TableSetupColumn("name");
    ImGui::TableSetupColumn("value");
    ImGui::TableSetupColumn("note", ImGuiTableColumnFlags_WidthStretch);
    for (const RegisterRow& row : rows) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        ImGui::TextColored(theme::kDim, "%s", row.name.c_str());
        ImGui::TableNextColumn();
        const RegisterRow* old = before != nullptr ? find(*before, row.name) : nullptr;
        if (old != nullptr && old->value != row.value) {
            ImGui::TextColored(theme::kChanged, "%016llx*", static_cast<unsigned long long>(row.value));
            if (ImGui::IsItemHovered())
                ImGui::SetTooltip("was %016llx", static_cast<unsigned long long>(old->value));
            if (ImGui::IsItemClicked()) ui.select_address(hex(row.value));
        } else {
            address_link(ui, row.value);
        }
        ImGui::PushID(row.name.c_str());
        std::string value = hex(row.value);
        if (value_popup("set", row.name + ": another value", value))
            if (const std::optional<u64> number = parse_number(value))
                ui.send(command::SetRegister{row.name, *number});
        ImGui::PopID();
        ImGui::TableNextColumn();
        text_dim(row.note);
    }
    ImGui::EndTable();
}

}  // namespace

void draw_registers(Ui& ui) {
    const RegistersModel& model = ui.frame->registers;
    const RegistersModel* before = ui.previous ? &ui.previous->registers : nullptr;
    draw_rows(ui, "general", model.general, before != nullptr ? &before->general : nullptr);
    std::string flags = "RFLAGS";
    for (const FlagRow& flag : model.flags)
        if (flag.set) flags += " " + flag.name;
    ImGui::TextUnformatted(flags.c_str());
    if (ImGui::IsItemHovered()) {
        std::string tip;
        for (const FlagRow& flag : model.flags)
            tip += fmt::format("{} {}  {}\n", flag.name, flag.set ? 1 : 0, flag.meaning);
        ImGui::SetTooltip("%s", tip.c_str());
    }
    if (ImGui::CollapsingHeader("Segments and tables")) {
        for (const SegmentRow& row : model.segments)
            ImGui::Text("%-4s %04x base %016llx %s", row.name.c_str(), row.selector,
                        static_cast<unsigned long long>(row.base), row.note.c_str());
        draw_rows(ui, "tables", model.tables, nullptr);
    }
    if (ImGui::CollapsingHeader("Control registers", ImGuiTreeNodeFlags_DefaultOpen))
        draw_rows(ui, "control", model.control, before != nullptr ? &before->control : nullptr);
    if (ImGui::CollapsingHeader("Model-specific registers")) draw_rows(ui, "msrs", model.msrs, nullptr);
    const bool floating = ImGui::CollapsingHeader("x87 and SSE");
    if (floating != ui.selection.floating_point) {
        ui.selection.floating_point = floating;
        ui.selection_changed = true;
    }
    if (floating) {
        draw_rows(ui, "fpu", model.float_control, nullptr);
        for (const WideRegisterRow& row : model.vectors)
            ImGui::Text("%-6s %s", row.name.c_str(), row.value.c_str());
        for (const WideRegisterRow& row : model.x87)
            ImGui::Text("%-4s %s %s", row.name.c_str(), row.value.c_str(), row.note.c_str());
    }
}

}  // namespace orrery
