// The machine: CPUs, memory, board and time put together.
//
// All of it runs on the caller's thread. Its state depends on the configuration, the images, the seed and the
// inputs, and on nothing else; observers and stops between instructions change nothing (see
// docs/architecture.md).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/core/bus/bus.h"
#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/observe/events.h"
#include "emulator/core/smp/interleaver.h"
#include "emulator/core/time/event_queue.h"
#include "emulator/machine/companion.h"
#include "emulator/machine/config/machine_config.h"
#include "emulator/machine/input.h"

namespace orrery {

class PcBoard;

// What to boot. Paths are read by load(); errors are BootError (machine/boot/boot_error.h): one line that names the
// file.
struct BootImages {
    std::string kernel;
    std::string initrd;  // empty: none; for a multiboot kernel "FILE ARGUMENTS,FILE…"
    std::string command_line;
    std::string arguments;         // what a multiboot kernel gets of the command line
    std::vector<u8> extra_initrd;  // appended to the initrd (a further cpio archive)
};

enum class StopReason : u8 {
    Budget,     // the instruction or time limit was reached
    Requested,  // request_stop()
    Idle,       // halted, and nothing is due before the time limit, or ever
    PowerOff,
    Reset,      // the guest asked for a reset
    DebugExit,  // isa-debug-exit: exit_code()
    Shutdown,   // triple fault
};

// A chain of exceptions in which no instruction is completed never comes to a number of instructions: a run also
// stops when so many deliveries have got nothing done as instructions were allowed, and kBarrenSlack.
struct RunLimits {
    static constexpr u64 kBarrenSlack = u64{1} << 16;
    u64 instructions = ~u64{0};  // total since power-on at which to stop
    Ticks ticks = kNever;        // virtual time at which to stop, also when halted
};

struct GuestFiles;

// A part of the machine's state, and its hash.
struct ComponentHash {
    std::string name;  // "cpu0", "ram", a device's name …
    u64 digest;        // XXH3-64
    bool operator==(const ComponentHash&) const = default;
};

// Makes the core model of a CPU, by its number.
using MakeCore = std::function<std::unique_ptr<CoreModel>(unsigned cpu)>;

class Machine {
  public:
    // Throws ConfigError for a configuration that cannot be, DiskError for a disk's image,
    // std::bad_alloc where the host lacks memory.
    // `make_core`: instead of the models that config.clock names.
    explicit Machine(const MachineConfig& config, const MakeCore& make_core = {});
    ~Machine();

    const MachineConfig& config() const { return config_; }

    // Power-on with the images in memory. Throws BootError.
    void load(const BootImages& images);
    void load(GuestFiles files);

    // Runs from the present moment until a limit, a stop or the machine's end. Budget and Requested can be
    // continued.
    StopReason run(const RunLimits& limits);

    // Executes exactly one instruction or event delivery. False if the machine has ended.
    bool step();

    // Ends run() at the next instruction boundary. From a callback on the machine's thread only.
    void request_stop();

    // Feeds `data` to a device at the present moment, after all else that is due there; machine/input.h names
    // what can be fed besides devices. A restart boots the images of the last load() again; disks keep what
    // was written to them. Throws std::invalid_argument for an unknown device, and data that cannot be.
    void input(const std::string& device, std::vector<u8> data);
    // Told of each such input once it has entered.
    using InputHook = std::function<void(const LoggedInput&)>;
    unsigned on_input(InputHook hook);  // its number
    void remove_input_hook(unsigned number);
    // Feeds an input of a log, at the moment it has there. Throws as input() does; the hooks are not told.
    void play(const LoggedInput& input);

    // Companions are called in the order in which they were added, and must be removed before they end.
    void add_companion(Companion* companion);
    void remove_companion(Companion* companion);

    Moment moment() const;
    // What a budget in instructions is compared with: those completed, and the deliveries of events that got
    // nothing done (RunLimits).
    u64 spent() const { return moment().instructions + barren_deliveries(); }
    bool halted() const;  // every CPU waits for an interrupt
    std::optional<StopReason> ended() const { return ended_; }
    u32 exit_code() const { return exit_code_; }

    // Whether what was loaded is a 32-bit ELF. False where nothing was.
    bool kernel_is_32_bit() const;

    unsigned cpu_count() const { return static_cast<unsigned>(cpus_.size()); }
    Cpu& cpu(unsigned index) { return *cpus_[index]; }
    const Cpu& cpu(unsigned index) const { return *cpus_[index]; }
    // The CPU whose turn it is.
    Cpu& cpu() { return *cpus_[interleaver_.current()]; }
    const Cpu& cpu() const { return *cpus_[interleaver_.current()]; }
    Bus& bus() { return bus_; }
    PcBoard& board() { return *board_; }
    EventQueue& events() { return events_; }
    Observers& observers() { return observers_; }

    // Where `linear` lies, as a debugger asks: by the CPU's tables, or by those at `cr3` if given; every check of who
    // may use it lifted, and nothing changed. Not ok where nothing is mapped: why_not tells.
    WalkResult translate(unsigned cpu, u64 linear, std::optional<u64> cr3 = std::nullopt);

    // Reads guest memory as the debugger does: no TLB, no A/D bits, RAM only. How many bytes were read (fewer
    // where a page is not mapped or is no RAM). `linear` is translated by the CPU's tables, or by those at
    // `cr3` if given.
    size_t peek(unsigned cpu, u64 linear, void* to, size_t size, std::optional<u64> cr3 = std::nullopt);

    // XXH3-64 of all state, and of its parts. The first time looks at all memory, then at what was written.
    u64 state_hash();
    std::vector<ComponentHash> component_hashes();
    // A snapshot of all state; load_snapshot throws ArchiveError, and then the machine must not be used
    // further.
    std::vector<u8> save_snapshot();
    void load_snapshot(std::vector<u8> data);

    void visit(Archive& archive);
    // To be called when a visit has loaded state. `ram_changed`: RAM's pages that are not what they were, by
    // number; null: any.
    void loaded(const std::vector<u64>* ram_changed);

  private:
    class CpuSignals;
    void boot();
    void restart();
    void apply(const LoggedInput& input);
    bool run_due_events();
    bool call_companions();
    void find_waypoint();
    StopReason run_on(const RunLimits& limits);
    void end(StopReason reason);
    u64 barren_deliveries() const;
    void visit_config(Archive& archive) const;
    bool turn_is_over() const;
    void next_turn();
    bool another_can_run() const;

    MachineConfig config_;
    EventQueue events_;
    Observers observers_;
    std::vector<std::unique_ptr<CoreModel>> cores_;  // of each CPU
    CodeCache code_;
    Interleaver interleaver_;
    Bus bus_;
    std::vector<std::unique_ptr<CpuSignals>> signals_;
    std::unique_ptr<PcBoard> board_;
    std::vector<std::unique_ptr<Cpu>> cpus_;
    std::unique_ptr<GuestFiles> files_;  // what load() read
    std::vector<std::pair<unsigned, InputHook>> input_hooks_;
    unsigned next_hook_ = 0;
    std::vector<Companion*> companions_;
    Companion::Waypoint waypoint_;  // the first of any companion
    std::optional<StopReason> ended_;
    u32 exit_code_ = 0;
    bool stop_requested_ = false;
};

}  // namespace orrery
