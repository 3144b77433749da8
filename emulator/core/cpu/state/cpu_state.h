// What a CPU is to programs: its registers and modes, apart from whatever executes them. Standard layout, so that
// code which is not C++ (a translator's) can reach every field by its offset.
#pragma once

#include <cstddef>
#include <type_traits>

#include "emulator/core/cpu/run/op.h"
#include "emulator/core/cpu/state/flags.h"
#include "emulator/core/cpu/state/state.h"

namespace orrery {

struct CpuState {
    // --- what Ops name by byte offset (op.h) ---
    u64 gpr[16] = {};      // by GprIndex
    u64 zero_slot = 0;     // always 0: no base, no index
    u64 rip_slot = 0;      // RIP at an instruction boundary; within a block that of its start
    u64 address_slot = 0;  // linear address worked out by the Op before (legacy segmentation)

    LazyFlags lf;
    u32 eflags = rflags::kReservedOne;  // all but the arithmetic flags, which are in lf

    VectorRegister xmm[16];
    u32 mxcsr = 0x1f80;
    u64 xcr0 = xcr0::kX87;
    u8 cpl = 0;
    Activity activity = Activity::Running;
    bool interrupt_shadow = false;  // STI, MOV SS: the next boundary takes no interrupt
    bool stack_shadow = false;      // MOV SS: nor a debug trap (debug_registers.h)
    bool nmi_blocked = false;
    X87State x87;
    Segment seg[6];
    Segment ldtr, tr;
    DescriptorTable gdtr, idtr;
    u64 cr0 = 0x6000'0010, cr2 = 0, cr3 = 0, cr4 = 0;
    u64 dr[8] = {0, 0, 0, 0, 0, 0, 0xffff'0ff0, 0x400};
    u64 pending_debug = 0;  // DR6's status bits of a trap to be taken at the next boundary
    u32 pkru = 0;           // rights of protection keys
    bool ignne = false;     // IGNNE#: a pending x87 exception is ignored while CR0.NE = 0
    MsrState msr;

    // --- signals from outside ---
    bool intr = false;
    bool nmi_pending = false;
    bool init_pending = false;
    bool sipi_pending = false;
    u8 sipi_vector = 0;

    u64& rip() { return rip_slot; }
    u64 rip() const { return rip_slot; }
    u32 rflags() const { return eflags | lf.get(); }
};

static_assert(std::is_standard_layout_v<CpuState>);
static_assert(offsetof(CpuState, gpr) == 0);
static_assert(offsetof(CpuState, zero_slot) == kSlotZero);
static_assert(offsetof(CpuState, rip_slot) == kSlotBlockRip);
static_assert(offsetof(CpuState, address_slot) == kSlotAddress);
static_assert(offsetof(CpuState, lf) == 152 && offsetof(LazyFlags, result) == 0 &&
              offsetof(LazyFlags, aux) == 8);
static_assert(offsetof(CpuState, eflags) == 168);
static_assert(offsetof(CpuState, xmm) == 192);
static_assert(offsetof(CpuState, mxcsr) == 192 + 16 * sizeof(VectorRegister));

}  // namespace orrery
