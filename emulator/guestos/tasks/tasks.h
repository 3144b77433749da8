// The tasks of the guest's kernel and their address spaces, read from its memory through the names in its
// debug information: task_struct, mm_struct, vm_area_struct and their fields, named as in Linux.
//
// Lists in guest memory may be caught in the middle of a change, or be damaged: every walk is bounded, and
// what was read before the trouble is still given, with a line that says what went wrong.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/guestos/types/guest_memory.h"
#include "emulator/guestos/types/guest_object.h"

namespace orrery {

// Where a CPU's per-CPU data may be: one of the two is the kernel's, by where SWAPGS stands.
struct GuestCpu {
    u64 gs_base = 0;
    u64 kernel_gs_base = 0;
};

struct TaskInfo {
    u64 address = 0;  // of the task_struct
    int pid = 0;
    int tgid = 0;
    int ppid = 0;  // tgid of the parent
    std::string comm;
    char state = '?';            // Linux's letter
    std::string state_text;      // in words
    bool exited = false;         // a zombie, or dead
    int exit_code = 0;           // wait status: code << 8 | signal
    bool kernel_thread = false;  // has no address space of its own
    int running_on = -1;         // CPU, -1: none
    u64 utime_ns = 0;
    u64 stime_ns = 0;
    u64 mm = 0;   // address of the mm_struct, 0: none
    u64 cr3 = 0;  // physical address of its top page table, 0: none
};

struct AreaInfo {
    u64 start = 0;
    u64 end = 0;
    bool read = false, write = false, execute = false, shared = false;
    u64 offset = 0;    // bytes, in the file
    std::string name;  // path, "[heap]", "[stack]" or ""
};

class GuestTasks {
  public:
    // All three must outlive this object.
    GuestTasks(const DebugInfo& info, const GuestMemory& memory, std::vector<GuestCpu> cpus)
        : info_(info), memory_(memory), cpus_(std::move(cpus)) {}

    // Every thread, oldest first; `problem` is set where the list could not be read to its end.
    std::vector<TaskInfo> all(std::string* problem) const;
    // The task_struct of the task that CPU `cpu` runs, 0 if not known.
    u64 current(unsigned cpu) const;
    // One task by the address of its task_struct. Throws GuestReadError.
    TaskInfo read(u64 task) const;
    // The pid of the task at this address, without the rest. Throws GuestReadError.
    int pid_of(u64 task) const;
    // The areas of the mm_struct at `mm`, by address.
    std::vector<AreaInfo> areas(u64 mm, std::string* problem) const;

  private:
    const Type* type(const char* name) const;
    void describe_state(const GuestObject& task, TaskInfo& info) const;
    AreaInfo area(const GuestObject& vma, const GuestObject& mm) const;

    const DebugInfo& info_;
    const GuestMemory& memory_;
    std::vector<GuestCpu> cpus_;
};

class Machine;
// The GS bases of a machine's CPUs.
std::vector<GuestCpu> guest_cpus(Machine& machine);

// Follows an intrusive, circular list from its head until back there; `visit` gets each node's owner. False
// if the list is damaged (a null pointer, or more than 65536 nodes).
template <typename Visit>
bool for_each_listed(GuestObject head, const Type* owner, std::string_view member, Visit visit) {
    const u64 end = head.address();
    GuestObject node = head["next"];
    for (unsigned count = 0; count < 65536; ++count) {
        const u64 address = node.value();
        if (address == end) return true;
        if (address == 0) return false;
        const GuestObject item = node.deref();
        visit(item.container(owner, member));
        node = item["next"];
    }
    return false;
}

}  // namespace orrery
