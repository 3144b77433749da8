// SSE3's moves that duplicate elements (SDM vol. 2).
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

struct Low8 : Shape<8, false, false, Lanes::Each> {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_unpacklo_epi64(b, b); }
};
struct Even : Packed {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_shuffle_epi32(b, 0xa0); }
};
struct Odd : Packed {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_shuffle_epi32(b, 0xf5); }
};

}  // namespace

void select_movddup(const Insn& insn, u32 key, Op& op) {
    select_combine<Low8>(insn, key, op);
}
void select_movsldup(const Insn& insn, u32 key, Op& op) {
    select_combine<Even>(insn, key, op);
}
void select_movshdup(const Insn& insn, u32 key, Op& op) {
    select_combine<Odd>(insn, key, op);
}

}  // namespace orrery
