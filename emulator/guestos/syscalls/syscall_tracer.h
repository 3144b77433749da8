// Watches a machine's system calls from outside, and says them in strace's words: for every task, or for one
// command and what it starts.
//
// It subscribes to events and peeks at memory: the guest cannot notice, and the machine's state is the same
// with and without it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/guestos/syscalls/syscall_log.h"
#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {

class Machine;

class SyscallTracer {
  public:
    // Where `os` does not tell who runs, tasks are told apart by their address space (CR3) only, and have no
    // pids and no names. Both must outlive the tracer.
    SyscallTracer(Machine& machine, const GuestOs& os, size_t capacity = 10000);
    ~SyscallTracer();
    SyscallTracer(const SyscallTracer&) = delete;
    SyscallTracer& operator=(const SyscallTracer&) = delete;

    // From now on only the task that executes this argument vector, from its (successful) execve on, and its
    // descendants.
    void only_command(std::vector<std::string> argv);
    // At most one. nullptr: none.
    void listen(SyscallListener* listener) { listener_ = listener; }
    // At the end of a run: reports tasks that have gone since the last event.
    void finish();

    const SyscallLog& log() const { return log_; }

    // What the tracer knows at this moment, to be given back by rewind() when the machine is put back to it.
    // The log's later records stay known until branched() says that things go another way from here.
    struct State;
    std::shared_ptr<const State> state() const;
    void rewind(const State& state);
    void branched() { log_.cut(); }

  private:
    struct Task {
        u64 key = 0;  // as SyscallRecord::task
        int pid = 0;  // 0: not known
        int tgid = 0;
        u64 address = 0;  // TaskInfo::address
        std::string comm;
        bool traced = false;
        bool in_call = false;
        bool renames = false;               // its call may give it another name
        u64 call_rip = 0;                   // of the SYSCALL instruction
        std::optional<SyscallRecord> open;  // the call it is in; id 0: an execve that will be the first line
                                            // of the log, if it succeeds
        bool exiting = false;
        bool gone = false;
        int exit_status = -1;              // as the program gave it
        std::optional<u64> fault_address;  // of its latest exception in ring 3, if that was a page fault
    };

    void on_event(const Event& event);
    void on_call(const Event& event, Task& task, CallAbi abi);
    void on_return(const Event& event, Task& task);
    void log_call(SyscallRecord& record);
    void finish_call(Task& task, Moment moment, i64 result, const std::string& text);
    void note_fatal_signal(Task& task, Moment moment, int signal);
    void note(Task& task, Moment moment, const std::string& text);
    void charge(const Event& event);
    Task* current_task(unsigned cpu);
    void begin_task(Task& task);
    void refresh(Task& task);
    void check_exit(Task& task, Moment moment);
    bool starts_command(const DecodedCall& call, const GuestMemory& memory) const;
    std::optional<TaskInfo> info_of(u64 address) const;

    Machine& machine_;
    const GuestOs& os_;
    SyscallLog log_;
    SyscallListener* listener_ = nullptr;
    u32 subscription_ = 0;
    std::vector<std::string> command_;  // empty: every task
    bool command_seen_ = false;
    std::map<u64, Task> tasks_;  // by key
    // Since the last event on each CPU: who ran, and the counters then.
    struct CpuState {
        std::optional<u64> running;  // a task's key
        u64 ticks = 0;
        u64 walks = 0;
    };
    std::vector<CpuState> cpus_;
};

}  // namespace orrery
