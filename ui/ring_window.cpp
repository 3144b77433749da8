// Ring: on which side of the border between user and kernel the CPU is, and what crossing it does.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

u64 value_of(const std::vector<RegisterRow>& rows, const char* name) {
    for (const RegisterRow& row : rows)
        if (row.name == name) return row.value;
    return 0;
}

void compare(const char* name, u64 before, u64 now) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ImGui::TextColored(theme::kDim, "%s", name);
    ImGui::TableNextColumn();
    ImGui::Text("%016llx", static_cast<unsigned long long>(before));
    ImGui::TableNextColumn();
    ImGui::TextColored(before != now ? theme::kChanged : theme::kDim, "%016llx%s",
                       static_cast<unsigned long long>(now), before != now ? " *" : "");
}

const char* explain(const RegistersModel& now) {
    if (now.ring == 3)
        return "The program runs with the processor's least rights. SYSCALL, an interrupt or a fault takes "
               "it into the "
               "kernel.";
    if (now.location == "entry_SYSCALL_64")
        return "SYSCALL has put the return address into RCX, the flags into R11, and gone on at IA32_LSTAR "
               "with the "
               "kernel's CS and SS. The kernel's entry code now runs SWAPGS, switches to the task's kernel "
               "stack, saves "
               "the registers, and calls sys_call_table[RAX].";
    if (now.activity == "halted")
        return "HLT: the processor waits for an interrupt. Nothing is ready to run.";
    return "The kernel runs with all rights: on behalf of the task above, or for an interrupt.";
}

}  // namespace

void draw_ring(Ui& ui) {
    const RegistersModel& now = ui.frame->registers;
    ImGui::SetWindowFontScale(1.35f);
    text_colored(now.ring,
                 fmt::format("{} ring {}", now.ring == 3 ? "[U] user mode," : "[K] kernel mode,", now.ring));
    ImGui::SetWindowFontScale(1.0f);
    text_dim(fmt::format("{} · {} · {}", now.task.empty() ? "no task" : now.task, now.mode, now.activity));
    if (!now.location.empty())
        text_colored(now.ring, now.location + (now.source.empty() ? "" : "  (" + now.source + ")"));
    ImGui::TextWrapped("%s", explain(now));
    if (!ui.previous) return;
    const RegistersModel& before = ui.previous->registers;
    if (!ImGui::BeginTable("crossing", 3, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_RowBg)) return;
    ImGui::TableSetupColumn("");
    ImGui::TableSetupColumn("at the last stop");
    ImGui::TableSetupColumn("now");
    ImGui::TableHeadersRow();
    compare("CPL", before.ring, now.ring);
    for (const char* name : {"RIP", "RSP", "RCX", "R11", "RAX"})
        compare(name, value_of(before.general, name), value_of(now.general, name));
    compare("CR3", value_of(before.control, "CR3"), value_of(now.control, "CR3"));
    ImGui::EndTable();
}

}  // namespace orrery
