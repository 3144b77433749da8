// One CPU: its architectural state (cpu_state.h), its TLB, and the interpreter's working state around them.
//
// A plain struct: handlers reach every field by an offset from one register. The public ways in are at the end;
// everything before is the interpreter's.
#pragma once

#include <array>
#include <bit>
#include <csetjmp>
#include <memory>

#include "emulator/core/bus/bus.h"
#include "emulator/core/bus/cpu_port.h"
#include "emulator/core/cpu/run/code_cache.h"
#include "emulator/core/cpu/run/event_delivery.h"
#include "emulator/core/cpu/run/op.h"
#include "emulator/core/cpu/state/cpu_state.h"
#include "emulator/core/mmu/tlb.h"
#include "emulator/core/mmu/walker.h"
#include "emulator/core/observe/events.h"
#include "emulator/core/smp/interleaver.h"
#include "emulator/core/time/event_queue.h"
#include "emulator/core/timing/core_model.h"
#include "emulator/core/timing/path.h"
#include "emulator/isa/decoder.h"

namespace orrery {

enum GprIndex : u8 { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi };

// Vectors 0-31 (SDM vol. 3A, table 6-1).
enum class Vector : u8 {
    DE = 0,
    DB = 1,
    NMI = 2,
    BP = 3,
    OF = 4,
    BR = 5,
    UD = 6,
    NM = 7,
    DF = 8,
    TS = 10,
    NP = 11,
    SS = 12,
    GP = 13,
    PF = 14,
    MF = 16,
    AC = 17,
    MC = 18,
    XM = 19,
};

// A direct-mapped look-up from linear pages to host memory. Only what the TLB model lets through is in it:
// pages whose next hit changes nothing in the model (core/mmu/tlb.h).
struct FastEntry {
    static constexpr u64 kNoTag = 1;  // no page address has bit 0 set
    u64 read_tag = kNoTag;            // page address if reads may go this way
    u64 write_tag = kNoTag;           // if writes may: writable, dirty, not holding decoded code
    u64 addend = 0;                   // host address minus linear address
    u64 spare = 0;
};
inline constexpr unsigned kFastEntries = 256;

// The same for instruction fetch: linear page to the decoded code of its physical page.
struct FastCodeEntry {
    u64 page = FastEntry::kNoTag;
    CodePage* code = nullptr;
};
inline constexpr unsigned kFastCodeEntries = 64;

// Which slots of a fast table may be filled, so that emptying it costs what is in use.
template <unsigned slots>
class FastSlots {
  public:
    void note(u64 slot) { words_[slot / 64] |= u64{1} << slot % 64; }
    void clear() { words_ = {}; }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (unsigned word = 0; word < slots / 64; ++word)
            for (u64 left = words_[word]; left != 0; left &= left - 1)
                visit(word * 64 + static_cast<unsigned>(std::countr_zero(left)));
    }

  private:
    std::array<u64, slots / 64> words_{};
};

// Data accesses are checked differently by who makes them; each kind has a fast table of its own.
enum AccessMode : u8 { kUserMode = 0, kKernelMode = 1, kKernelAcMode = 2 };  // EFLAGS.AC lifts SMAP

struct PendingException {
    Vector vector = Vector::DE;
    bool has_error_code = false;
    u32 error_code = 0;
    u64 address = 0;  // #PF: becomes CR2. #DB: becomes DR6's status bits
};

// What a CPU is connected to.
struct CpuEnvironment {
    Bus* bus = nullptr;
    EventQueue* events = nullptr;
    LocalInterrupts* apic = nullptr;
    Observers* observers = nullptr;
    CoreModel* core = nullptr;  // of this CPU alone
    CodeCache* code = nullptr;
    Interleaver* interleaver = nullptr;  // of a machine with several CPUs
    unsigned cpu_count = 1;              // of the machine: CPUID's topology
    // FERR#: called where an x87 instruction meets a pending exception with CR0.NE = 0; the CPU then waits
    // for an interrupt (IRQ 13 on a PC), and tries the instruction again after it. Where nothing is wired,
    // #MF is raised.
    void (*ferr)(void* context) = nullptr;
    void* ferr_context = nullptr;
};

struct alignas(64) Cpu : CpuState {
    Cpu(unsigned id, const CpuEnvironment& environment, const CpuFeatures& cpu_features);
    ~Cpu();
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    // --- touched by nearly every instruction ---
    alignas(64) FastEntry* fast = nullptr;  // table of the current AccessMode
    FastCodeEntry* fast_code = nullptr;     // of the current ring
    // Left of the present stretch; a block is entered only where it fits.
    i64 insns_left = 0;
    i64 cycles_left = 0;
    Block* block = nullptr;
    Link* pending_link = nullptr;  // to be set by the next look-up
    const Op* next_op = nullptr;   // where tail calls are not to be had
    u64 accesses = 0;              // data TLB look-ups of completed instructions
    u32 key = 0;
    u64 seg_base[8] = {};  // effective base by SegmentIndex: 0 in 64-bit mode but for FS and GS

