#include "emulator/core/cpu/run/stretch.h"

#include <algorithm>
#include <cstring>

#include "emulator/core/cpu/run/dispatch.h"

namespace orrery {

// Large enough that no block fits while it is subtracted, small enough never to overflow.
static constexpr i64 kExitBias = i64{1} << 62;

u64 instruction_number(const Cpu* c, const Op* op) {
    return c->insns_at_deadline - static_cast<u64>(c->insns_left + c->held) +
           (op != nullptr ? op->number : 0);
}

// In parts of a tick.
static u64 time_at(const Cpu* c, const Op* op) {
    const i64 cycles_ahead = c->cycles_left - (op != nullptr ? op->cycles : 0);
    return c->time_at_deadline - static_cast<u64>(cycles_ahead * c->time_per_cycle);
}

Ticks ticks_at(const Cpu* c, const Op* op) {
    return time_at(c, op) / Cpu::kTickParts;
}

u64 Cpu::instructions() const {
    return instruction_number(this, current_op);
}
Ticks Cpu::ticks() const {
    return ticks_at(this, current_op);
}
u64 Cpu::time() const {
    return time_at(this, current_op);
}

void Cpu::wait_until(Ticks when) {
    time_at_deadline += when * kTickParts - time_at(this, nullptr);
}

void Cpu::take_turn(const Cpu& last, unsigned sharing) {
    const u64 total = instruction_number(&last, nullptr), time = time_at(&last, nullptr);
    insns_elsewhere += total - instruction_number(this, nullptr);
    insns_at_deadline = total;
    time_at_deadline = time;
    insns_left = cycles_left = held = 0;
    time_per_cycle = kTickParts / sharing;
}

void Cpu::begin_stretch(u64 instructions_total, Ticks deadline) {
    // Bounded so that countdowns never overflow.
    constexpr u64 kLongest = u64{1} << 50;
    const u64 insns_now = instruction_number(this, nullptr), time_now = time_at(this, nullptr);
    const u64 ticks = std::min(deadline - time_now / kTickParts, kLongest);
    const u64 per_cycle = static_cast<u64>(time_per_cycle);
    insns_left = static_cast<i64>(std::min(instructions_total - insns_now, kLongest));
    cycles_left = static_cast<i64>((ticks * kTickParts - time_now % kTickParts + per_cycle - 1) / per_cycle);
    insns_at_deadline = insns_now + static_cast<u64>(insns_left);
    time_at_deadline = time_now + static_cast<u64>(cycles_left) * per_cycle;
}

void hold(Cpu* c) {
    if (c->held != 0) return;
    c->insns_left -= kExitBias;
    c->held = kExitBias;
}

void leave_block(Cpu* c, const Op* op) {
    settle_at(c, op);
    c->pending_link = nullptr;
    ORRERY_LEAVE(c);
}

void leave_after(Cpu* c, const Op* op) {
    c->exit_requested = true;
    hold(c);
    // At a boundary the run loop looks by itself.
    if (op == nullptr || c->leave_at != nullptr) return;
    // Ops of a block lie in one array: the next one is always there, a spare one after the last. An address
    // Op and its instruction count as one: the exit goes after both.
    Op* after = const_cast<Op*>(op) + 1;
    while (after < c->block->ops + c->block->op_count && after->offset == op->offset) ++after;
    c->leave_at = after;
    if (!ORRERY_TAIL_CALLS) return;  // execute() looks
    c->exchanged_handler = after->fn;
    after->fn = leave_block;
}

void unplant(Cpu* c) {
    if (c->leave_at != nullptr && ORRERY_TAIL_CALLS) c->leave_at->fn = c->exchanged_handler;
    c->leave_at = nullptr;
    c->insns_left += c->held;
    c->held = 0;
}

void Cpu::request_exit() {
    leave_after(this, current_op);
}

void charge(Cpu* c, const Op* op, u32 cycles) {
    if (cycles == 0) return;
    c->cycles_left -= cycles;
    if (op != nullptr && c->cycles_left < static_cast<i64>(c->block->cycles)) leave_after(c, op);
}

void settle_at(Cpu* c, const Op* op) {
    if (op == nullptr) return;
    c->insns_left -= op->number;
    c->cycles_left -= op->cycles;
    for (const Op* before = c->block->ops; before < op; ++before)
        if (before->offset != op->offset) c->accesses += before->accesses;
    c->rip_slot += op->offset;
}

bool boundary_wanted(const Cpu* c, const Op* op) {
    return c->exit_requested || c->step_trap || c->cycles_left - op->cycles <= 0;
}

void emit(Cpu* c, const Op* op, const event::What& what) {
    Event event;
    event.what = what;
    event.cpu = static_cast<u8>(c->id);
    event.cpl = c->cpl;
    event.moment = {instruction_number(c, op), ticks_at(c, op)};
    event.rip = c->rip_slot + (op != nullptr ? op->offset : 0);
    const Op* outer = c->current_op;
    c->current_op = op;       // a callback may ask for the time, or for a stop
    const HostFpPause fp(c);  // or for MXCSR, or do arithmetic of its own
    c->env.observers->emit(event);
    c->current_op = outer;
}

void tell_of_access(Cpu* c, const Op* op, u64 linear, u64 physical, unsigned size, bool write, u64 value) {
    const Observers& observers = *c->env.observers;
    if (!observers.wants(EventKind::DataAccess) || !observers.points().data_at(linear, physical, size, write))
        return;
    emit(c, op,
         event::DataAccess{.write = write,
                           .size = size,
                           .linear = linear,
                           .physical = physical,
                           .data = size < 8 ? value & ((u64{1} << 8 * size) - 1) : value});
}

void tell_of_bus_write(Cpu* c, u64 physical, u64 size) {
    const Observers& observers = *c->env.observers;
    if (!observers.wants(EventKind::DataAccess) || !observers.points().physical_write_at(physical, size))
        return;
    using By = event::DataAccess::By;
    event::DataAccess access{.by = c->walking ? By::Walk : By::Device, .write = true, .size = size};
    access.physical = physical;
    std::memcpy(&access.data, c->env.bus->ram_at(physical), std::min<u64>(size, sizeof access.data));
    emit(c, c->current_op, access);
}

}  // namespace orrery
