// Writes to control registers with their checks and their consequences for paging, TLB and mode (SDM vol. 3A,
// 2.5, 4.1 to 4.10, 9.8; vol. 2, MOV to control registers).
//
// All raise #GP(0) (or #UD) of `op` before anything has changed. Privilege is checked by the caller, who also
// ends with update_mode().
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

void write_cr0(Cpu* c, const Op* op, u64 value);
// `value` as given to MOV: with PCIDs, bit 63 keeps the translations of the new PCID.
void write_cr3(Cpu* c, const Op* op, u64 value);
void write_cr4(Cpu* c, const Op* op, u64 value);
// CR8: the local APIC's task priority class. Without an APIC it reads 0.
u64 read_cr8(const Cpu* c);
void write_cr8(Cpu* c, const Op* op, u64 value);

// INVLPG and INVPCID, after their operands' checks. `type` and `pcid` as INVPCID's.
void invalidate_page(Cpu* c, const Op* op, u64 linear);
void invalidate_by_pcid(Cpu* c, const Op* op, unsigned type, u16 pcid, u64 linear);

}  // namespace orrery
