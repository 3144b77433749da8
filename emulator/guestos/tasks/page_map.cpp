// Walking page tables from end to end.
#include "emulator/guestos/tasks/page_map.h"

#include <set>

#include "emulator/core/cpu/state/state.h"

namespace orrery {

u64 for_each_mapped_page(Bus& bus, PagingContext context, u64 begin, u64 end,
                         const std::function<void(u64, const WalkResult&)>& visit) {
    if (context.levels() == 0) return 0;
    context.cr4 &= ~(cr4::kSmap | cr4::kSmep | cr4::kPke);
    std::set<u64> tables;
    for (u64 linear = begin; linear < end;) {
        const WalkResult result = walk(bus, context, linear, AccessKind::Read, false, true, WalkMode::Peek);
        for (unsigned i = 1; i < result.step_count; ++i)
            tables.insert(result.steps[i].entry_address & ~u64{0xfff});
        const unsigned index_bits = context.levels() == 2 ? 10 : 9;
        const unsigned shift = result.ok ? result.page_shift : 12 + index_bits * (result.fault_level - 1);
        const u64 size = u64{1} << shift;
        if (result.ok) visit(linear & ~(size - 1), result);
        const u64 next = (linear & ~(size - 1)) + size;
        if (next <= linear) break;
        linear = next;
    }
    return tables.size();
}

}  // namespace orrery
