#include "emulator/core/cpu/run/flag_liveness.h"

#include "emulator/core/cpu/state/flags.h"
#include "emulator/isa/effects.h"

namespace orrery {

void find_dead_flags(std::span<const Insn> block, std::span<bool> dead) {
    FlagSet seen = rflags::kArithmetic;  // later, before they are overwritten
    for (size_t i = block.size(); i-- > 0;) {
        const Effects e = effects(block[i]);
        dead[i] = false;
        if (!e.registers_only()) {
            seen = rflags::kArithmetic;
            continue;
        }
        const FlagSet written = e.flags.written & rflags::kArithmetic;
        // A shift by a count in a register leaves the flags alone if that is 0: its handler has to look.
        const bool always = (written & ~e.flags.replaced) == 0;
        dead[i] = written != 0 && always && (written & seen) == 0;
        seen = (seen & ~e.flags.replaced) | (e.flags.read & rflags::kArithmetic);
    }
}

}  // namespace orrery
