// Which bytes of memory an instruction will touch, computed from the decoded instruction and the registers.
// The generator keeps cases within the test's arena by it; it is written from the manual and shares no code
// with the interpreter.
#pragma once

#include <vector>

#include "emulator/isa/row.h"
#include "tests/isa/test_case.h"

namespace orrery::testing {

struct MemoryTouch {
    u64 address = 0;  // linear
    u64 size = 0;     // bytes, upwards
    bool writes = false;
};

/// The linear address of the explicit memory operand, segment base included. `insn_address`: of its first
/// byte.
u64 linear_address(const Insn& insn, const u64 (&gpr)[16], u64 insn_address);

/// All the memory an instruction may touch in this state: explicit, string, stack and implicit operands.
/// Sizes may be larger than the truth (a whole REP run).
std::vector<MemoryTouch> memory_touches(const Insn& insn, const u64 (&gpr)[16], u64 rflags, u64 insn_address);

/// Whether the memory operand is an XSAVE area, kXsaveAreaSize long.
bool uses_xsave_area(const Row& row);

/// Bytes of an element of the index register of a gather; 0: none.
unsigned vsib_index_size(const Row& row);

/// The memory that a gather may touch, whatever its mask.
std::vector<MemoryTouch> gather_touches(const Insn& insn, const TestState& state);

/// Whether every touch lies in the arena, writes within a window or where they fault; or is certain to fault
/// without touching anything (not canonical).
bool stays_in_arena(const std::vector<MemoryTouch>& touches);

bool is_canonical(u64 address);

}  // namespace orrery::testing
