// Walking page tables from end to end.
#include "emulator/guestos/tasks/page_map.h"

#include <set>

namespace orrery {

u64 for_each_mapped_page(Machine& machine, unsigned cpu, u64 cr3, u64 begin, u64 end,
                         const std::function<void(u64, const WalkResult&)>& visit) {
    const unsigned levels = machine.cpu(cpu).paging().levels();
    if (levels == 0) return 0;
    std::set<u64> tables;
    for (u64 linear = begin; linear < end;) {
        const WalkResult result = machine.translate(cpu, linear, cr3);
        if (result.step_count == 0) break;  // no such address
        for (unsigned i = 1; i < result.step_count; ++i)
            tables.insert(result.steps[i].entry_address & ~u64{0xfff});
        const u64 size = u64{1} << table_index(levels, result.last().level).shift;
        if (result.ok) visit(linear & ~(size - 1), result);
        const u64 next = (linear & ~(size - 1)) + size;
        if (next <= linear) break;
        linear = next;
    }
    return tables.size();
}

}  // namespace orrery
