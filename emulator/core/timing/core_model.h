// What a CPU's core makes of its instructions, in cycles: one model for each CPU, part of its state.
//
// A cost must depend on the instruction, and on architectural or modelled state, only, never on how instructions
// were grouped into blocks: a run stepped one instruction at a time has the same cycles. A model for which a cost of
// each instruction, known when it is decoded, is not enough is a PathModel: it is told of the path that is taken.
#pragma once

#include <span>

#include "emulator/core/state/archive.h"
#include "emulator/isa/decoder.h"
#include "emulator/isa/insn.h"

namespace orrery {

class PathModel;

// Accesses that no cache answers: to devices, by their registers in memory or by ports.
enum class Uncached : u8 { MemoryRead, MemoryWrite, PortRead, PortWrite };

class CoreModel {
  public:
    virtual ~CoreModel() = default;
    // Static cost of executing `insn` once; at least 1. Asked once for each decoded instruction.
    virtual u32 instruction(const Insn& insn) const = 0;
    // Each further iteration of a repeated string instruction.
    virtual u32 string_iteration() const = 0;
    // Of an access: a second-level TLB hit, and a page walk of so many steps.
    virtual u32 l2_tlb_hit() = 0;
    virtual u32 walk(unsigned steps) = 0;
    // Of an access to a device, once for each that the device sees.
    virtual u32 uncached(Uncached access) = 0;
    // Itself where it is to be told of the path, else null: then nobody is told, and nothing is paid for it.
    virtual PathModel* path() { return nullptr; }
    // What it remembers: part of snapshots and of the state hash.
    virtual void visit(Archive&) {}
};

// Instructions begun one after another, from where a branch led to the next branch. Where it begins and ends is a
// matter of the path alone: blocks, page ends, stops and turns of other CPUs cut none.
struct Stretch {
    static constexpr unsigned kMost = 64;  // instructions
    enum class End : u8 {
        Branch,  // its last instruction: near or far, taken or not
        Alone,  // its last or the next one stands alone: it changes the mode, reads the time, or goes to devices
        Full,   // it has kMost instructions
        Event,  // an exception or interrupt came; or RIP was set from outside
    };
    u64 start = 0;  // linear address of the first instruction
    CpuMode mode = CpuMode::Bits64;
    unsigned instructions = 0;
    std::span<const u8> bytes;  // of the instructions, in order
    End end = End::Branch;
    u64 last = 0;  // linear address of the last instruction
    // Of what comes next. Of a fault (End::Event): `last`, which was not completed.
    u64 next = 0;
    // Of End::Branch: it did not go to the instruction behind it.
    bool taken() const { return end == End::Branch && next != start + bytes.size(); }
};

// Is told of each stretch as the next instruction begins (of End::Event: as the handler's does), of each line of
// memory as it is accessed, and of each line from which instructions are fetched as the first of them begins. In the
// order of the program; each answer is in cycles on top of instruction(), charged to the instruction that has begun.
class PathModel : public CoreModel {
  public:
    static constexpr u64 kLine = 64;  // bytes

    PathModel* path() final { return this; }
    virtual u32 stretch(const Stretch& stretch) = 0;
    // `line`: physical address. Accesses of one instruction to the line that it accessed last, in the same way, are
    // told of once; fetches from the line of the instruction before are not told of.
    virtual u32 data_line(u64 line, bool write) = 0;
    virtual u32 fetch_line(u64 line) = 0;
};

}  // namespace orrery
