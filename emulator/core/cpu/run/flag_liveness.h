// Which instructions of a block set flags that nobody will see, so that their handlers need not work them
// out.
//
// Flags are seen by an instruction that reads them, and wherever the block can be left: at its end, and
// around every instruction that can fault or touches memory (a device may ask for the instruction boundary,
// stretch.h). Between two instructions that work on registers alone nothing can come.
#pragma once

#include <span>

#include "emulator/isa/insn.h"

namespace orrery {

// dead[i]: block[i] works on registers alone, and every flag that it writes is overwritten before it is seen.
void find_dead_flags(std::span<const Insn> block, std::span<bool> dead);

}  // namespace orrery
