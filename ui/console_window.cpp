// The guest's console: a terminal one can type into.
#include <imgui.h>

#include <algorithm>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_cells(const std::vector<const TerminalCell*>& cells, ImVec2 origin, ImVec2 size) {
    ImDrawList* list = ImGui::GetWindowDrawList();
    float x = origin.x;
    for (const TerminalCell* cell : cells) {
        if (cell->background != 0)
            list->AddRectFilled({x, origin.y}, {x + size.x, origin.y + size.y}, cell->background);
        if (cell->character != U' ') {
            std::string utf8;
            append_utf8(utf8, cell->character);
            list->AddText({x, origin.y}, cell->foreground, utf8.c_str());
            if (cell->bold) list->AddText({x + 0.6f, origin.y}, cell->foreground, utf8.c_str());
        }
        if (cell->underline)
            list->AddLine({x, origin.y + size.y - 1}, {x + size.x, origin.y + size.y - 1}, cell->foreground);
        x += size.x;
    }
}

void draw_screen(Ui& ui, ImVec2 origin, ImVec2 cell) {
    const Terminal& terminal = ui.terminal;
    for (int row = 0; row < terminal.rows(); ++row) {
        std::vector<const TerminalCell*> cells;
        for (int column = 0; column < terminal.columns(); ++column)
            cells.push_back(&terminal.cell(row, column));
        draw_cells(cells, {origin.x, origin.y + static_cast<float>(row) * cell.y}, cell);
    }
    if (!terminal.cursor_visible()) return;
    const ImVec2 at{origin.x + static_cast<float>(terminal.cursor_column()) * cell.x,
                    origin.y + static_cast<float>(terminal.cursor_row()) * cell.y};
    ImDrawList* list = ImGui::GetWindowDrawList();
    const ImU32 color = ImGui::GetColorU32(theme::kChanged);
    if (ui.console_focused) {
        list->AddRectFilled(at, {at.x + cell.x, at.y + cell.y}, (color & 0x00ffffff) | 0x90000000);
    } else {
        list->AddRect(at, {at.x + cell.x, at.y + cell.y}, color);
    }
}

}  // namespace

void draw_console(Ui& ui) {
    ui.console_focused = ImGui::IsWindowFocused(ImGuiFocusedFlags_ChildWindows);
    const ImVec2 cell{ImGui::CalcTextSize("M").x, ImGui::GetTextLineHeight()};
    ImGui::BeginChild("screen", {0, 0}, false, ImGuiWindowFlags_AlwaysVerticalScrollbar);
    if (ImGui::IsWindowFocused()) ui.console_focused = true;
    const auto& history = ui.terminal.history();
    const float rows = static_cast<float>(history.size()) + static_cast<float>(ui.terminal.rows());
    const ImVec2 origin = ImGui::GetCursorScreenPos();
    ImGui::Dummy({cell.x * static_cast<float>(ui.terminal.columns()), cell.y * rows});
    const float top = ImGui::GetScrollY();
    for (size_t i = 0; i < history.size(); ++i) {
        const float y = static_cast<float>(i) * cell.y;
        if (y + cell.y < top || y > top + ImGui::GetWindowHeight()) continue;
        std::vector<const TerminalCell*> cells;
        for (const TerminalCell& one : history[i]) cells.push_back(&one);
        draw_cells(cells, {origin.x, origin.y + y}, cell);
    }
    draw_screen(ui, {origin.x, origin.y + static_cast<float>(history.size()) * cell.y}, cell);
    // The cursor's line stays in view whenever something is printed.
    static size_t seen = ~size_t{0};
    const size_t position = history.size() * 1000 + static_cast<size_t>(ui.terminal.cursor_row());
    if (seen != position) {
        seen = position;
        const float cursor_y =
            (static_cast<float>(history.size()) + static_cast<float>(ui.terminal.cursor_row()) + 2) * cell.y;
        ImGui::SetScrollY(std::max(0.0f, cursor_y - ImGui::GetWindowHeight()));
    }
    ImGui::EndChild();
}

}  // namespace orrery