    // --- the rest of the interpreter's own ---
    WriteWatch monitor;  // MONITOR's line
    unsigned id;
    CpuEnvironment env;
    CpuFeatures features;
    Tlb tlb;
    FastEntry fast_tables[3][kFastEntries];
    FastEntry empty_table[kFastEntries];  // used while #AC is checked: every access goes the slow way
    FastCodeEntry fast_code_tables[2][kFastCodeEntries];
    FastSlots<kFastEntries> fast_slots;           // of any of the three tables
    FastSlots<kFastCodeEntries> fast_code_slots;  // of any of the two
    jmp_buf* unwind = nullptr;                    // where raise() goes
    PendingException pending;
    DeliveryState delivery;
    bool step_trap = false;  // TF was set before the instruction; INT n, SYSCALL and MOV SS clear this
    // Bit i: DRi is armed for execution, data or ports (debug_registers.h).
    u8 code_breakpoints = 0, data_breakpoints = 0, port_breakpoints = 0;
    ShutdownReason shutdown;  // while activity is Shutdown
    // Where to leave the block, by whoever looks before each Op; where tail calls go from Op to Op nobody does,
    // and the Op's handler is exchanged instead (stretch.cpp).
    Op* leave_at = nullptr;
    Handler exchanged_handler = nullptr;
    bool exit_requested = false;
    bool walking = false;            // a page walk is setting A and D bits
    i64 held = 0;                    // taken from insns_left, so that no further block fits (stretch.h)
    const Op* current_op = nullptr;  // while a slow path runs; null at an instruction boundary
    // What the totals would be at the stretch's end. The time is kept in parts of a tick, so that a cycle of
    // CPUs that share the time is a whole number of them.
    u64 insns_at_deadline = 0;
    u64 time_at_deadline = 0;
    i64 time_per_cycle = kTickParts;
    u64 insns_elsewhere = 0;  // of the total: those that other CPUs completed
    u64 code_crossings = 0;   // second ITLB look-ups of instructions that cross a page
    u64 exceptions_taken = 0, interrupts_taken = 0, page_faults = 0;
    // Events delivered right after another, no instruction having been completed (event_delivery.h), and this
    // CPU's instruction count at the last delivery of any.
    u64 barren_deliveries = 0;
    u64 delivered_at = ~u64{0};
    PathModel* path_model = nullptr;        // env.core's
    Path path;                              // told of where key::kTold is set (run/tell_path.h)
    std::unique_ptr<Block> uncached_block;  // an instruction that crosses a page, or lies outside RAM
    std::unique_ptr<Op[]> uncached_ops;

    // --- for everybody ---

    // Replaces all flags that exist. Does not check privilege.
    void set_rflags(u32 value);

    // Divisible by any number of CPUs.
    static constexpr i64 kTickParts = 840;

    // Instructions completed by the machine and virtual time, exact at any point of this CPU's turn, also
    // within an instruction's device access. While another CPU has its turn they stand still.
    u64 instructions() const;
    // Of these, this CPU's own.
    u64 own_instructions() const { return instructions() - insns_elsewhere; }
    Ticks ticks() const;
    u64 time() const;  // the same in parts of a tick
    Moment moment() const { return {instructions(), ticks()}; }

    // Power-on or INIT (SDM vol. 3A, table 9-1).
    void reset(bool is_init = false);

    // Derives key, seg_base, fast and fast_code from the architectural state. To be called whenever CPL, CS,
    // SS, control registers, EFER, EFLAGS.AC or MXCSR's masks change, or state was loaded.
    void update_mode();
    // Forgets translations in the fast tables (not the TLB).
    void flush_fast();
    void drop_fast(Tlb::Side side, u64 linear, u64 length);
    // Writes to this page of RAM must be seen from now on: code has been decoded from it.
    void forbid_fast_writes(const u8* host_page);
    // The next write to any page must be seen.
    void forbid_all_fast_writes();

    PagingContext paging() const {
        return {cr0, cr3, cr4, msr.efer, pkru, static_cast<u8>(features.physical_bits())};
    }
    AccessMode access_mode() const;
    u16 pcid() const { return (cr4 & cr4::kPcide) != 0 ? static_cast<u16>(cr3 & 0xfff) : 0; }
    bool long_mode() const { return (msr.efer & efer::kLma) != 0; }
    bool virtual_8086() const { return (eflags & rflags::kVm) != 0; }
    CpuMode code_mode() const { return static_cast<CpuMode>(key & key::kModeMask); }
    bool code64() const { return code_mode() == CpuMode::Bits64; }

    // Runs until `instructions` have been completed in all or virtual time reaches `deadline`, whichever is
    // first, or until request_exit(). Interrupts are taken at instruction boundaries; does not run the event
    // queue. Returns at an instruction boundary.
    void run(u64 instructions_total, Ticks deadline);

    // True while only a signal from outside can make it go on. What is pending counts only where it would be
    // taken: an NMI not while another is handled (it is remembered), nor before a start-up IPI.
    bool waits() const {
        if (init_pending) return false;
        if (activity == Activity::WaitForSipi) return !sipi_pending;
        const bool monitoring = activity == Activity::MonitorWait && monitor.armed;
        return (activity == Activity::Halted || monitoring) && !(nmi_pending && !nmi_blocked) &&
               !(intr && (eflags & rflags::kIf) != 0);
    }
    // Time passes while it waits.
    void wait_until(Ticks when);
    // Its turn comes after `last`'s: takes over the machine's counts. `sharing`: how many CPUs run.
    void take_turn(const Cpu& last, unsigned sharing);

    // Ends the present run() after the instruction being executed.
    void request_exit();

    void visit(Archive& archive);

  private:
    void update_told();
    void begin_stretch(u64 instructions_total, Ticks deadline);
};

}  // namespace orrery
