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

#include "devices/disk.h"
#include "devices/net_backend.h"
#include "devices/test_devices.h"
#include "devices/vga_std.h"
#include "emulator/bus/bus.h"
#include "emulator/cpu/cpu.h"
#include "emulator/observe/events.h"
#include "emulator/smp/interleaver.h"
#include "emulator/time/event_queue.h"

namespace orrery {

class PcBoard;

enum class ClockMode : u8 { Cycles, InstructionCount };

struct MachineConfig {
    u64 ram_size = u64{512} << 20;  // bytes, a multiple of 4 KiB
    unsigned cpus = 1;
    u64 seed = 0;
    ClockMode clock = ClockMode::Cycles;
    i64 rtc_base = 1704067200;  // seconds since 1970 at power-on: 2024-01-01T00:00:00Z
    CpuFeatures features;
    std::vector<DiskConfig> disks;  // virtio_blk.0 and up, at most 8
    NetConfig network;
    TestDevices test_devices;
    DisplayConfig display;
    OutputSink* serial_output = nullptr;   // COM1
    OutputSink* console_output = nullptr;  // virtio-console
};

// What to boot. Paths are read by load(); errors are BootError (boot/boot_error.h): one line that names the
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

struct RunLimits {
    u64 instructions = ~u64{0};  // total since power-on at which to stop
    Ticks ticks = kNever;        // virtual time at which to stop, also when halted
};

// An input from outside, as it entered.
struct LoggedInput {
    Moment moment;
    std::string device;
    std::vector<u8> data;
};

class Machine {
  public:
    // Throws std::invalid_argument for a configuration that cannot be, DiskError for a disk's image,
    // std::bad_alloc where the host lacks memory.
    explicit Machine(const MachineConfig& config);
    ~Machine();

    const MachineConfig& config() const { return config_; }

    // Power-on, or a reset, with the images in memory; disks keep what was written to them over a reset.
    // Throws BootError.
    enum class Start : u8 { PowerOn, Reset };
    void load(const BootImages& images, Start start = Start::PowerOn);

    // Runs from the present moment until a limit, a stop or the machine's end. Budget and Requested can be
    // continued.
    StopReason run(const RunLimits& limits);

    // Executes exactly one instruction or event delivery. False if the machine has ended.
    bool step();

    // Ends run() at the next instruction boundary. From a callback on the machine's thread only.
    void request_stop();

    // Feeds `data` to a device at the present moment, logged. Throws std::invalid_argument for an unknown
    // device.
    void input(const std::string& device, std::vector<u8> data);
    const std::vector<LoggedInput>& inputs() const { return inputs_; }

    Moment moment() const;
    bool halted() const;  // every CPU waits for an interrupt
    std::optional<StopReason> ended() const { return ended_; }
    u32 exit_code() const { return exit_code_; }

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

    // Reads guest memory as the debugger does: no TLB, no A/D bits, RAM only. How many bytes were read (fewer
    // where a page is not mapped or is no RAM). `linear` is translated by the CPU's tables, or by those at
    // `cr3` if given.
    size_t peek(unsigned cpu, u64 linear, void* to, size_t size, std::optional<u64> cr3 = std::nullopt);

    // XXH3-64 of all state.
    u64 state_hash();
    // A snapshot of all state; load_snapshot throws ArchiveError, and then the machine must not be used
    // further.
    std::vector<u8> save_snapshot();
    void load_snapshot(std::vector<u8> data);

    void visit(Archive& archive);

  private:
    class CpuSignals;
    void end(StopReason reason);
    bool turn_is_over() const;
    void next_turn();
    bool another_can_run() const;

    MachineConfig config_;
    EventQueue events_;
    Observers observers_;
    std::unique_ptr<CostModel> costs_;
    CodeCache code_;
    Interleaver interleaver_;
    Bus bus_;
    std::vector<std::unique_ptr<CpuSignals>> signals_;
    std::unique_ptr<PcBoard> board_;
    std::vector<std::unique_ptr<Cpu>> cpus_;
    std::vector<LoggedInput> inputs_;
    std::optional<StopReason> ended_;
    u32 exit_code_ = 0;
    bool stop_requested_ = false;
};

}  // namespace orrery
