#include <fmt/format.h>
#include <imgui.h>

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

void address_link(Ui& ui, u64 address, std::optional<int> task) {
    const std::string text = fmt::format("{:016x}", address);
    ImGui::PushStyleColor(ImGuiCol_Text, theme::kLabel);
    ImGui::TextUnformatted(text.c_str());
    ImGui::PopStyleColor();
    if (ImGui::IsItemHovered()) {
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        ImGui::SetTooltip("Click: walk the page tables for this address");
    }
    if (ImGui::IsItemClicked()) ui.select_address("0x" + text, task);
}

void task_mark(Ui& ui, const std::string& task) {
    if (task.empty()) return;
    ImGui::SameLine();
    ImGui::TextColored(theme::kUser, "of %s", task.c_str());
    ImGui::SameLine();
    if (ImGui::SmallButton("x")) {
        ui.selection.task.reset();
        ui.selection_changed = true;
    }
    if (ImGui::IsItemHovered()) ImGui::SetTooltip("By the page tables that the CPU uses now");
}

namespace {

int resize(ImGuiInputTextCallbackData* data) {
    std::string& text = *static_cast<std::string*>(data->UserData);
    if (data->EventFlag == ImGuiInputTextFlags_CallbackResize) {
        text.resize(static_cast<size_t>(data->BufTextLen));
        data->Buf = text.data();
    }
    return 0;
}

// A text of any length.
bool input_text(const char* label, std::string& text, ImGuiInputTextFlags flags) {
    return ImGui::InputText(label, text.data(), text.capacity() + 1,
                            flags | ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CallbackResize,
                            resize, &text);
}

}  // namespace

bool text_field(const char* label, std::string& value, const std::string& error, float width) {
    // What is being typed lives here until Enter applies it.
    struct Draft {
        std::string text;
        bool active = false;
    };
    static std::map<ImGuiID, Draft> drafts;
    Draft& draft = drafts[ImGui::GetID(label)];
    if (!draft.active) draft.text = value;
    ImGui::SetNextItemWidth(width);
    const bool applied = input_text(label, draft.text, ImGuiInputTextFlags_None);
    draft.active = ImGui::IsItemActive();
    if (applied) value = draft.text;
    if (!error.empty()) {
        ImGui::SameLine();
        ImGui::TextColored(theme::kBad, "! %s", error.c_str());
    }
    return applied;
}

bool value_popup(const char* id, const std::string& title, std::string& value) {
    static std::string draft;
    if (ImGui::IsItemHovered() && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
        ImGui::OpenPopup(id);
        draft = value;
    }
    if (!ImGui::BeginPopup(id)) return false;
    ImGui::TextUnformatted(title.c_str());
    if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
    const bool applied = input_text("##value", draft, ImGuiInputTextFlags_AutoSelectAll);
    if (applied) {
        value = draft;
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
        if (!replies.empty() && !chunk.known) ui.send(command::Type{replies});
    }
}

}  // namespace orrery
