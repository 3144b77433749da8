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
    ImGui::SameLine();
    text_dim(ui.frame->memory.symbol);
    for (const MemoryRow& row : ui.frame->memory.rows) {
        std::string line = fmt::format("{:016x} ", row.address);
        for (size_t i = 0; i < row.bytes.size(); ++i)
            line += row.readable[i] ? fmt::format(" {:02x}", row.bytes[i]) : std::string(" ??");
        line += "  " + row.ascii;
        ImGui::TextUnformatted(line.c_str());
    }
}

}  // namespace orrery
