// XSAVE and its relatives, XRSTOR, XRSTORS, XGETBV, XSETBV (SDM vol. 1, 13.7 to 13.12; vol. 2).
//
// All of an area that an instruction uses is checked before the first byte is read or written, so a fault
// leaves registers and memory as they were. Bytes that belong to no saved component are not written.
#include <cstring>

#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/state/legacy_area.h"
#include "emulator/core/cpu/state/xsave.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

namespace {

constexpr u32 kDefaultMxcsr = 0x1f80;
constexpr unsigned kMxcsrOffset = offsetof(LegacyArea, mxcsr);
constexpr unsigned kStOffset = offsetof(LegacyArea, st), kXmmOffset = offsetof(LegacyArea, xmm);

struct Header {
    u64 xstate_bv;
    u64 xcomp_bv;
    u64 reserved[6];
};
static_assert(sizeof(Header) == xsave::kHeaderSize);

void require_osxsave(Cpu* c, const Op* op) {
    if ((c->cr4 & cr4::kOsxsave) == 0) raise(c, op, Vector::UD);
}

u64 edx_eax(const Cpu* c) {
    return c->gpr[kRdx] << 32 | (c->gpr[kRax] & 0xffff'ffff);
}

// The checks before any access; RFBM.
u64 requested(Cpu* c, const Op* op, u64 linear) {
    require_osxsave(c, op);
    if ((c->cr0 & cr0::kTs) != 0) raise(c, op, Vector::NM);
    if ((linear & 63) != 0) raise_error(c, op, Vector::GP, 0);
    return c->xcr0 & edx_eax(c);
}

void check_area(Cpu* c, const Op* op, u64 linear, unsigned size, AccessKind kind) {
    translate(c, op, linear, kind);
    const u64 last = linear + size - 1;
    if ((last ^ linear) >> 12 != 0) translate(c, op, last & ~u64{0xfff}, kind);
}

// --- saving ---

// op->imm of all of them: REX.W.
void store_x87(Cpu* c, const Op* op, u64 linear) {
    LegacyArea area{};
    save_x87(c, area, op->imm != 0);
    store_bytes(c, op, linear, &area, kMxcsrOffset);
    store_bytes(c, op, linear + kStOffset, area.st, sizeof area.st);
}

void store_mxcsr(Cpu* c, const Op* op, u64 linear) {
    const u32 words[2] = {guest_mxcsr(c), mxcsr::kDefined};
    store_bytes(c, op, linear + kMxcsrOffset, words, sizeof words);
}

// Quadwords `first` and the next one of each register.
void store_halves(Cpu* c, const Op* op, u64 linear, unsigned first) {
    u64 halves[16][2];
    for (unsigned i = 0; i < 16; ++i) std::memcpy(halves[i], &c->xmm[i].q[first], sizeof halves[i]);
    store_bytes(c, op, linear, halves, visible_registers(c) * sizeof halves[0]);
}

// `pkru`: where PKRU goes in the area.
void store_components(Cpu* c, const Op* op, u64 linear, u64 which, unsigned pkru) {
    if ((which & xcr0::kX87) != 0) store_x87(c, op, linear);
    if ((which & xcr0::kSse) != 0) store_halves(c, op, linear + kXmmOffset, 0);
    if ((which & xcr0::kAvx) != 0) store_halves(c, op, linear + xsave::kExtended, 2);
    if ((which & xcr0::kPkru) != 0) store<u64>(c, op, linear + pkru, c->pkru);
}

// XSAVE, XSAVEOPT (13.7, 13.9): the standard format.
template <bool optimized>
[[gnu::noinline]] void save_standard(Cpu* c, const Op* op) {
    const u64 linear = operand_address(c, op);
    const u64 rfbm = requested(c, op, linear);
    check_area(c, op, linear, xsave::area_size(rfbm, false), AccessKind::Write);
    const u64 in_use = xsave::in_use(c);
    const u64 old = load<u64>(c, op, linear + xsave::kLegacySize);
    store_components(c, op, linear, optimized ? rfbm & in_use : rfbm, xsave::pkru_offset(rfbm, false));
    if ((rfbm & (xcr0::kSse | xcr0::kAvx)) != 0) store_mxcsr(c, op, linear);
    store<u64>(c, op, linear + xsave::kLegacySize, (old & ~rfbm) | (in_use & rfbm));
}

// XSAVEC, XSAVES (13.10, 13.11): the compacted format; MXCSR belongs to SSE.
template <bool supervisor>
[[gnu::noinline]] void save_compacted(Cpu* c, const Op* op) {
    const u64 linear = operand_address(c, op);
    if constexpr (supervisor) {
        require_osxsave(c, op);
        require_cpl0(c, op);
    }
    const u64 rfbm = requested(c, op, linear);
    check_area(c, op, linear, xsave::area_size(rfbm, true), AccessKind::Write);
    u64 saved = xsave::in_use(c) & rfbm;
    if (guest_mxcsr(c) != kDefaultMxcsr) saved |= rfbm & xcr0::kSse;
    store_components(c, op, linear, saved, xsave::pkru_offset(rfbm, true));
    if ((saved & xcr0::kSse) != 0) store_mxcsr(c, op, linear);
    const u64 header[2] = {saved, rfbm | xsave::kCompacted};
    store_bytes(c, op, linear + xsave::kLegacySize, header, sizeof header);
}

// --- restoring ---

// What 13.8.1, 13.8.2 and 13.12 ask of a header.
bool acceptable(const Cpu* c, const Header& header, bool compacted) {
    if (!compacted)
        return (header.xstate_bv & ~c->xcr0) == 0 && header.xcomp_bv == 0 && header.reserved[0] == 0;
    u64 reserved = 0;
    for (u64 word : header.reserved) reserved |= word;
    const u64 components = header.xcomp_bv & ~xsave::kCompacted;
    return (components & ~c->xcr0) == 0 && (header.xstate_bv & ~components) == 0 && reserved == 0;
}

void load_halves(Cpu* c, const u64 (&halves)[16][2], unsigned first) {
    for (unsigned i = 0; i < visible_registers(c); ++i)
        std::memcpy(&c->xmm[i].q[first], halves[i], sizeof halves[i]);
}

template <bool supervisor>
[[gnu::noinline]] void restore(Cpu* c, const Op* op) {
    const u64 linear = operand_address(c, op);
    if constexpr (supervisor) {
        require_osxsave(c, op);
        require_cpl0(c, op);
    }
    const u64 rfbm = requested(c, op, linear);
    // An extended part that is not loaded need not be there.
    check_area(c, op, linear, xsave::kExtended, AccessKind::Read);
    Header header;
    load_bytes(c, op, linear + xsave::kLegacySize, &header, sizeof header);
    const bool compacted = (header.xcomp_bv & xsave::kCompacted) != 0;
    if (compacted ? !c->features.has(Feature::Xsavec) : supervisor) raise_error(c, op, Vector::GP, 0);
    if (!acceptable(c, header, compacted)) raise_error(c, op, Vector::GP, 0);

    // Everything is read before anything is changed: one page may be a device's.
    LegacyArea area;
    u64 upper[16][2];
    load_bytes(c, op, linear, &area, visible_registers(c) == 16 ? sizeof area : sizeof area - 128);
    const u64 loaded = rfbm & header.xstate_bv;
    if ((loaded & xcr0::kAvx) != 0)
        load_bytes(c, op, linear + xsave::kExtended, upper, visible_registers(c) * sizeof upper[0]);
    u32 pkru = 0;
    if ((loaded & xcr0::kPkru) != 0)
        pkru = load<u32>(c, op, linear + xsave::pkru_offset(header.xcomp_bv, compacted));
    const u64 with_mxcsr = compacted ? loaded & xcr0::kSse : rfbm & (xcr0::kSse | xcr0::kAvx);
    if (with_mxcsr != 0 && (area.mxcsr & ~mxcsr::kDefined) != 0) raise_error(c, op, Vector::GP, 0);

    for (u64 component : {xcr0::kX87, xcr0::kSse, xcr0::kAvx, xcr0::kPkru})
        if ((rfbm & ~loaded & component) != 0) xsave::initialize(c, component);
    if ((loaded & xcr0::kX87) != 0) restore_x87(c, area, op->imm != 0);
    if ((loaded & xcr0::kSse) != 0) load_halves(c, area.xmm, 0);
    if ((loaded & xcr0::kAvx) != 0) load_halves(c, upper, 2);
    if ((loaded & xcr0::kPkru) != 0) xsave::set_pkru(c, pkru);
    if (with_mxcsr != 0) {
        set_guest_mxcsr(c, area.mxcsr);
    } else if (compacted && (rfbm & xcr0::kSse) != 0) {
        set_guest_mxcsr(c, kDefaultMxcsr);
    }
    c->update_mode();  // exceptions may have been masked or unmasked
}

// --- XCR0 ---

void xgetbv(Cpu* c, const Op* op) {
    require_osxsave(c, op);
    const u32 index = static_cast<u32>(c->gpr[kRcx]);
    if (index > 1 || (index == 1 && !c->features.has(Feature::Xgetbv1))) raise_error(c, op, Vector::GP, 0);
    const u64 value = index == 0 ? c->xcr0 : c->xcr0 & xsave::in_use(c);
    c->gpr[kRax] = value & 0xffff'ffff;
    c->gpr[kRdx] = value >> 32;
}

void xsetbv(Cpu* c, const Op* op) {
    require_osxsave(c, op);
    require_cpl0(c, op);
    const u64 value = edx_eax(c);
    if (static_cast<u32>(c->gpr[kRcx]) != 0 || !xsave::valid_xcr0(c->features, value))
        raise_error(c, op, Vector::GP, 0);
    c->xcr0 = value;
    c->update_mode();
}

void prepare(const Insn& insn, Op& op, Handler handler) {
    op.imm = insn.rex_w;
    op.fn = handler;
}

}  // namespace

#define ORRERY_XSAVE(name, handler)                     \
    void select_##name(const Insn& insn, u32, Op& op) { \
        prepare(insn, op, handler);                     \
    }
ORRERY_XSAVE(xsave, then_next<save_standard<false>>)
ORRERY_XSAVE(xsaveopt, then_next<save_standard<true>>)
ORRERY_XSAVE(xsavec, then_next<save_compacted<false>>)
ORRERY_XSAVE(xsaves, then_next<save_compacted<true>>)
ORRERY_XSAVE(xrstor, then_end<restore<false>>)
ORRERY_XSAVE(xrstors, then_end<restore<true>>)
ORRERY_SYSTEM(xgetbv, then_next<xgetbv>)
ORRERY_SYSTEM(xsetbv, then_end<xsetbv>)

}  // namespace orrery
