// The bar on top: run and step, forwards and back, where in time the machine is, and the one button for
// newcomers.
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

// The same as the others, but backwards. The past of a machine that has ended can be visited too.
void draw_back_buttons(Ui& ui, bool enabled) {
    ImGui::TextUnformatted("Back:");
    ImGui::SameLine();
    if (button("\u25c0\u25c0", "To the last breakpoint before, else to the start (Alt+F5)", enabled))
        ui.send(Verb::RunBack);
    if (button("\u25c0 Step", "One instruction back (Alt+F11)", enabled)) ui.send(Verb::StepBack);
    if (button("\u25c0 Over", "One instruction back, over a call to where it was made (Alt+F10)", enabled))
        ui.send(Verb::StepOverBack);
    if (button("\u25c0 Out", "To where this function was called (Alt+Shift+F11)", enabled))
        ui.send(Verb::StepOutBack);
    if (button("\u25c0 Crossing  ,", "To the change between user and kernel before", enabled))
        ui.send(Verb::PreviousCrossing);
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
    draw_back_buttons(ui, stopped || ended);
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
    if (ImGui::SmallButton("Hash")) ui.send(Verb::Hash);
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("Work out the hash of the machine's whole state");
    draw_time_bar(ui);
    ImGui::End();
}

}  // namespace orrery
