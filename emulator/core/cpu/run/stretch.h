// Keeping exact time within a stretch: counters are settled at block ends, and worked out from an Op's place
// in its block where something needs them earlier.
#pragma once

#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/cpu/vector/fp_env.h"

namespace orrery {

// Completed instructions and virtual time at `op` (null: at an instruction boundary, all settled).
u64 instruction_number(const Cpu* c, const Op* op);
Ticks ticks_at(const Cpu* c, const Op* op);

// Adds a dynamic cost to the instruction `op`, and leaves the block after it where an event becomes due in
// it.
void charge(Cpu* c, const Op* op, u32 cycles);

// Leaves the block after `op`, at the instruction boundary (and ends no run: the run loop decides).
void leave_after(Cpu* c, const Op* op);
// Lets no further block be entered until unplant().
void hold(Cpu* c);
// Takes back what leave_after and hold did.
void unplant(Cpu* c);

// A handler that leaves the block at `op`, whose instruction has not begun: counts what came before it. Also the
// first handler of a block that has been dropped (code_cache.h).
void leave_block(Cpu* c, const Op* op);

// Leaves at `op` without having completed its instruction: counts what came before it and sets RIP to it.
void settle_at(Cpu* c, const Op* op);

// True where a repeated instruction must stop between iterations: something is due, or wants the boundary.
bool boundary_wanted(const Cpu* c, const Op* op);

// Tells the observers of what happens at `op`, or (null) between instructions.
void emit(Cpu* c, const Op* op, const event::What& what);

// Tells of an access to data, or of the part of one that lies within a page, where it is watched
// (WatchPoints). To be called once it is made; `value`: the data, the first 8 bytes of it.
void tell_of_access(Cpu* c, const Op* op, u64 linear, u64 physical, unsigned size, bool write, u64 value);
// The same for a write to RAM that was made through the bus: by a device, or by the page walk of an access.
void tell_of_bus_write(Cpu* c, u64 physical, u64 size);

// Brackets an access to a device: the clock shows the instruction's own time, and signals that the device
// raises meanwhile end the block after it. The device may do floating-point arithmetic of its own. What the way to
// it costs is charged afterwards; what is a part of the CPU (x2APIC, CR8) is reached at no further cost.
class DeviceAccess {
  public:
    DeviceAccess(Cpu* cpu, const Op* op) : fp_(cpu), cpu_(cpu), op_(op), outer_(cpu->current_op) {
        cpu_->current_op = op;
        cpu_->env.events->set_now(ticks_at(cpu, op));
    }
    DeviceAccess(Cpu* cpu, const Op* op, Uncached way) : DeviceAccess(cpu, op) {
        cost_ = cpu->env.core->uncached(way);
    }
    ~DeviceAccess() {
        cpu_->current_op = outer_;
        charge(cpu_, op_, cost_);
    }
    DeviceAccess(const DeviceAccess&) = delete;
    DeviceAccess& operator=(const DeviceAccess&) = delete;

  private:
    HostFpPause fp_;
    Cpu* cpu_;
    const Op* op_;
    const Op* outer_;
    u32 cost_ = 0;
};

// Translates an instruction fetch; raises as one does. RIP must be at the boundary.
u64 translate_fetch(Cpu* c, u64 linear);

}  // namespace orrery
