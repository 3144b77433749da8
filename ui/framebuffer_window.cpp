// Display: the guest's screen, as large as the window allows. While it has the focus, keys and the mouse are
// the guest's.
#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_framebuffer(Ui& ui) {
    ui.display_focused = false;
    const FramebufferModel& model = ui.frame->framebuffer;
    if (!model.visible() || ui.display_texture == nullptr) {
        text_dim(model.problem);
        return;
    }
    ui.display_focused = ImGui::IsWindowFocused() && ui.frame->state != RunState::Ended;
    text_dim(fmt::format("{} x {}, {} bits; {}", model.width, model.height, model.bits,
                         ui.display_focused ? "keys and mouse go to the guest"
                                            : "click here to type to the guest's keyboard"));
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const float width = static_cast<float>(model.width), height = static_cast<float>(model.height);
    const float scale = std::max(0.05f, std::min(room.x / width, room.y / height));
    ImGui::Image(ui.display_texture, {width * scale, height * scale});
    ui.display_hovered = ImGui::IsItemHovered();
    ui.display_scale = scale;
}

}  // namespace orrery
