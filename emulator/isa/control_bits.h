// The bits of the control registers, IA32_EFER and XCR0 that are modelled (Intel SDM vol. 3A, 2.2.1, 2.5, 2.6).
#pragma once

#include "emulator/isa/types.h"

namespace orrery {

namespace cr0 {
inline constexpr u64 kPe = 1, kMp = 1u << 1, kEm = 1u << 2, kTs = 1u << 3, kEt = 1u << 4, kNe = 1u << 5,
                     kWp = 1u << 16, kAm = 1u << 18, kNw = 1u << 29, kCd = 1u << 30, kPg = 1u << 31;
}
namespace cr4 {
inline constexpr u64 kVme = 1, kPvi = 1u << 1, kTsd = 1u << 2, kDe = 1u << 3, kPse = 1u << 4, kPae = 1u << 5,
                     kMce = 1u << 6, kPge = 1u << 7, kPce = 1u << 8, kOsfxsr = 1u << 9,
                     kOsxmmexcpt = 1u << 10, kUmip = 1u << 11, kLa57 = 1u << 12, kFsgsbase = 1u << 16,
                     kPcide = 1u << 17, kOsxsave = 1u << 18, kSmep = 1u << 20, kSmap = 1u << 21,
                     kPke = 1u << 22;
}
namespace efer {
inline constexpr u64 kSce = 1, kLme = 1u << 8, kLma = 1u << 10, kNxe = 1u << 11;
}

// Extended control register 0: the state components that XSAVE and AVX may use (SDM vol. 1, 13.3).
namespace xcr0 {
inline constexpr u64 kX87 = 1, kSse = 1u << 1, kAvx = 1u << 2, kPkru = 1u << 9;
}

}  // namespace orrery
