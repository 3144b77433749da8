// The interpreter's column of the instruction table: each row's selector, in the table's order.
#include "emulator/core/cpu/run/lower.h"

namespace orrery {

#define ROW(mnemonic, encoding, operands, implicit, attrs, flow, read, written, undefined, exceptions, \
            cpuid, privilege, timing, semantics)                                                       \
    void select_##semantics(const Insn& insn, u32 key, Op& op);
#include "emulator/isa/rows.def"
#undef ROW

Selector selector_of(u16 row_id) {
    static constexpr Selector kSelectors[] = {
#define ROW(mnemonic, encoding, operands, implicit, attrs, flow, read, written, undefined, exceptions, \
            cpuid, privilege, timing, semantics)                                                       \
    select_##semantics,
#include "emulator/isa/rows.def"
#undef ROW
    };
    return kSelectors[row_id];
}

}  // namespace orrery
