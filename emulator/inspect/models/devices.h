// The window "Devices": every device's state by name, as its visit() describes it (core/state/archive.h), and
// where its registers are.
#pragma once

#include <string>
#include <vector>

#include "emulator/inspect/models/context.h"

namespace orrery {

struct DeviceField {
    std::string path;   // "channel[0].count"
    std::string value;  // "0x1a", "true", "17 bytes: 00 01 …"
};

struct DeviceRegion {
    bool port_space = false;
    u64 base = 0;
    u64 length = 0;
};

struct DeviceRow {
    std::string name;
    std::vector<DeviceRegion> regions;
    std::vector<DeviceField> fields;
};

struct DevicesModel {
    std::vector<DeviceRow> devices;
    std::string problem;  // "no device is named foo; there are: …"
};

struct DevicesParameters {
    std::string only;  // one device; empty: all
};

DevicesModel devices_model(const ModelContext& context, const DevicesParameters& parameters = {});
std::string to_text(const DevicesModel& model);
Json to_json(const DevicesModel& model);

}  // namespace orrery
