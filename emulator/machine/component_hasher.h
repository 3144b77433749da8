// Hashes a machine's state part by part: each CPU, device and memory on its own, so that two machines that
// differ can say where.
#pragma once

#include <memory>

#include "emulator/core/state/archive.h"
#include "emulator/machine/machine.h"

namespace orrery {

class ComponentHasher : public Archive {
  public:
    bool loading() const override { return false; }
    void begin(std::string_view name) override;
    void end() override;
    void bytes(std::string_view name, void* data, size_t size) override;
    void scalar(std::string_view name, void* data, size_t size, Kind kind) override;
    void pages(std::string_view name, PagedMemory& memory) override;

    // In the order of the visit. What several parts are called has a number from 0 on behind it.
    std::vector<ComponentHash> take();

  private:
    // The machine's own fields are a part too, and so are those of its board that belong to no device.
    struct Open {
        std::string name;
        std::unique_ptr<HashArchive> hash;
        unsigned depth;
    };
    bool is_group(std::string_view name) const;

    unsigned depth_ = 0;
    std::vector<Open> open_;
    std::vector<ComponentHash> done_;
};

}  // namespace orrery
