// Devices: every device's state by name, as its visit() describes it, and where its registers are.
#include <fmt/format.h>
#include <imgui.h>

#include "ui/theme.h"
#include "ui/windows.h"

namespace orrery {

void draw_devices(Ui& ui) {
    for (const DeviceRow& device : ui.frame->devices.devices) {
        if (!ImGui::CollapsingHeader(device.name.c_str())) continue;
        for (const DeviceRegion& region : device.regions)
            text_dim(fmt::format("{} {:#x}, {} bytes", region.port_space ? "ports from" : "memory at",
                                 region.base, region.length));
        for (const DeviceField& field : device.fields) {
            ImGui::TextColored(theme::kDim, "%s", field.path.c_str());
            ImGui::SameLine(ImGui::GetFontSize() * 14);
            ImGui::TextUnformatted(field.value.c_str());
        }
    }
}

}  // namespace orrery
