// Floating-point arithmetic: SSE, SSE2, SSE3; logic on floating-point operands (SDM vol. 1, 10.4 to 12.4).
#include "emulator/cpu/exec_sse.h"

namespace orrery {

using namespace sse;

ORRERY_SSE_OPERATION(addps, PackedFp);
ORRERY_SSE_OPERATION(addpd, PackedFp);
ORRERY_SSE_OPERATION(addss, ScalarFp4);
ORRERY_SSE_OPERATION(addsd, ScalarFp8);
ORRERY_SSE_OPERATION(subps, PackedFp);
ORRERY_SSE_OPERATION(subpd, PackedFp);
ORRERY_SSE_OPERATION(subss, ScalarFp4);
ORRERY_SSE_OPERATION(subsd, ScalarFp8);
ORRERY_SSE_OPERATION(mulps, PackedFp);
ORRERY_SSE_OPERATION(mulpd, PackedFp);
ORRERY_SSE_OPERATION(mulss, ScalarFp4);
ORRERY_SSE_OPERATION(mulsd, ScalarFp8);
ORRERY_SSE_OPERATION(divps, PackedFp);
ORRERY_SSE_OPERATION(divpd, PackedFp);
ORRERY_SSE_OPERATION(divss, ScalarFp4);
ORRERY_SSE_OPERATION(divsd, ScalarFp8);
ORRERY_SSE_OPERATION(sqrtps, PackedFp);
ORRERY_SSE_OPERATION(sqrtpd, PackedFp);
ORRERY_SSE_OPERATION(sqrtss, ScalarFp4);
ORRERY_SSE_OPERATION(sqrtsd, ScalarFp8);
ORRERY_SSE_OPERATION(minps, PackedFp);
ORRERY_SSE_OPERATION(minpd, PackedFp);
ORRERY_SSE_OPERATION(minss, ScalarFp4);
ORRERY_SSE_OPERATION(minsd, ScalarFp8);
ORRERY_SSE_OPERATION(maxps, PackedFp);
ORRERY_SSE_OPERATION(maxpd, PackedFp);
ORRERY_SSE_OPERATION(maxss, ScalarFp4);
ORRERY_SSE_OPERATION(maxsd, ScalarFp8);

ORRERY_SSE_OPERATION(addsubps, PackedFp);
ORRERY_SSE_OPERATION(addsubpd, PackedFp);
ORRERY_SSE_OPERATION(haddps, PackedFp);
ORRERY_SSE_OPERATION(haddpd, PackedFp);
ORRERY_SSE_OPERATION(hsubps, PackedFp);
ORRERY_SSE_OPERATION(hsubpd, PackedFp);

ORRERY_SSE_OPERATION(andps, Packed);
ORRERY_SSE_OPERATION(andpd, Packed);
ORRERY_SSE_OPERATION(andnps, Packed);
ORRERY_SSE_OPERATION(andnpd, Packed);
ORRERY_SSE_OPERATION(orps, Packed);
ORRERY_SSE_OPERATION(orpd, Packed);
ORRERY_SSE_OPERATION(xorps, Packed);
ORRERY_SSE_OPERATION(xorpd, Packed);

}  // namespace orrery
