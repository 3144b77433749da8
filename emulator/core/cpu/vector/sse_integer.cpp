// Integer arithmetic, comparison, logic, packing and interleaving on 128 bits: SSE2, SSSE3, SSE4.1 and SSE4.2
// (SDM vol. 1, 11.4.2, 12.6, 12.10, 12.11; vol. 2).
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

// SSE2.
ORRERY_SSE_OPERATION(paddb, Packed);
ORRERY_SSE_OPERATION(paddw, Packed);
ORRERY_SSE_OPERATION(paddd, Packed);
ORRERY_SSE_OPERATION(paddq, Packed);
ORRERY_SSE_OPERATION(psubb, Packed);
ORRERY_SSE_OPERATION(psubw, Packed);
ORRERY_SSE_OPERATION(psubd, Packed);
ORRERY_SSE_OPERATION(psubq, Packed);

ORRERY_SSE_OPERATION(paddsb, Packed);
ORRERY_SSE_OPERATION(paddsw, Packed);
ORRERY_SSE_OPERATION(paddusb, Packed);
ORRERY_SSE_OPERATION(paddusw, Packed);
ORRERY_SSE_OPERATION(psubsb, Packed);
ORRERY_SSE_OPERATION(psubsw, Packed);
ORRERY_SSE_OPERATION(psubusb, Packed);
ORRERY_SSE_OPERATION(psubusw, Packed);

ORRERY_SSE_OPERATION(pavgb, Packed);
ORRERY_SSE_OPERATION(pavgw, Packed);
ORRERY_SSE_OPERATION(pminub, Packed);
ORRERY_SSE_OPERATION(pminsw, Packed);
ORRERY_SSE_OPERATION(pmaxub, Packed);
ORRERY_SSE_OPERATION(pmaxsw, Packed);
ORRERY_SSE_OPERATION(psadbw, Packed);

ORRERY_SSE_OPERATION(pmullw, Packed);
ORRERY_SSE_OPERATION(pmulhw, Packed);
ORRERY_SSE_OPERATION(pmulhuw, Packed);
ORRERY_SSE_OPERATION(pmuludq, Packed);
ORRERY_SSE_OPERATION(pmaddwd, Packed);

ORRERY_SSE_OPERATION(pcmpeqb, Packed);
ORRERY_SSE_OPERATION(pcmpeqw, Packed);
ORRERY_SSE_OPERATION(pcmpeqd, Packed);
ORRERY_SSE_OPERATION(pcmpgtb, Packed);
ORRERY_SSE_OPERATION(pcmpgtw, Packed);
ORRERY_SSE_OPERATION(pcmpgtd, Packed);

ORRERY_SSE_OPERATION(pand, Packed);
ORRERY_SSE_OPERATION(pandn, Packed);
ORRERY_SSE_OPERATION(por, Packed);
ORRERY_SSE_OPERATION(pxor, Packed);

ORRERY_SSE_OPERATION(psllw, PackedCount);
ORRERY_SSE_OPERATION(pslld, PackedCount);
ORRERY_SSE_OPERATION(psllq, PackedCount);
ORRERY_SSE_OPERATION(psrlw, PackedCount);
ORRERY_SSE_OPERATION(psrld, PackedCount);
ORRERY_SSE_OPERATION(psrlq, PackedCount);
ORRERY_SSE_OPERATION(psraw, PackedCount);
ORRERY_SSE_OPERATION(psrad, PackedCount);

ORRERY_SSE_OPERATION(packsswb, Packed);
ORRERY_SSE_OPERATION(packssdw, Packed);
ORRERY_SSE_OPERATION(packuswb, Packed);

ORRERY_SSE_OPERATION(punpcklbw, Packed);
ORRERY_SSE_OPERATION(punpcklwd, Packed);
ORRERY_SSE_OPERATION(punpckldq, Packed);
ORRERY_SSE_OPERATION(punpcklqdq, Packed);
ORRERY_SSE_OPERATION(punpckhbw, Packed);
ORRERY_SSE_OPERATION(punpckhwd, Packed);
ORRERY_SSE_OPERATION(punpckhdq, Packed);
ORRERY_SSE_OPERATION(punpckhqdq, Packed);

ORRERY_SSE_OPERATION(unpcklps, Packed);
ORRERY_SSE_OPERATION(unpcklpd, Packed);
ORRERY_SSE_OPERATION(unpckhps, Packed);
ORRERY_SSE_OPERATION(unpckhpd, Packed);

// SSSE3.
ORRERY_SSE_OPERATION(pshufb, Packed);
ORRERY_SSE_OPERATION(phaddw, Packed);
ORRERY_SSE_OPERATION(phaddd, Packed);
ORRERY_SSE_OPERATION(phaddsw, Packed);
ORRERY_SSE_OPERATION(phsubw, Packed);
ORRERY_SSE_OPERATION(phsubd, Packed);
ORRERY_SSE_OPERATION(phsubsw, Packed);

ORRERY_SSE_OPERATION(psignb, Packed);
ORRERY_SSE_OPERATION(psignw, Packed);
ORRERY_SSE_OPERATION(psignd, Packed);
ORRERY_SSE_OPERATION(pabsb, Packed);
ORRERY_SSE_OPERATION(pabsw, Packed);
ORRERY_SSE_OPERATION(pabsd, Packed);
ORRERY_SSE_OPERATION(pmulhrsw, Packed);
ORRERY_SSE_OPERATION(pmaddubsw, Packed);

// SSE4.
ORRERY_SSE_OPERATION(pminsb, Packed);
ORRERY_SSE_OPERATION(pminsd, Packed);
ORRERY_SSE_OPERATION(pminuw, Packed);
ORRERY_SSE_OPERATION(pminud, Packed);
ORRERY_SSE_OPERATION(pmaxsb, Packed);
ORRERY_SSE_OPERATION(pmaxsd, Packed);
ORRERY_SSE_OPERATION(pmaxuw, Packed);
ORRERY_SSE_OPERATION(pmaxud, Packed);

ORRERY_SSE_OPERATION(pmuldq, Packed);
ORRERY_SSE_OPERATION(pmulld, Packed);
ORRERY_SSE_OPERATION(pcmpeqq, Packed);
ORRERY_SSE_OPERATION(pcmpgtq, Packed);
ORRERY_SSE_OPERATION(packusdw, Packed);
ORRERY_SSE_OPERATION(phminposuw, Packed);

// Extension of 8, 4 or 2 bytes.
using Extend8 = Shape<8, false, false, Lanes::Expand>;
using Extend4 = Shape<4, false, false, Lanes::Expand>;
using Extend2 = Shape<2, false, false, Lanes::Expand>;
ORRERY_SSE_OPERATION(pmovsxbw, Extend8);
ORRERY_SSE_OPERATION(pmovsxbd, Extend4);
ORRERY_SSE_OPERATION(pmovsxbq, Extend2);
ORRERY_SSE_OPERATION(pmovsxwd, Extend8);
ORRERY_SSE_OPERATION(pmovsxwq, Extend4);
ORRERY_SSE_OPERATION(pmovsxdq, Extend8);
ORRERY_SSE_OPERATION(pmovzxbw, Extend8);
ORRERY_SSE_OPERATION(pmovzxbd, Extend4);
ORRERY_SSE_OPERATION(pmovzxbq, Extend2);
ORRERY_SSE_OPERATION(pmovzxwd, Extend8);
ORRERY_SSE_OPERATION(pmovzxwq, Extend4);
ORRERY_SSE_OPERATION(pmovzxdq, Extend8);

}  // namespace orrery
