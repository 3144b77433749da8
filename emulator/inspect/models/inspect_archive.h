// An archive that names everything: the debugger's inspector, made from the one visit() of each component.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emulator/core/state/archive.h"
#include "emulator/inspect/models/devices.h"

namespace orrery {

class InspectArchive : public Archive {
  public:
    bool loading() const override { return false; }
    void begin(std::string_view name) override;
    void end() override;
    void bytes(std::string_view name, void* data, size_t size) override;
    void scalar(std::string_view name, void* data, size_t size, Kind kind) override;
    void pages(std::string_view name, PagedMemory& memory) override;

    std::vector<DeviceField> take() { return std::move(fields_); }

  private:
    std::string path_of(std::string_view name);

    struct Scope {
        std::string path;
        std::map<std::string, unsigned, std::less<>> seen;  // how often a name came: the second is name[1]
    };
    std::vector<Scope> scopes_ = std::vector<Scope>(1);
    std::vector<DeviceField> fields_;
};

}  // namespace orrery
