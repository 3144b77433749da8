// Slow paths of 16-byte operands.
#include "emulator/cpu/exec_sse.h"

namespace orrery::sse {

Xmm load_xmm_slow(Cpu* c, const Op* op, u64 linear) {
    Xmm value;
    load_bytes_slow(c, op, linear, &value, sizeof value);
    return value;
}

void store_xmm_slow(Cpu* c, const Op* op, u64 linear, Xmm value) {
    store_bytes_slow(c, op, linear, &value, sizeof value);
}

void raise_misaligned(Cpu* c, const Op* op) {
    raise_error(c, op, Vector::GP, 0);
}

}  // namespace orrery::sse
