// Memory: bytes at an address.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_memory(Ui& ui) {
    if (text_field("address##memory", ui.selection.memory_address, ui.frame->memory_error,
                   ImGui::GetFontSize() * 14))
        ui.selection_changed = true;
    task_mark(ui, ui.frame->memory_task);
    ImGui::SameLine();
    text_dim(ui.frame->memory.symbol);
    for (const MemoryRow& row : ui.frame->memory.rows) {
        std::string line = fmt::format("{:016x} ", row.address);
        for (size_t i = 0; i < row.bytes.size(); ++i)
            line += row.readable[i] ? fmt::format(" {:02x}", row.bytes[i]) : std::string(" ??");
        line += "  " + row.ascii;
        ImGui::TextUnformatted(line.c_str());
        // Sixteen digits and two blanks, then three columns a byte.
        ImGui::PushID(static_cast<int>(row.address & 0x7fffffff));
        const float column =
            (ImGui::GetIO().MousePos.x - ImGui::GetItemRectMin().x) / ImGui::CalcTextSize("0").x - 18;
        const size_t index = column < 0 ? row.bytes.size() : static_cast<size_t>(column / 3);
        static u64 poked = 0;
        std::string value;
        if (ImGui::IsItemHovered() && index < row.bytes.size()) {
            ImGui::SetTooltip("%llx: double click to change bytes from here on",
                              static_cast<unsigned long long>(row.address + index));
            value = fmt::format("{:02x}", row.bytes[index]);
            if (ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) poked = row.address + index;
        }
        if (value_popup("poke", fmt::format("bytes at {:#x}, in hexadecimal", poked), value))
            ui.send(command::PokeMemory{poked, value, ui.selection.task});
        ImGui::PopID();
    }
}

}  // namespace orrery
