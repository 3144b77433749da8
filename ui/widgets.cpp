#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>
#include <array>
#include <map>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void text_dim(const std::string& text) {
    ImGui::PushStyleColor(ImGuiCol_Text, theme::kDim);
    ImGui::TextUnformatted(text.c_str());
    ImGui::PopStyleColor();
}

void text_colored(unsigned ring, const std::string& text) {
    ImGui::PushStyleColor(ImGuiCol_Text, ring == 3 ? theme::kUser : theme::kKernel);
    ImGui::TextUnformatted(text.c_str());
    ImGui::PopStyleColor();
}

void address_link(Ui& ui, u64 address) {
    const std::string text = fmt::format("{:016x}", address);
    ImGui::PushStyleColor(ImGuiCol_Text, theme::kLabel);
    ImGui::TextUnformatted(text.c_str());
    ImGui::PopStyleColor();
    if (ImGui::IsItemHovered()) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        ImGui::SetTooltip("Click: walk the page tables for this address");
    }
    if (ImGui::IsItemClicked()) ui.select_address("0x" + text);
}

bool text_field(const char* label, std::string& value, const std::string& error, float width) {
    // What is being typed lives here until Enter applies it.
    struct Draft {
        std::array<char, 256> text{};
        bool active = false;
    };
    static std::map<ImGuiID, Draft> drafts;
    Draft& draft = drafts[ImGui::GetID(label)];
    if (!draft.active) {
        const size_t length = std::min(value.size(), draft.text.size() - 1);
        std::copy_n(value.data(), length, draft.text.data());
        draft.text[length] = 0;
    }
    ImGui::SetNextItemWidth(width);
    const bool applied =
        ImGui::InputText(label, draft.text.data(), draft.text.size(), ImGuiInputTextFlags_EnterReturnsTrue);
    draft.active = ImGui::IsItemActive();
    if (applied) value = draft.text.data();
    if (!error.empty()) {
        ImGui::SameLine();
        ImGui::TextColored(theme::kBad, "! %s", error.c_str());
    }
    return applied;
}

bool value_popup(const char* id, const std::string& title, std::string& value) {
    static std::array<char, 256> draft{};
    if (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
        ImGui::OpenPopup(id);
        draft[value.copy(draft.data(), draft.size() - 1)] = 0;
    }
    if (!ImGui::BeginPopup(id)) return false;
    ImGui::TextUnformatted(title.c_str());
    if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
    const bool applied =
        ImGui::InputText("##value", draft.data(), draft.size(),
                         ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_AutoSelectAll);
    if (applied) {
        value = draft.data();
        ImGui::CloseCurrentPopup();
    }
    ImGui::EndPopup();
    return applied;
}

void feed_terminal(Ui& ui, const std::vector<ConsoleChunk>& chunks) {
    for (const ConsoleChunk& chunk : chunks) {
        if (chunk.from_start) ui.terminal.reset();
        ui.terminal.feed(chunk.text);
        const std::string replies = ui.terminal.take_replies();
        if (!replies.empty() && !chunk.known) ui.send(Verb::Type, replies);
    }
}

const std::vector<WindowEntry>& windows() {
    static const std::vector<WindowEntry> kWindows = {
        {"Tasks", draw_tasks},
        {"Breakpoints", draw_breakpoints},
        {"Bookmarks", draw_bookmarks},
        {"Source and disassembly", draw_disassembly},
        {"Console", draw_console},
        {"Ring", draw_ring},
        {"Registers", draw_registers},
        {"Page walk", draw_page_walk},
        {"Address space", draw_address_space},
        {"TLB", draw_tlb},
        {"System calls", draw_syscalls},
        {"Memory", draw_memory},
        {"Devices", draw_devices},
        {"Display", draw_framebuffer},
    };
    return kWindows;
}

}  // namespace orrery
