// Our own kernel, by its debug information.
#pragma once

#include <array>

#include "emulator/guestos/orrery/orrery_paths.h"
#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {

class OrreryOs : public GuestOs {
  public:
    // `kernel` must outlive this object. Names that it lacks are problem(), and are said by what needs them.
    explicit OrreryOs(const DebugInfo& kernel);

    std::string problem() const override { return paths_.problem(); }
    bool tells_who_runs() const override;
    u64 current(const GuestMemory& memory, const GuestCpu& cpu) const override;
    int pid_of(const GuestMemory& memory, u64 task) const override;
    TaskInfo task(const GuestMemory& memory, std::span<const GuestCpu> cpus, u64 task) const override;
    std::vector<TaskInfo> tasks(const GuestMemory& memory, std::span<const GuestCpu> cpus,
                                std::string* problem) const override;
    std::vector<AreaInfo> areas(const GuestMemory& memory, u64 space, std::string* problem) const override;
    std::optional<u64> switch_function() const override { return address_of(OrreryPaths::switch_function); }
    std::optional<u64> image_start() const override { return address_of(OrreryPaths::image_start); }

  private:
    struct State {
        const EnumeratorPath* bit;
        char letter;  // Linux's, proc(5)
        const char* text;
    };
    void describe_state(const GuestMemory& memory, TaskInfo& info) const;
    AreaInfo area(const GuestMemory& memory, u64 area, u64 space) const;
    std::string path_text(const GuestMemory& memory, u64 file) const;
    template <typename Visit>
    bool for_each_listed(const GuestMemory& memory, u64 head, const MemberPath& link, Visit visit) const;

    OrreryPaths paths_;
    std::array<State, 6> states_;
};

// Follows an intrusive, circular list from its head until back there; `visit` gets each node's owner. False
// if the list is damaged (a null pointer, or more than 65536 nodes). Throws GuestReadError.
template <typename Visit>
bool OrreryOs::for_each_listed(const GuestMemory& memory, u64 head, const MemberPath& link,
                               Visit visit) const {
    u64 node = paths_.list_next.value(memory, head);
    for (unsigned count = 0; count < 65536; ++count) {
        if (node == head) return true;
        if (node == 0) return false;
        visit(link.container(node));
        node = paths_.list_next.value(memory, node);
    }
    return false;
}

}  // namespace orrery
