#include "emulator/core/cpu/state/debug_registers.h"

#include "emulator/core/cpu/run/exceptions.h"
#include "emulator/core/cpu/run/memory.h"
#include "emulator/core/cpu/run/stretch.h"

namespace orrery {

namespace {

constexpr u64 kGeneralDetect = 1u << 13;  // of DR7

// DR7's fields of breakpoint `i` (SDM vol. 3B, 17.2.4).
enum class Condition : u8 { Execute = 0, Write = 1, Port = 2, ReadWrite = 3 };
bool is_enabled(u64 dr7, unsigned i) {
    return (dr7 >> (2 * i) & 3) != 0;  // locally or globally
}
Condition condition_of(u64 dr7, unsigned i) {
    return static_cast<Condition>(dr7 >> (16 + 4 * i) & 3);
}
unsigned length_of(u64 dr7, unsigned i) {
    constexpr u8 kLengths[] = {1, 2, 8, 4};
    return kLengths[dr7 >> (18 + 4 * i) & 3];
}

// Breakpoints of `mask` on [address, address + size). Their own addresses are aligned to their lengths.
u64 matching(const Cpu* c, unsigned mask, u64 address, unsigned size) {
    u64 hits = 0;
    for (unsigned i = 0; i < 4; ++i) {
        if ((mask >> i & 1) == 0) continue;
        const unsigned length = length_of(c->dr[7], i);
        const u64 begin = c->dr[i] & ~u64{length - 1};
        if (address - begin < length || begin - address < size) hits |= u64{1} << i;
    }
    return hits;
}

bool on_page(const Cpu* c, unsigned mask, u64 linear) {
    for (unsigned i = 0; i < 4; ++i)
        if ((mask >> i & 1) != 0 && c->dr[i] >> 12 == linear >> 12) return true;
    return false;
}

// SDM vol. 3B, 17.2.2 and 17.2.4: DR4 and DR5 are other names, or not there; GD traps any access.
unsigned checked_number(Cpu* c, const Op* op, unsigned number) {
    if (number == 4 || number == 5) {
        if ((c->cr4 & cr4::kDe) != 0) raise(c, op, Vector::UD);
        number += 2;
    }
    if (c->cpl != 0) raise_error(c, op, Vector::GP, 0);
    if ((c->dr[7] & kGeneralDetect) != 0) raise_debug(c, op, dr6::kBd);
    return number;
}

}  // namespace

u64 read_debug_register(Cpu* c, const Op* op, unsigned number) {
    return c->dr[checked_number(c, op, number)];
}

void write_debug_register(Cpu* c, const Op* op, unsigned number, u64 value) {
    number = checked_number(c, op, number);
    if (number >= 6 && value >> 32 != 0) raise_error(c, op, Vector::GP, 0);
    if (number == 6) value = (value & 0xe00f) | 0xffff'0ff0;
    if (number == 7) value = (value & 0xffff'2bff) | 0x400;
    c->dr[number] = value;
    update_breakpoints(c);
}

void update_breakpoints(Cpu* c) {
    const bool armed_before = (c->code_breakpoints | c->data_breakpoints) != 0;
    c->code_breakpoints = c->data_breakpoints = c->port_breakpoints = 0;
    const u64 dr7 = c->dr[7];
    for (unsigned i = 0; i < 4; ++i) {
        if (!is_enabled(dr7, i)) continue;
        const u8 bit = static_cast<u8>(1u << i);
        switch (condition_of(dr7, i)) {
            case Condition::Execute:
                c->code_breakpoints |= bit;
                break;
            case Condition::Port:  // without CR4.DE undefined: nothing
                if ((c->cr4 & cr4::kDe) != 0) c->port_breakpoints |= bit;
                break;
            default:
                c->data_breakpoints |= bit;
                break;
        }
    }
    if (armed_before || (c->code_breakpoints | c->data_breakpoints) != 0) c->flush_fast();
}

bool page_has_data_breakpoint(const Cpu* c, u64 linear) {
    return on_page(c, c->data_breakpoints, linear);
}
bool page_has_code_breakpoint(const Cpu* c, u64 linear) {
    return on_page(c, c->code_breakpoints, linear);
}

void note_data_access(Cpu* c, const Op* op, u64 linear, unsigned size, bool write) {
    u64 hits = matching(c, c->data_breakpoints, linear, size);
    for (unsigned i = 0; i < 4 && !write; ++i)
        if (condition_of(c->dr[7], i) == Condition::Write) hits &= ~(u64{1} << i);
    if (hits == 0) return;
    c->pending_debug |= hits;
    leave_after(c, op);
}

void note_port_access(Cpu* c, u16 port, unsigned size) {
    c->pending_debug |= matching(c, c->port_breakpoints, port, size);
}

bool deliver_code_breakpoint(Cpu* c) {
    if (c->code_breakpoints == 0 || (c->eflags & rflags::kRf) != 0 || c->stack_shadow) return false;
    u64 linear = c->rip() + c->seg_base[kCs];
    if (!c->code64()) linear &= 0xffff'ffff;
    const u64 hits = matching(c, c->code_breakpoints, linear, 1);
    if (hits == 0) return false;
    c->pending = {Vector::DB, false, 0, hits};
    deliver_exception(c);
    return true;
}

void deliver_debug_trap(Cpu* c) {
    if (c->pending_debug == 0 || c->stack_shadow || c->activity == Activity::Shutdown) return;
    // Halted or not: a debug exception wakes it.
    c->activity = Activity::Running;
    c->pending = {Vector::DB, false, 0, c->pending_debug};
    c->pending_debug = 0;
    deliver_exception(c);
}

}  // namespace orrery
