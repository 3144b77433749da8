// TLB: hit rates, and every array as a grid of sets and ways.
#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>

#include "ui/set_grid.h"
#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_rate(const char* name, double rate, u64 lookups, u64 misses) {
    ImGui::TextColored(theme::kDim, "%-8s", name);
    ImGui::SameLine();
    ImGui::ProgressBar(static_cast<float>(rate), {ImGui::GetFontSize() * 8, ImGui::GetTextLineHeight()},
                       fmt::format("{:.3f}%", rate * 100).c_str());
    ImGui::SameLine();
    text_dim(fmt::format("{} look-ups, {} misses", grouped(lookups), grouped(misses)));
}

void draw_cell_tip(const TlbCell& cell) {
    ImGui::SetTooltip(
        "set %u way %u\n%016llx -> %llx (%s)\n%s%s%s%s%sPCID %u, filled at instruction %s\n%s%s", cell.set,
        cell.way, static_cast<unsigned long long>(cell.linear),
        static_cast<unsigned long long>(cell.physical), size_text(cell.page_size).c_str(),
        cell.user ? "user " : "kernel ", cell.writable ? "writable " : "",
        cell.executable ? "executable " : "", cell.dirty ? "dirty " : "", cell.global ? "global " : "",
        cell.pcid, grouped(cell.filled_at).c_str(), cell.symbol.c_str(),
        cell.stale ? "\nSTALE: the page tables say something else now" : "");
}

// A square for each entry: blue for user pages, orange for the kernel's, hollow where empty.
void draw_array(Ui& ui, const TlbArrayModel& array) {
    text_dim(fmt::format("{}: {} of {} entries, {} sets x {} ways", array.name, array.used,
                         array.sets * array.ways, array.sets, array.ways));
    const float size = std::max(6.0f, ImGui::GetFontSize() * 0.55f), gap = size / 2;
    const ImVec2 origin = ImGui::GetCursorScreenPos();
    const float width = std::max(ImGui::GetContentRegionAvail().x, size);
    const SetGrid grid(array.sets, array.ways, static_cast<unsigned>(width / size));
    ImDrawList* list = ImGui::GetWindowDrawList();
    const auto corner = [&](unsigned set, unsigned way) {
        const SetGrid::Place place = grid.at(set, way);
        return ImVec2{origin.x + static_cast<float>(place.column) * size,
                      origin.y + static_cast<float>(place.row) * size + static_cast<float>(place.band) * gap};
    };
    for (unsigned set = 0; set < array.sets; ++set) {
        for (unsigned way = 0; way < array.ways; ++way) {
            const ImVec2 at = corner(set, way);
            list->AddRect(at, {at.x + size - 2, at.y + size - 2}, 0x30ffffff);
        }
    }
    for (const TlbCell& cell : array.cells) {
        const ImVec2 at = corner(cell.set, cell.way);
        const ImVec2 end{at.x + size - 2, at.y + size - 2};
        list->AddRectFilled(at, end, ImGui::GetColorU32(cell.user ? theme::kUser : theme::kKernel));
        if (cell.stale) list->AddRect(at, end, ImGui::GetColorU32(theme::kBad), 0, 0, 2);
        if (ImGui::IsWindowHovered() && ImGui::IsMouseHoveringRect(at, end)) {
            draw_cell_tip(cell);
            if (ImGui::IsMouseClicked(0)) ui.select_address(hex(cell.linear));
        }
    }
    ImGui::Dummy({size * static_cast<float>(grid.columns()),
                  size * static_cast<float>(grid.rows()) + gap * static_cast<float>(grid.bands() - 1)});
}

}  // namespace

void draw_tlb(Ui& ui) {
    const TlbModel& model = ui.frame->tlb;
    draw_rate("L1 data", model.l1d_hit_rate, model.data_lookups, model.l1d_misses);
    draw_rate("L2", model.l2_hit_rate, model.l2_hits + model.walks, model.walks);
    text_dim(fmt::format("{} page walks read {} entries; {} invalidated", grouped(model.walks),
                         grouped(model.walk_steps), grouped(model.invalidations)));
    ImGui::TextColored(theme::kUser, "■ U user page");
    ImGui::SameLine();
    ImGui::TextColored(theme::kKernel, "■ K kernel page");
    ImGui::SameLine();
    ImGui::TextColored(theme::kBad, "□ stale");
    for (const TlbArrayModel& array : model.arrays) draw_array(ui, array);
}

}  // namespace orrery
