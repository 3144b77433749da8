// A session with gdb: its commands, answered and carried out (GDB manual, appendix E, "gdb Remote Serial
// Protocol").
//
// Bytes go in by receive() and come out of output(); where they come from and go to is the server's business.
// A session begins with the machine stopped. A thread is a CPU: number N is CPU N-1. Of the reverse-execution
// packets bs and bc are there where the machine's disks allow time to go back.
//
// A packet that is not understood gets the empty answer, one whose arguments are wrong an error.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "emulator/inspect/gdb/execution.h"
#include "emulator/inspect/gdb/packets.h"
#include "emulator/inspect/models/context.h"

namespace orrery {

// What a session is about; all must outlive it.
struct GdbSubject {
    TimeMachine& time;
    // For `monitor show`; its CPU is chosen by the session.
    std::function<ModelContext()> context;
    // Whether whoever drives the machine boots it again after a reset.
    bool restarts = false;
};

class GdbSession {
  public:
    explicit GdbSession(const GdbSubject& subject);
    GdbSession(const GdbSession&) = delete;
    GdbSession& operator=(const GdbSession&) = delete;

    enum class State : u8 {
        Stopped,
        Running,   // run() is to be called
        Detached,  // gdb has gone, and the machine is to run on
        Killed,    // gdb has gone, and the machine is to be given up
    };
    State state() const { return state_; }

    void receive(std::span<const u8> bytes);
    // What is to be sent; whoever sends it takes it out.
    std::string& output() { return output_; }

    // In state Running: a slice of what gdb wants done, or all of it if it leads backwards. `budget`: the
    // instruction count beyond which the machine must not go. Where the machine ends or meets the budget, it
    // stops for gdb; if gdb then runs on all the same, that reason is returned for good, and `over` set.
    StopReason run(const RunLimits& slice, u64 budget, bool& over);
    // Asked while a command takes a while: to receive() what has come meanwhile, and to send. False: gdb has
    // gone, and the command is to be given up.
    void on_poll(std::function<bool()> poll) { poll_ = std::move(poll); }
    // The machine's run has ended for good, with this exit status.
    void exited(int status);

  private:
    static constexpr const char* kInvalid = "E16";  // EINVAL
    using Arguments = GdbArguments;

    void handle(const GdbPackets::Item& item);
    void send(std::string_view payload);
    // The answer; none where the packet has none, or its answer is still to come.
    std::optional<std::string> answer(const std::string& packet);
    std::optional<std::string> answer_v(Arguments arguments);
    std::string answer_query(Arguments arguments);
    std::string answer_set(Arguments arguments);
    std::string answer_memory(char command, Arguments arguments);
    std::string answer_register(char command, Arguments arguments);
    std::string answer_point(bool insert, Arguments arguments);
    std::string answer_thread(char command, Arguments arguments);
    std::string answer_monitor(Arguments arguments);
    std::string features(Arguments arguments) const;
    std::string supported(Arguments arguments);
    std::string thread_info(Arguments arguments) const;

    std::optional<std::string> resume(char how, Arguments arguments);
    std::optional<std::string> resume_threads(Arguments arguments);
    std::optional<std::string> back(const std::string& packet);
    void start();
    bool goes_on();
    void take_waiting();
    void stopped(const GdbStop& stop);
    std::string stop_reply() const;

    // "1", "-1", "0": a thread that exists, or 0 for any.
    bool take_thread(Arguments& arguments, unsigned& thread) const;

    GdbSubject subject_;
    Machine& machine_;
    GdbExecution execution_;
    GdbPackets packets_;
    std::deque<GdbPackets::Item> waiting_;  // what came while a command was carried out
    std::string output_, last_frame_;
    std::function<bool()> poll_;
    State state_ = State::Stopped;
    GdbStop stop_;
    unsigned cpu_ = 0;       // whose registers and memory are meant
    unsigned step_cpu_ = 0;  // who is stepped by s and bs
    bool acknowledge_ = true;
    bool tells_breakpoints_ = false;  // gdb understands swbreak and hwbreak
    bool busy_ = false;
    bool interrupted_ = false;
    bool at_end_ = false;  // and gdb has been told
};

}  // namespace orrery
