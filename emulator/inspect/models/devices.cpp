// Devices by name, with their registers' places and their state.
#include "emulator/inspect/models/devices.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "devices/pc_board.h"
#include "emulator/inspect/models/inspect_archive.h"
#include "emulator/machine/machine.h"

namespace orrery {

DevicesModel devices_model(const ModelContext& context, const DevicesParameters& parameters) {
    DevicesModel model;
    std::string names;
    const std::vector<Bus::RegionView> regions = context.machine.bus().regions();
    for (Device* device : context.machine.board().devices()) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", device->name());
        if (!parameters.only.empty() && device->name() != parameters.only) continue;
        DeviceRow row;
        row.name = device->name();
        for (const Bus::RegionView& region : regions) {
            if (region.device != device || region.base == Bus::kUnmapped || region.length == 0) continue;
            row.regions.push_back({region.io, region.base, region.length});
        }
        InspectArchive archive;
        device->visit(archive);
        row.fields = archive.take();
        model.devices.push_back(std::move(row));
    }
    if (model.devices.empty())
        model.problem = fmt::format("no device is called {}; there are: {}", parameters.only, names);
    return model;
}

std::string to_text(const DevicesModel& model) {
    if (!model.problem.empty()) return model.problem + "\n";
    std::string text;
    for (const DeviceRow& device : model.devices) {
        if (!text.empty()) text += '\n';
        text += device.name;
        for (const DeviceRegion& region : device.regions)
            text += fmt::format("  {} {:#x}-{:#x}", region.port_space ? "ports" : "memory", region.base,
                                region.base + region.length - 1);
        text += '\n';
        for (const DeviceField& field : device.fields)
            text += fmt::format("  {:<32} {}\n", field.path, field.value);
    }
    return text;
}

Json to_json(const DevicesModel& model) {
    Json json;
    json["devices"] = Json::array();
    for (const DeviceRow& device : model.devices) {
        Json entry;
        entry["name"] = device.name;
        entry["regions"] = Json::array();
        for (const DeviceRegion& region : device.regions)
            entry["regions"].push_back({{"space", region.port_space ? "port" : "memory"},
                                        {"base", hex64(region.base)},
                                        {"length", region.length}});
        entry["state"] = Json::object();
        for (const DeviceField& field : device.fields) entry["state"][field.path] = field.value;
        json["devices"].push_back(std::move(entry));
    }
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
