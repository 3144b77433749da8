// What runs in the guest, as everything that shows or asks for it sees it: tasks, their address spaces, and
// the few places of a kernel that have a meaning. One implementation for each operating system that is known
// (known_kernels.h chooses); each has the names of its kernel's structures in one table.
//
// All of it is read from memory as it stands, and changes nothing. Lists in guest memory may be caught in the
// middle of a change, or be damaged: every walk is bounded, and what was read before the trouble is still
// given, with a line that says what went wrong.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/guestos/types/guest_memory.h"
#include "emulator/guestos/types/member_path.h"

namespace orrery {

class Machine;

// Where a CPU's per-CPU data may be: one of the two is the kernel's, by where SWAPGS stands.
struct GuestCpu {
    u64 gs_base = 0;
    u64 kernel_gs_base = 0;
};
GuestCpu guest_cpu(Machine& machine, unsigned cpu);
// Of all of a machine's CPUs.
std::vector<GuestCpu> guest_cpus(Machine& machine);

struct TaskInfo {
    u64 address = 0;  // of the kernel's object: tells tasks apart, and is what GuestOs's calls take
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
    u64 space = 0;  // address of the kernel's object of its address space, 0: none
    u64 cr3 = 0;    // physical address of its top page table, 0: none
};

struct AreaInfo {
    u64 start = 0;
    u64 end = 0;
    bool read = false, write = false, execute = false, shared = false;
    u64 offset = 0;    // bytes, in the file
    std::string name;  // path, "[heap]", "[stack]" or ""
};

class GuestOs {
  public:
    virtual ~GuestOs() = default;

    // Symbols and source lines of its kernel; null where none are known.
    const DebugInfo* kernel() const { return kernel_; }

    // Why tasks, or some of what they have, cannot be told: one line; empty where all can.
    virtual std::string problem() const = 0;
    // Whether it can be told who runs on a CPU. Where not, an address space stands for a task.
    virtual bool tells_who_runs() const = 0;

    // `memory`: as the CPU in question translates, or any of them.
    // The task that a CPU with these registers runs, 0 if not known. Throws nothing.
    virtual u64 current(const GuestMemory& memory, const GuestCpu& cpu) const = 0;
    // The pid of a task, without the rest. Throws GuestReadError.
    virtual int pid_of(const GuestMemory& memory, u64 task) const = 0;
    // One task. `cpus`: all of them. Throws GuestReadError.
    virtual TaskInfo task(const GuestMemory& memory, std::span<const GuestCpu> cpus, u64 task) const = 0;
    // Every thread, oldest first; `problem` is set where the list could not be read to its end.
    virtual std::vector<TaskInfo> tasks(const GuestMemory& memory, std::span<const GuestCpu> cpus,
                                        std::string* problem) const = 0;
    // The areas of an address space (TaskInfo::space), by address; `problem` as above.
    virtual std::vector<AreaInfo> areas(const GuestMemory& memory, u64 space, std::string* problem) const = 0;

    // The function that is entered at each switch from one task to another.
    virtual std::optional<u64> switch_function() const = 0;
    // Where the kernel's first segment begins.
    virtual std::optional<u64> image_start() const = 0;

  protected:
    // `kernel`: null where none is known; must outlive this object.
    explicit GuestOs(const DebugInfo* kernel) : kernel_(kernel) {}
    // Of a symbol. Looked for at each call: a kernel may move (kernel_slide.h).
    std::optional<u64> address_of(std::string_view symbol) const;

  private:
    const DebugInfo* kernel_;
};

// A guest whose tasks cannot be told. No answer is better than a wrong one.
class UnknownOs : public GuestOs {
  public:
    UnknownOs(const DebugInfo* kernel, std::string problem) : GuestOs(kernel), problem_(std::move(problem)) {}

    std::string problem() const override { return problem_; }
    bool tells_who_runs() const override { return false; }
    u64 current(const GuestMemory&, const GuestCpu&) const override { return 0; }
    int pid_of(const GuestMemory&, u64) const override { throw GuestReadError(problem_); }
    TaskInfo task(const GuestMemory&, std::span<const GuestCpu>, u64) const override {
        throw GuestReadError(problem_);
    }
    std::vector<TaskInfo> tasks(const GuestMemory&, std::span<const GuestCpu>,
                                std::string* problem) const override;
    std::vector<AreaInfo> areas(const GuestMemory&, u64, std::string* problem) const override;
    std::optional<u64> switch_function() const override { return std::nullopt; }
    std::optional<u64> image_start() const override { return std::nullopt; }

  private:
    std::string problem_;
};

// Where nothing is known at all.
const GuestOs& unknown_os();

// Who runs on a machine's CPU now; nothing where that cannot be told.
std::optional<TaskInfo> running_task(const GuestOs& os, Machine& machine, unsigned cpu);
// The same, its pid alone.
std::optional<int> running_pid(const GuestOs& os, Machine& machine, unsigned cpu);

}  // namespace orrery
