// The bar on top: run and step, forwards and back, where in time the machine is, and the one button for
// newcomers.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/commands.h"
#include "ui/layout.h"
#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

void draw_button(Ui& ui, const CommandRow& row) {
    const RunState state = ui.frame->state;
    if (!holds(row.shown, state)) return;
    // Backwards the keys are those of forwards with Alt: the tip says them.
    const std::string key = row.key().empty() ? "" : "  " + row.key();
    const std::string text = row.button + (row.bar == Bar::Back ? "" : key);
    ImGui::BeginDisabled(!holds(row.when, state));
    if (ImGui::Button(text.c_str())) row.invoke(ui);
    ImGui::EndDisabled();
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled))
        ImGui::SetTooltip("%s%s", row.help, key.empty() ? "" : fmt::format(" ({})", row.key()).c_str());
    ImGui::SameLine();
}

void draw_buttons(Ui& ui, Bar bar) {
    for (const CommandRow& row : commands())
        if (row.bar == bar) draw_button(ui, row);
}

void draw_layouts(Ui& ui) {
    ImGui::SetNextItemWidth(ImGui::GetFontSize() * 11);
    if (ImGui::BeginCombo("##layout", ui.layout.c_str())) {
        for (const Layout& layout : layouts())
            if (ImGui::Selectable(layout.name, ui.layout == layout.name)) choose_layout(ui, layout.name);
        ImGui::EndCombo();
    }
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("Layout of the windows");
    ImGui::SameLine();
}

}  // namespace

void draw_transport_bar(Ui& ui) {
    const Frame& frame = *ui.frame;
    const bool running = frame.state == RunState::Running, ended = frame.state == RunState::Ended;
    const ImGuiViewport* viewport = ImGui::GetMainViewport();
    ImGui::SetNextWindowPos(viewport->Pos);
    ImGui::SetNextWindowSize({viewport->Size.x, transport_height()});
    ImGui::Begin("##transport", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                     ImGuiWindowFlags_NoBringToFrontOnFocus);
    draw_buttons(ui, Bar::Forwards);
    draw_buttons(ui, Bar::Back);
    ImGui::PushStyleColor(ImGuiCol_Button, {0.10f, 0.42f, 0.60f, 1.0f});
    draw_buttons(ui, Bar::First);
    ImGui::PopStyleColor();
    draw_layouts(ui);
    draw_buttons(ui, Bar::Last);
    ImGui::NewLine();

    const RegistersModel& registers = frame.registers;
    const ImVec4 color = running ? theme::kGood : ended ? theme::kBad : theme::kChanged;
    ImGui::TextColored(color, "%s", running ? "RUNNING" : ended ? "ENDED" : "PAUSED");
    if (frame.timeline.in_past) {
        ImGui::SameLine();
        ImGui::TextColored(theme::kUser, "%s", "IN THE PAST");
        if (ImGui::IsItemHovered())
            ImGui::SetTooltip("What you type or change here begins another run; this one stays");
    }
    ImGui::SameLine();
    ImGui::TextUnformatted(frame.status.c_str());
    std::string facts = fmt::format("instruction {}   cycle {}   seed {}", grouped(frame.moment.instructions),
                                    grouped(frame.moment.ticks), frame.seed);
    if (running) facts += fmt::format("   {:.0f} MIPS", frame.million_instructions_per_second);
    facts += frame.state_hash.empty() ? "" : "   hash " + frame.state_hash;
    const float width = ImGui::CalcTextSize(facts.c_str()).x + ImGui::CalcTextSize("  Hash  ").x;
    ImGui::SameLine(ImGui::GetWindowWidth() - width -
                    ImGui::GetFontSize() * (frame.recording.empty() ? 12 : 22));
    if (!frame.recording.empty()) {
        ImGui::TextColored(theme::kBad, "\u25cf %s", frame.recording.c_str());
        ImGui::SameLine();
    }
    text_colored(registers.ring, registers.ring == 3 ? "[U] user" : "[K] kernel");
    ImGui::SameLine();
    text_dim(facts);
    ImGui::SameLine();
    if (ImGui::SmallButton("Hash")) ui.send(command::Hash{});
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("Work out the hash of the machine's whole state");
    draw_time_bar(ui);
    ImGui::End();
}

}  // namespace orrery
