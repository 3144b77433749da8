// The bar on top: run, step, where in time the machine is, and the one button for newcomers.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

bool button(const char* text, const char* tip, bool enabled = true) {
    ImGui::BeginDisabled(!enabled);
    const bool pressed = ImGui::Button(text);
    ImGui::EndDisabled();
    if (ImGui::IsItemHovered(ImGuiHoveredFlags_AllowWhenDisabled)) ImGui::SetTooltip("%s", tip);
    ImGui::SameLine();
    return pressed;
}

void draw_presets(Ui& ui) {
    static constexpr const char* kPresets[] = {"First system call", "Memory",  "Scheduler",
                                               "Devices",           "Display", "Projector"};
    ImGui::SetNextItemWidth(ImGui::GetFontSize() * 11);
    if (ImGui::BeginCombo("##layout", ui.preset.c_str())) {
        for (const char* preset : kPresets) {
            if (ImGui::Selectable(preset, ui.preset == preset)) {
                ui.preset = preset;
                ui.relayout = true;
                if (ui.preset == "Projector") ui.new_scale = 1.5f;
            }
        }
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
    ImGui::SetNextWindowSize(
        {viewport->Size.x, ImGui::GetFrameHeight() * 2 + ImGui::GetStyle().WindowPadding.y * 3});
    ImGui::Begin("##transport", nullptr,
                 ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                     ImGuiWindowFlags_NoBringToFrontOnFocus);
    if (running) {
        if (button("Pause  F5", "Stop the machine where it is")) ui.send(Verb::Pause);
    } else if (ended) {
        if (button("Restart", "Power on again")) ui.send(Verb::Restart);
    } else {
        if (button("Run  F5", "Let the machine run")) ui.send(Verb::Run);
    }
    const bool stopped = !running && !ended;
    if (button("Step  F11", "One instruction", stopped)) ui.send(Verb::Step);
    if (button("Over  F10", "One instruction, but a call to its end", stopped)) ui.send(Verb::StepOver);
    if (button("Out  Shift+F11", "To the end of this function", stopped)) ui.send(Verb::StepOut);
    if (button("Next ring crossing  .", "To the next change between user and kernel", !ended))
        ui.send(Verb::NextCrossing);
    ImGui::PushStyleColor(ImGuiCol_Button, {0.10f, 0.42f, 0.60f, 1.0f});
    if (button("Watch a system call",
               "Types \"echo hi\" into the shell and stops as its write() enters the kernel", !ended))
        ui.send(Verb::WatchSyscall);
    ImGui::PopStyleColor();
    draw_presets(ui);
    if (button("Help  F1", "Keys, and what the windows show")) ui.show_help = !ui.show_help;
    ImGui::NewLine();

    const RegistersModel& registers = frame.registers;
    const ImVec4 color = running ? theme::kGood : ended ? theme::kBad : theme::kChanged;
    ImGui::TextColored(color, "%s", running ? "RUNNING" : ended ? "ENDED" : "PAUSED");
    ImGui::SameLine();
    ImGui::TextUnformatted(frame.status.c_str());
    std::string facts = fmt::format("instruction {}   cycle {}   seed {}", grouped(frame.moment.instructions),
                                    grouped(frame.moment.ticks), frame.seed);
    if (running) facts += fmt::format("   {:.0f} MIPS", frame.million_instructions_per_second);
    facts += frame.state_hash.empty() ? "" : "   hash " + frame.state_hash;
    const float width = ImGui::CalcTextSize(facts.c_str()).x + ImGui::CalcTextSize("  Hash  ").x;
    ImGui::SameLine(ImGui::GetWindowWidth() - width - ImGui::GetFontSize() * 12);
    text_colored(registers.ring, registers.ring == 3 ? "[U] user" : "[K] kernel");
    ImGui::SameLine();
    text_dim(facts);
    ImGui::SameLine();
    if (ImGui::SmallButton("Hash")) ui.send(Verb::Hash);
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("Work out the hash of the machine's whole state");
    ImGui::End();
}

}  // namespace orrery
