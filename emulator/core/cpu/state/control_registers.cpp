#include "emulator/core/cpu/state/control_registers.h"

#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

constexpr u64 kKeepTranslations = u64{1} << 63;

using InvalidateCause = event::TlbInvalidate::By;

void tell_invalidate(Cpu* c, const Op* op, InvalidateCause cause, u64 address) {
    if (c->env.observers->wants(EventKind::TlbInvalidate)) emit(c, op, event::TlbInvalidate{cause, address});
}

void invalidate_everything(Cpu* c, const Op* op) {
    tell_invalidate(c, op, InvalidateCause::Cr0Cr4, 0);
    c->tlb.invalidate_all(true);
}

bool pae_paging(u64 cr0, u64 cr4, u64 efer) {
    return (cr0 & cr0::kPg) != 0 && (cr4 & cr4::kPae) != 0 && (efer & efer::kLma) == 0;
}

// PAE paging: the four page-directory-pointer entries are checked when they are loaded (SDM vol. 3A, 4.4.1).
// The walker reads them from memory each time.
void check_pdptes(Cpu* c, const Op* op, u64 cr3) {
    const u64 reserved = 0x1e6 | ~c->features.physical_mask();
    for (unsigned i = 0; i < 4; ++i) {
        const u64 entry = c->env.bus->read((cr3 & 0xffff'ffe0) + 8 * i, 8);
        if ((entry & pte::kPresent) != 0 && (entry & reserved) != 0) raise_error(c, op, Vector::GP, 0);
    }
}

// Bits of CR4 that exist in this profile.
u64 defined_cr4(const Cpu* c) {
    u64 bits = cr4::kTsd | cr4::kDe | cr4::kPse | cr4::kPae | cr4::kMce | cr4::kPge | cr4::kPce |
               cr4::kOsfxsr | cr4::kOsxmmexcpt;
    if (c->features.has(Feature::Pcid)) bits |= cr4::kPcide;
    if (c->features.has(Feature::Smep)) bits |= cr4::kSmep;
    if (c->features.has(Feature::Smap)) bits |= cr4::kSmap;
    if (c->features.has(Feature::Umip)) bits |= cr4::kUmip;
    if (c->features.has(Feature::Fsgsbase)) bits |= cr4::kFsgsbase;
    if (c->features.has(Feature::Xsave)) bits |= cr4::kOsxsave;
    if (c->features.has(Feature::Pku)) bits |= cr4::kPke;
    if (c->features.has(Feature::La57)) bits |= cr4::kLa57;
    return bits;
}

}  // namespace

void write_cr0(Cpu* c, const Op* op, u64 value) {
    constexpr u64 kDefined = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kEt | cr0::kNe | cr0::kWp |
                             cr0::kAm | cr0::kNw | cr0::kCd | cr0::kPg;
    const u64 old = c->cr0;
    if (value >> 32 != 0) raise_error(c, op, Vector::GP, 0);
    value = (value & kDefined) | cr0::kEt;
    const bool paging = (value & cr0::kPg) != 0;
    if (paging && (value & cr0::kPe) == 0) raise_error(c, op, Vector::GP, 0);
    if ((value & cr0::kNw) != 0 && (value & cr0::kCd) == 0) raise_error(c, op, Vector::GP, 0);

    u64 efer = c->msr.efer;
    if (paging && (old & cr0::kPg) == 0 && (efer & efer::kLme) != 0) {
        // SDM vol. 3A, 9.8.5: activating IA-32e mode.
        const bool tss16 = c->tr.type() == system_type::kTss16Busy;
        if ((c->cr4 & cr4::kPae) == 0 || c->seg[kCs].long_mode() || tss16) raise_error(c, op, Vector::GP, 0);
        efer |= efer::kLma;
    }
    if (!paging && (old & cr0::kPg) != 0) {
        if (c->code64() || (c->cr4 & cr4::kPcide) != 0) raise_error(c, op, Vector::GP, 0);
        efer &= ~efer::kLma;
    }
    constexpr u64 kReloadsPdptes = cr0::kCd | cr0::kNw | cr0::kPg;
    if (pae_paging(value, c->cr4, efer) && ((value ^ old) & kReloadsPdptes) != 0) check_pdptes(c, op, c->cr3);

    c->cr0 = value;
    c->msr.efer = efer;
    if (((value ^ old) & cr0::kPg) != 0) invalidate_everything(c, op);
    // The fast tables hold what WP, PG and PE allowed.
    if (((value ^ old) & (cr0::kPg | cr0::kWp | cr0::kPe)) != 0) c->flush_fast();
}

void write_cr3(Cpu* c, const Op* op, u64 value) {
    const bool pcids = (c->cr4 & cr4::kPcide) != 0;
    const bool keep = pcids && (value & kKeepTranslations) != 0;
    if (pcids) value &= ~kKeepTranslations;
    if (c->long_mode() && (value & ~c->features.physical_mask()) != 0) raise_error(c, op, Vector::GP, 0);
    if (pae_paging(c->cr0, c->cr4, c->msr.efer)) check_pdptes(c, op, value);
    if (c->env.observers->wants(EventKind::AddressSpace)) emit(c, op, event::AddressSpace{value});
    c->cr3 = value;
    if (!keep) {
        tell_invalidate(c, op, InvalidateCause::Cr3, value);
        c->tlb.invalidate_pcid(c->pcid());
    }
    c->flush_fast();  // its entries have no PCID
}

void write_cr4(Cpu* c, const Op* op, u64 value) {
    const u64 old = c->cr4;
    const u64 changed = value ^ old;
    if ((value & ~defined_cr4(c)) != 0) raise_error(c, op, Vector::GP, 0);
    if (c->long_mode() && (value & cr4::kPae) == 0) raise_error(c, op, Vector::GP, 0);
    // The depth of the tree cannot change under it (SDM vol. 3A, 2.5).
    if (c->long_mode() && (changed & cr4::kLa57) != 0) raise_error(c, op, Vector::GP, 0);
    if ((value & cr4::kPcide) != 0 && (old & cr4::kPcide) == 0 && (!c->long_mode() || (c->cr3 & 0xfff) != 0))
        raise_error(c, op, Vector::GP, 0);
    constexpr u64 kReloadsPdptes = cr4::kPae | cr4::kPge | cr4::kPse | cr4::kSmep;
    if (pae_paging(c->cr0, value, c->msr.efer) && (changed & kReloadsPdptes) != 0)
        check_pdptes(c, op, c->cr3);

    // SDM vol. 3A, 4.10.4.1. The PCID that counts is the one before the change.
    const bool all = (changed & cr4::kPge) != 0 || ((changed & cr4::kPcide) != 0 && (old & cr4::kPcide) != 0);
    const bool current = (changed & (cr4::kPae | cr4::kPse)) != 0 || (changed & value & cr4::kSmep) != 0;
    if (all || current) invalidate_everything(c, op);
    c->cr4 = value;
    if (changed != 0) c->flush_fast();
    update_breakpoints(c);
}

u64 read_cr8(const Cpu* c) {
    return c->env.apic != nullptr ? c->env.apic->task_priority_class() : 0;
}

void write_cr8(Cpu* c, const Op* op, u64 value) {
    if (value > 15) raise_error(c, op, Vector::GP, 0);
    if (c->env.apic == nullptr) return;
    DeviceAccess access(c, op);
    c->env.apic->set_task_priority_class(static_cast<u8>(value));
}

void invalidate_page(Cpu* c, const Op* op, u64 linear) {
    tell_invalidate(c, op, InvalidateCause::Invlpg, linear);
    c->tlb.invalidate_page(linear, c->pcid(), true);
}

void invalidate_by_pcid(Cpu* c, const Op* op, unsigned type, u16 pcid, u64 linear) {
    tell_invalidate(c, op, InvalidateCause::Invpcid, linear);
    switch (type) {
        case 0:
            c->tlb.invalidate_page(linear, pcid, false);
            break;
        case 1:
            c->tlb.invalidate_pcid(pcid);
            break;
        case 2:
            c->tlb.invalidate_all(true);
            break;
        default:
            c->tlb.invalidate_all(false);
            break;
    }
}

}  // namespace orrery
