#include "emulator/core/cpu/run/privilege.h"

#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/memory.h"

namespace orrery {

namespace {

void protection_fault(Cpu* c, const Op* op) {
    raise_error(c, op, Vector::GP, 0);
}

unsigned iopl(const Cpu* c) {
    return (c->eflags & rflags::kIopl) >> 12;
}

void check_cpl0(Cpu* c, const Op* op) {
    if (c->cpl != 0) protection_fault(c, op);
    ORRERY_NEXT(c, op);
}
void check_cpl0_ud(Cpu* c, const Op* op) {
    if (c->cpl != 0) raise(c, op, Vector::UD);
    ORRERY_NEXT(c, op);
}
void check_iopl(Cpu* c, const Op* op) {
    if (c->cpl > iopl(c)) protection_fault(c, op);  // real mode has CPL 0
    ORRERY_NEXT(c, op);
}
// SDM vol. 3A, 20.2.7.
void check_v86_iopl(Cpu* c, const Op* op) {
    if (c->virtual_8086() && iopl(c) != 3) protection_fault(c, op);
    ORRERY_NEXT(c, op);
}

// CPL 0, where this bit of CR4 is as given.
template <u64 bit, bool set>
void check_cr4(Cpu* c, const Op* op) {
    if (c->cpl != 0 && ((c->cr4 & bit) != 0) == set) protection_fault(c, op);
    ORRERY_NEXT(c, op);
}

}  // namespace

Handler privilege_check(Privilege privilege, u32 key) {
    switch (privilege) {
        case Privilege::Any:
        case Privilege::Cpl0Late:
        case Privilege::Io:
            return nullptr;
        case Privilege::Cpl0:
            return check_cpl0;
        case Privilege::Cpl0Ud:
            return check_cpl0_ud;
        case Privilege::Iopl:
            return check_iopl;
        case Privilege::V86Iopl:
            return (key & key::kLong) != 0 ? nullptr : check_v86_iopl;
        case Privilege::Cr4Tsd:
            return check_cr4<cr4::kTsd, true>;
        case Privilege::Cr4Pce:
            return check_cr4<cr4::kPce, false>;
        case Privilege::Umip:
            return check_cr4<cr4::kUmip, true>;
    }
    return nullptr;
}

}  // namespace orrery
