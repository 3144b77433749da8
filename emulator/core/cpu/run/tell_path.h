// Tells of the path that the CPU takes: its core model, where that is a PathModel, and subscribers to
// EventKind::Stretch. Blocks that are built while somebody wants to know (key::kTold) have Ops for it in front of each
// instruction; others have none, and pay nothing.
#pragma once

#include <span>

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Fills in an Op that tells of its instruction as it begins, in front of all else of it.
void lower_told(const Insn& insn, std::span<const u8> bytes, Op& op);
// The same for the line of its bytes at `physical`.
void lower_fetch_line(u64 physical, Op& op);

// To be called after each access to `size` bytes of RAM that was allowed, a page at a time.
void tell_data_lines(Cpu* c, const Op* op, u64 physical, unsigned size, bool write);
inline void tell_data(Cpu* c, const Op* op, u64 physical, unsigned size, bool write) {
    if (__builtin_expect(c->path_model != nullptr, 0)) tell_data_lines(c, op, physical, size, write);
}

// An event is being delivered, at an instruction boundary. `fault`: of the instruction there.
void cut_path(Cpu* c, bool fault);

}  // namespace orrery
