// Floating-point arithmetic: SSE, SSE2, SSE3; logic on floating-point operands (SDM vol. 1, 10.4 to 12.4).
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

ORRERY_SSE_ARITHMETIC(addps, PackedFp, Add, 4, 4);
ORRERY_SSE_ARITHMETIC(addpd, PackedFp, Add, 8, 2);
ORRERY_SSE_ARITHMETIC(addss, ScalarFp4, Add, 4, 1);
ORRERY_SSE_ARITHMETIC(addsd, ScalarFp8, Add, 8, 1);
ORRERY_SSE_ARITHMETIC(subps, PackedFp, Sub, 4, 4);
ORRERY_SSE_ARITHMETIC(subpd, PackedFp, Sub, 8, 2);
ORRERY_SSE_ARITHMETIC(subss, ScalarFp4, Sub, 4, 1);
ORRERY_SSE_ARITHMETIC(subsd, ScalarFp8, Sub, 8, 1);
ORRERY_SSE_ARITHMETIC(mulps, PackedFp, Mul, 4, 4);
ORRERY_SSE_ARITHMETIC(mulpd, PackedFp, Mul, 8, 2);
ORRERY_SSE_ARITHMETIC(mulss, ScalarFp4, Mul, 4, 1);
ORRERY_SSE_ARITHMETIC(mulsd, ScalarFp8, Mul, 8, 1);
ORRERY_SSE_ARITHMETIC(divps, PackedFp, Div, 4, 4);
ORRERY_SSE_ARITHMETIC(divpd, PackedFp, Div, 8, 2);
ORRERY_SSE_ARITHMETIC(divss, ScalarFp4, Div, 4, 1);
ORRERY_SSE_ARITHMETIC(divsd, ScalarFp8, Div, 8, 1);
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

ORRERY_SSE_ARITHMETIC(addsubps, PackedFp, Add, 4, 4, LaneOrder::AddSub);
ORRERY_SSE_ARITHMETIC(addsubpd, PackedFp, Add, 8, 2, LaneOrder::AddSub);
ORRERY_SSE_ARITHMETIC(haddps, PackedFp, Add, 4, 4, LaneOrder::Horizontal);
ORRERY_SSE_ARITHMETIC(haddpd, PackedFp, Add, 8, 2, LaneOrder::Horizontal);
ORRERY_SSE_ARITHMETIC(hsubps, PackedFp, Sub, 4, 4, LaneOrder::Horizontal);
ORRERY_SSE_ARITHMETIC(hsubpd, PackedFp, Sub, 8, 2, LaneOrder::Horizontal);

ORRERY_SSE_OPERATION(andps, Packed);
ORRERY_SSE_OPERATION(andpd, Packed);
ORRERY_SSE_OPERATION(andnps, Packed);
ORRERY_SSE_OPERATION(andnpd, Packed);
ORRERY_SSE_OPERATION(orps, Packed);
ORRERY_SSE_OPERATION(orpd, Packed);
ORRERY_SSE_OPERATION(xorps, Packed);
ORRERY_SSE_OPERATION(xorpd, Packed);

}  // namespace orrery
