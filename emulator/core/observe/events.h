// Typed events of the machine, for whoever subscribes: the debugger, traces, counters. An event tells what
// happened; no subscriber can change the machine's state, and an event kind without a subscriber costs one
// test of a bit.
#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "emulator/core/observe/watch_points.h"
#include "emulator/core/timing/core_model.h"
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
    Instruction,
    RingEnter,
    RingLeave,
    SystemCall,
    SystemReturn,
    Exception,
    Interrupt,
    TlbFill,
    TlbInvalidate,
    AddressSpace,
    PortIo,
    Mmio,
    Halt,
    Breakpoint,
    DataAccess,
    UnknownInsn,
    Stretch,
    Count,
};

// What an event of each kind tells, beside who, when and where (Event). fields() lists it by name for whoever compares,
// stores or prints any kind: f(name, member) for each member.
namespace event {

// Before each instruction; makes the machine run one instruction at a time.
struct Instruction {
    static constexpr void fields(auto&&, auto&&) {}
    bool operator==(const Instruction&) const = default;
};

// CPL 3 to a lower one.
struct RingEnter {
    enum class By : u8 { SystemCall, Event, FarCall };
    By by = By::SystemCall;
    u8 vector = 0;  // by an exception or interrupt: its
    static constexpr void fields(auto&& self, auto&& f) {
        f("by", self.by);
        f("vector", self.vector);
    }
    bool operator==(const RingEnter&) const = default;
};

// Back to CPL 3.
struct RingLeave {
    enum class By : u8 { SystemReturn, Iret, FarReturn };
    By by = By::SystemReturn;
    static constexpr void fields(auto&& self, auto&& f) { f("by", self.by); }
    bool operator==(const RingLeave&) const = default;
};

// At SYSCALL or SYSENTER, after RingEnter: nothing of it is done yet, the arguments are in the registers.
struct SystemCall {
    u32 number = 0;  // EAX
    static constexpr void fields(auto&& self, auto&& f) { f("number", self.number); }
    bool operator==(const SystemCall&) const = default;
};

// At SYSRET, SYSEXIT, or IRET to CPL 3 (which may end an interrupt instead), after RingLeave. Nothing is done yet.
struct SystemReturn {
    bool by_iret = false;
    u64 result = 0;  // RAX
    static constexpr void fields(auto&& self, auto&& f) {
        f("by_iret", self.by_iret);
        f("result", self.result);
    }
    bool operator==(const SystemReturn&) const = default;
};

struct Exception {
    u8 vector = 0;
    u32 error_code = 0;
    u64 address = 0;  // CR2 of a #PF
    static constexpr void fields(auto&& self, auto&& f) {
        f("vector", self.vector);
        f("error_code", self.error_code);
        f("address", self.address);
    }
    bool operator==(const Exception&) const = default;
};

struct Interrupt {
    u8 vector = 0;
    static constexpr void fields(auto&& self, auto&& f) { f("vector", self.vector); }
    bool operator==(const Interrupt&) const = default;
};

struct TlbFill {
    bool instruction = false;  // the instruction side's
    u8 page_shift = 12;
    u64 linear = 0;
    u64 frame = 0;  // physical address of the page
    static constexpr void fields(auto&& self, auto&& f) {
        f("instruction", self.instruction);
        f("page_shift", self.page_shift);
        f("linear", self.linear);
        f("frame", self.frame);
    }
    bool operator==(const TlbFill&) const = default;
};

struct TlbInvalidate {
    enum class By : u8 { Invlpg, Cr3, Invpcid, Cr0Cr4 };
    By by = By::Invlpg;
    u64 address = 0;  // linear, of one page; or CR3
    static constexpr void fields(auto&& self, auto&& f) {
        f("by", self.by);
        f("address", self.address);
    }
    bool operator==(const TlbInvalidate&) const = default;
};

// MOV to CR3.
struct AddressSpace {
    u64 cr3 = 0;  // the new one
    static constexpr void fields(auto&& self, auto&& f) { f("cr3", self.cr3); }
    bool operator==(const AddressSpace&) const = default;
};

struct PortIo {
    u16 port = 0;
    u8 size = 1;  // bytes
    bool write = false;
    u32 data = 0;
    static constexpr void fields(auto&& self, auto&& f) {
        f("port", self.port);
        f("size", self.size);
        f("write", self.write);
        f("data", self.data);
    }
    bool operator==(const PortIo&) const = default;
};

// An access to a device's registers in memory.
struct Mmio {
    u64 physical = 0;
    u8 size = 1;  // bytes
    bool write = false;
    u64 data = 0;
    static constexpr void fields(auto&& self, auto&& f) {
        f("physical", self.physical);
        f("size", self.size);
        f("write", self.write);
        f("data", self.data);
    }
    bool operator==(const Mmio&) const = default;
};

struct Halt {
    bool by_mwait = false;
    static constexpr void fields(auto&& self, auto&& f) { f("by_mwait", self.by_mwait); }
    bool operator==(const Halt&) const = default;
};

// Before a watched instruction (WatchPoints).
struct Breakpoint {
    u64 linear = 0;
    static constexpr void fields(auto&& self, auto&& f) { f("linear", self.linear); }
    bool operator==(const Breakpoint&) const = default;
};

// After an access to watched data; one that crosses a page is told of as two.
struct DataAccess {
    enum class By : u8 {
        Instruction,
        Walk,    // a page walk, for an access of the instruction
        Device,  // DMA (rip: of the instruction that rang, if one did), or an input
    };
    By by = By::Instruction;
    bool write = false;
    u64 size = 0;    // bytes
    u64 linear = 0;  // an instruction's access alone has one
    u64 physical = 0;
    u64 data = 0;  // the first 8 bytes
    static constexpr void fields(auto&& self, auto&& f) {
        f("by", self.by);
        f("write", self.write);
        f("size", self.size);
        f("linear", self.linear);
        f("physical", self.physical);
        f("data", self.data);
    }
    bool operator==(const DataAccess&) const = default;
};

// #UD by the decoder.
struct UnknownInsn {
    u64 linear = 0;
    static constexpr void fields(auto&& self, auto&& f) { f("linear", self.linear); }
    bool operator==(const UnknownInsn&) const = default;
};

// Instructions that were executed one after another, up to a branch (core/timing/core_model.h says where they end).
// Told as the next instruction begins; the first one from where the subscription began.
struct Stretch {
    orrery::Stretch::End end = orrery::Stretch::End::Branch;
    u8 instructions = 0;
    u16 bytes = 0;
    u64 linear = 0;  // of the first
    u64 next = 0;    // of what comes next
    static constexpr void fields(auto&& self, auto&& f) {
        f("end", self.end);
        f("instructions", self.instructions);
        f("bytes", self.bytes);
        f("linear", self.linear);
        f("next", self.next);
    }
    bool operator==(const Stretch&) const = default;
};

// In EventKind's order.
using What = std::variant<Instruction, RingEnter, RingLeave, SystemCall, SystemReturn, Exception, Interrupt,
                          TlbFill, TlbInvalidate, AddressSpace, PortIo, Mmio, Halt, Breakpoint, DataAccess,
                          UnknownInsn, Stretch>;
static_assert(std::variant_size_v<What> == static_cast<size_t>(EventKind::Count));

}  // namespace event

struct Event {
    event::What what;
    u8 cpu = 0;
    u8 cpl = 0;  // before the event
    Moment moment;
    u64 rip = 0;

    EventKind kind() const { return static_cast<EventKind>(what.index()); }
    // Null where it is of another kind.
    template <typename Kind>
    const Kind* get() const {
        return std::get_if<Kind>(&what);
    }
    bool operator==(const Event&) const = default;
};

// The exception if it is a page fault (vector 14).
inline const event::Exception* page_fault(const Event& event) {
    const auto* exception = event.get<event::Exception>();
    return exception != nullptr && exception->vector == 14 ? exception : nullptr;
}

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

// Kinds that tell of every instruction, or of what somebody watches, are for subscribers alone; these are the others.
inline constexpr u32 kLoggedKinds =
    ((u32{1} << static_cast<u32>(EventKind::Count)) - 1) &
    ~(Observers::bit(EventKind::Instruction) | Observers::bit(EventKind::Breakpoint) |
      Observers::bit(EventKind::DataAccess) | Observers::bit(EventKind::Stretch));

}  // namespace orrery
