// Who may execute an instruction: the privilege column of the instruction table (isa/notation.h), checked by an
// Op in front of the instruction's own.
#pragma once

#include "emulator/core/cpu/run/op.h"
#include "emulator/isa/row.h"

namespace orrery {

// The handler of the Op in front, which raises #GP(0) or #UD or goes on; nullptr where blocks of this key need
// none, or the instruction's handler has to look (Cpl0Late, Io).
Handler privilege_check(Privilege privilege, u32 key);

}  // namespace orrery
