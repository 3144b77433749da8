// Typed events of the machine, for whoever subscribes: the debugger, traces, counters. An event tells what
// happened; no subscriber can change the machine's state, and an event kind without a subscriber costs one
// test of a bit.
#pragma once

#include <functional>
#include <vector>

#include "emulator/core/observe/watch_points.h"
#include "emulator/isa/types.h"

namespace orrery {

// A point in a run: between two instructions, and (while a CPU is halted) a point in virtual time.
struct Moment {
    u64 instructions = 0;
    u64 ticks = 0;
    // clang-tidy 14 takes a defaulted <=> for a null pointer.
    auto operator<=>(const Moment&) const = default;  // NOLINT(modernize-use-nullptr)
};

enum class EventKind : u8 {
    Instruction,  // before each instruction; makes the machine run one instruction at a time
    RingEnter,    // CPL 3 to 0. value: 0 SYSCALL, 1 exception or interrupt, 2 far CALL; detail: vector
    RingLeave,    // CPL 0 to 3. value: 0 SYSRET, 1 IRET, 2 far RET
    SystemCall,   // at SYSCALL, after RingEnter: rip is the instruction's; the arguments are in the registers
    SystemReturn,   // at SYSRET or IRET to CPL 3, after RingLeave
    Exception,      // value: vector; detail: error code; address: CR2 of a #PF
    Interrupt,      // value: vector
    TlbFill,        // value: 0 data, 1 instruction; address: linear; detail: physical page | page shift
    TlbInvalidate,  // value: 0 INVLPG, 1 CR3, 2 INVPCID, 3 CR0/CR4; address: linear or CR3
    AddressSpace,   // MOV to CR3. address: the new CR3
    PortIo,         // value: port; detail: data; address: bit 0 write, bits 8+ size
    Mmio,           // address: physical; detail: data; value: bit 0 write, bits 8+ size
    Halt,
    Breakpoint,   // before a watched instruction (WatchPoints). address: linear
    DataAccess,   // after an access to watched data. address: linear; physical; detail: the data (the first 8
                  // bytes); value: see data_access. One that crosses a page is told of as two
    UnknownInsn,  // #UD by the decoder. address: linear
    Count,
};

// Event::value of a DataAccess: these, and the size in bytes above.
namespace data_access {
inline constexpr u32 kWrite = 1;
inline constexpr u32 kDevice =
    2;  // by a device's DMA (rip: of the instruction that rang, if one did), or an input
inline constexpr u32 kWalk = 4;                        // by a page walk, for an access of the instruction
inline constexpr u32 kUntranslated = kDevice | kWalk;  // there is no linear address
inline constexpr unsigned kSizeShift = 8;
}  // namespace data_access

struct Event {
    EventKind kind = EventKind::Instruction;
    u8 cpu = 0;
    u8 cpl = 0;  // before the event
    u32 value = 0;
    Moment moment;
    u64 rip = 0;
    u64 address = 0;
    u64 detail = 0;
    u64 physical = 0;
};

class Observers {
  public:
    using Callback = std::function<void(const Event&)>;
    using Id = u32;

    static constexpr u32 bit(EventKind kind) { return u32{1} << static_cast<u32>(kind); }

    // `kinds`: bits of the events wanted.
    Id subscribe(u32 kinds, Callback callback);
    void unsubscribe(Id id);

    bool wants(EventKind kind) const { return (kinds_ & bit(kind)) != 0; }
    void emit(const Event& event) const;

    // Instructions and data that make events where somebody watches them.
    WatchPoints& points() { return points_; }
    const WatchPoints& points() const { return points_; }

    // Called when the set of wanted kinds changes.
    void on_change(std::function<void()> hook) { changed_ = std::move(hook); }

  private:
    struct Subscriber {
        Id id;
        u32 kinds;
        Callback callback;
    };
    void update();

    std::vector<Subscriber> subscribers_;
    WatchPoints points_;
    u32 kinds_ = 0;
    Id next_ = 1;
    std::function<void()> changed_;
};

}  // namespace orrery
