// What an instruction reads and writes, its implicit operands included, and where it goes on: for whoever has
// to know without executing it (which flags are dead, where stepping over stops, what a core model waits for).
// Made from the columns of the instruction table alone (notation.h).
//
// All of it is said of an instruction that completes. What may depend on values (a mask, a condition, a count)
// is both read and written and not replaced.
#pragma once

#include "emulator/isa/row.h"

namespace orrery {

/// Registers or flags, as bits.
template <typename Bits>
struct Touched {
    Bits read = 0;      // what comes out depends on them
    Bits written = 0;   // they may change
    Bits replaced = 0;  // of `written`: their old value is lost, whatever it was. Of the others some bits, or
                        // in some cases all, stay as they were
    constexpr bool operator==(const Touched&) const = default;
};

/// Memory that is accessed, by where its address comes from.
struct MemoryEffect {
    enum class At : u8 {
        Operand,       // Insn's memory operand
        StringSource,  // segment:rSI
        StringDest,    // ES:rDI
        Table,         // segment:rBX+AL
        Rdi,           // segment:rDI
        Rax,           // segment:rAX
        Stack,         // SS:rSP: below it where written, from it where read
        Frame,         // SS:rBP
        System,        // descriptor tables and the TSS
    };
    At at = At::Operand;
    u16 size = 0;  // bytes of one access or element; 0 where it depends on more than the instruction
    bool read = false, written = false;
};

constexpr unsigned kMaxMemoryEffects = 4;

struct Effects {
    Touched<u16> general;  // bit n: register n
    Touched<u16> vector;   // bit n: YMMn; replaced where its upper half is too
    Touched<u8> mmx;       // bit n: MMn
    Touched<u8> st;        // bit n: ST(n) as numbered before the instruction; a push writes ST(7)
    int x87_pops = 0;      // pops minus pushes
    bool sets_top = false;
    Touched<u8> segment;  // bit: SegmentIndex
    Touched<u16> system;  // system_state
    /// As they are in RFLAGS. `written` has the undefined ones too, as far as this machine changes them.
    Touched<FlagSet> flags;

    u8 memory_count = 0;
    MemoryEffect memory[kMaxMemoryEffects];

    Flow flow = Flow::Next;
    bool conditional = false;   // goes on with the next instruction if the condition is not met
    bool repeats = false;       // a string instruction with a repeat prefix
    bool serializing = false;   // SDM Vol. 3A, 8.3
    bool deterministic = true;  // false: the result is not a function of what is read (time, noise)
    bool may_fault = false;     // may raise an exception, or end the block
    Privilege privilege = Privilege::Any;

    bool reads_memory() const;
    bool writes_memory() const;
    /// Works on registers and flags alone: between two such instructions nothing can look at the machine.
    bool registers_only() const { return !may_fault && memory_count == 0 && flow == Flow::Next; }
};

/// The effects of a decoded instruction.
Effects effects(const Insn& insn);

/// Where a relative branch goes, if taken. `address`: of the instruction. Only with a Relative operand.
u64 relative_target(const Insn& insn, u64 address);
bool is_relative(const Insn& insn);

}  // namespace orrery
