// What all operating systems have in common, and a guest that is not known.
#include "emulator/guestos/tasks/guest_os.h"

#include "emulator/machine/machine.h"

namespace orrery {

GuestCpu guest_cpu(Machine& machine, unsigned cpu) {
    const Cpu& state = machine.cpu(cpu);
    return {state.seg[kGs].base, state.msr.kernel_gs_base};
}

std::vector<GuestCpu> guest_cpus(Machine& machine) {
    std::vector<GuestCpu> cpus;
    for (unsigned i = 0; i < machine.cpu_count(); ++i) cpus.push_back(guest_cpu(machine, i));
    return cpus;
}

std::optional<u64> GuestOs::address_of(std::string_view symbol) const {
    const Symbol* found = kernel_ != nullptr ? kernel_->symbols.find(symbol) : nullptr;
    return found == nullptr ? std::nullopt : std::optional(found->address);
}

std::vector<TaskInfo> UnknownOs::tasks(const GuestMemory&, std::span<const GuestCpu>,
                                       std::string* problem) const {
    if (problem != nullptr) *problem = problem_;
    return {};
}

std::vector<AreaInfo> UnknownOs::areas(const GuestMemory&, u64, std::string* problem) const {
    if (problem != nullptr) *problem = problem_;
    return {};
}

const GuestOs& unknown_os() {
    static const UnknownOs os(nullptr,
                              "no debug information of the guest's kernel: its tasks cannot be found");
    return os;
}

std::optional<TaskInfo> running_task(const GuestOs& os, Machine& machine, unsigned cpu) {
    const MachineMemory memory(machine, cpu);
    const u64 task = os.current(memory, guest_cpu(machine, cpu));
    if (task == 0) return std::nullopt;
    try {
        return os.task(memory, guest_cpus(machine), task);
    } catch (const GuestReadError&) {
        return std::nullopt;
    }
}

std::optional<int> running_pid(const GuestOs& os, Machine& machine, unsigned cpu) {
    const MachineMemory memory(machine, cpu);
    const u64 task = os.current(memory, guest_cpu(machine, cpu));
    if (task == 0) return std::nullopt;
    try {
        return os.pid_of(memory, task);
    } catch (const GuestReadError&) {
        return std::nullopt;
    }
}

}  // namespace orrery
