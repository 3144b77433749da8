// The time bar: the run from its start to its end as far as it is known, to be dragged. Lanes, from the top:
// interrupts, crossings into the kernel (how high: how many), faults, inputs; bookmarks and branches stand
// across all of them.
#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>
#include <cmath>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

namespace {

struct TimeAxis {
    ImVec2 corner, size;
    u64 start, end;  // instructions
    ImDrawList* list;

    float x(u64 instructions) const {
        const double share = static_cast<double>(std::clamp(instructions, start, end) - start) /
                             static_cast<double>(std::max<u64>(end - start, 1));
        return corner.x + static_cast<float>(share) * size.x;
    }
    u64 instructions(float at) const {
        const double share = std::clamp(static_cast<double>((at - corner.x) / size.x), 0.0, 1.0);
        return start + static_cast<u64>(share * static_cast<double>(end - start));
    }
    float y(float share) const { return corner.y + share * size.y; }
};

ImU32 color(const ImVec4& base, float alpha = 1.0f) {
    return ImGui::GetColorU32({base.x, base.y, base.z, alpha});
}

void draw_bins(const TimeAxis& bar, const TimelineModel& model) {
    u64 most = 1;
    for (const TimelineBin& bin : model.bins) most = std::max(most, bin.crossings);
    for (size_t i = 0; i < model.bins.size(); ++i) {
        const TimelineBin& bin = model.bins[i];
        const u64 begin = model.bin_begin + i * model.bin_width;
        if (begin > bar.end) break;
        const float left = bar.x(begin), right = std::max(bar.x(begin + model.bin_width), left + 1.0f);
        if (bin.crossings != 0) {
            const double height =
                std::log1p(static_cast<double>(bin.crossings)) / std::log1p(static_cast<double>(most));
            bar.list->AddRectFilled({left, bar.y(0.72f - 0.55f * static_cast<float>(height))},
                                    {right, bar.y(0.72f)}, color(theme::kKernel, 0.75f));
        }
        if (bin.interrupts != 0)
            bar.list->AddRectFilled({left, bar.y(0.04f)}, {right, bar.y(0.14f)}, color(theme::kInterrupt));
        if (bin.faults != 0)
            bar.list->AddRectFilled({left, bar.y(0.75f)}, {right, bar.y(0.86f)}, color(theme::kBad));
    }
}

void draw_marks(const TimeAxis& bar, const Frame& frame) {
    float drawn = -1;
    for (const u64 input : frame.timeline.inputs) {
        const float x = bar.x(input);
        if (x < drawn + 2) continue;  // no more than can be told apart
        drawn = x;
        bar.list->AddTriangleFilled({x - 3, bar.y(1)}, {x + 3, bar.y(1)}, {x, bar.y(0.86f)},
                                    color(theme::kGood));
    }
    for (const TimelineRunRow& run : frame.timeline.runs) {
        if (run.number == 0 || (run.parent != frame.timeline.run && !run.present)) continue;
        const float x = bar.x(run.fork.instructions);
        for (float y = 0; y < 1; y += 0.25f)
            bar.list->AddLine({x, bar.y(y)}, {x, bar.y(y + 0.15f)}, color(theme::kUser), 1.5f);
    }
    for (const BookmarkRow& mark : frame.bookmarks.rows) {
        if (!mark.on_path) continue;
        const float x = bar.x(mark.moment.instructions);
        bar.list->AddLine({x, bar.y(0)}, {x, bar.y(1)}, color(theme::kChanged), 1.5f);
        bar.list->AddTriangleFilled({x, bar.y(0)}, {x + 9, bar.y(0.2f)}, {x, bar.y(0.4f)},
                                    color(theme::kChanged));
    }
}

void draw_position(const TimeAxis& bar, u64 instructions, float alpha) {
    const float x = bar.x(instructions);
    const ImU32 white = color({1, 1, 1, 1}, alpha);
    bar.list->AddLine({x, bar.y(0)}, {x, bar.y(1)}, white, 2.0f);
    bar.list->AddTriangleFilled({x - 6, bar.y(0)}, {x + 6, bar.y(0)}, {x, bar.y(0.32f)}, white);
}

void draw_tip(const TimeAxis& bar, const Frame& frame, u64 at) {
    const TimelineModel& model = frame.timeline;
    std::string text = "instruction " + grouped(at);
    const size_t index =
        at < model.bin_begin
            ? 0
            : static_cast<size_t>((at - model.bin_begin) / std::max<u64>(model.bin_width, 1));
    if (index < model.bins.size()) {
        const TimelineBin& bin = model.bins[index];
        text += fmt::format("\nhereabouts ({} instructions): {} into the kernel, {} faults, {} interrupts",
                            grouped(model.bin_width), bin.crossings, bin.faults, bin.interrupts);
    }
    for (const BookmarkRow& mark : frame.bookmarks.rows)
        if (mark.on_path && std::abs(bar.x(mark.moment.instructions) - bar.x(at)) < 6)
            text += fmt::format("\nbookmark {}: {}", mark.index + 1, mark.note);
    text +=
        "\nFrom the top: interrupts, crossings into the kernel, faults, inputs (triangles).\nClick or drag "
        "to go there.";
    ImGui::SetTooltip("%s", text.c_str());
}

}  // namespace

void draw_time_bar(Ui& ui) {
    const Frame& frame = *ui.frame;
    const TimelineModel& model = frame.timeline;
    const ImVec2 size{ImGui::GetContentRegionAvail().x, time_bar_height()};
    const ImVec2 corner = ImGui::GetCursorScreenPos();
    const TimeAxis bar{corner, size, model.start.instructions, model.end.instructions,
                       ImGui::GetWindowDrawList()};
    ImGui::InvisibleButton("##time", size);
    const bool dragged = ImGui::IsItemActive(), hovered = ImGui::IsItemHovered();
    bar.list->AddRectFilled(corner, {corner.x + size.x, corner.y + size.y}, color({0.05f, 0.06f, 0.07f, 1}));
    // What is known of the future of this moment is there, but has not happened yet.
    draw_bins(bar, model);
    if (model.in_past)
        bar.list->AddRectFilled({bar.x(model.now.instructions), corner.y},
                                {corner.x + size.x, corner.y + size.y},
                                color({0.05f, 0.06f, 0.07f, 1}, 0.55f));
    draw_marks(bar, frame);
    draw_position(bar, model.now.instructions, 1.0f);
    bar.list->AddRect(corner, {corner.x + size.x, corner.y + size.y}, color(theme::kIdle));
    const u64 pointed = bar.instructions(ImGui::GetIO().MousePos.x);
    if (dragged) {
        draw_position(bar, pointed, 0.6f);
        if (!ui.seeking || pointed != ui.seek_target) ui.send(command::SeekInstructions{pointed});
        ui.seek_target = pointed;
    }
    ui.seeking = dragged;
    if (hovered || dragged) draw_tip(bar, frame, pointed);
}

float time_bar_height() {
    return ImGui::GetFrameHeight() * 1.25f;
}

float transport_height() {
    const ImGuiStyle& style = ImGui::GetStyle();
    return ImGui::GetFrameHeight() * 2 + time_bar_height() + style.WindowPadding.y * 3 + style.ItemSpacing.y;
}

}  // namespace orrery
