// All mapped pages of an address space, found with the machine's one page-table walker in peek mode.
#pragma once

#include <functional>

#include "emulator/machine/machine.h"

namespace orrery {

// Calls visit(linear, result) for every page mapped in [begin, end), by address, in the tables at `cr3` as CPU
// `cpu` reads them; `result` is Machine::translate's. Empty parts of the tables are skipped a table at a time. Returns how
// many page-table pages lie below the top one in that range (as far as they were looked at).
u64 for_each_mapped_page(Machine& machine, unsigned cpu, u64 cr3, u64 begin, u64 end,
                         const std::function<void(u64 linear, const WalkResult& result)>& visit);

// The end of the lower (user) half: 128 TiB with four levels.
inline constexpr u64 kUserEnd = u64{1} << 47;

}  // namespace orrery
