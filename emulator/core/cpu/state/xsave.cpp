#include "emulator/core/cpu/state/xsave.h"

#include <algorithm>

#include "emulator/core/cpu/state/legacy_area.h"

namespace orrery::xsave {

namespace {

constexpr u16 kInitialControl = 0x37f;

bool x87_in_use(const X87State& x87) {
    const bool initial = x87.control == kInitialControl && x87.status == 0 && x87.empty == 0xff &&
                         x87.last_opcode == 0 && x87.last_ip == 0 && x87.last_dp == 0 && x87.last_cs == 0 &&
                         x87.last_ds == 0;
    return !initial || std::any_of(std::begin(x87.reg), std::end(x87.reg), [](const Float80& value) {
        return value.significand != 0 || value.sign_exponent != 0;
    });
}

}  // namespace

u64 supported(const CpuFeatures& features) {
    return xcr0::kX87 | xcr0::kSse | (features.has(Feature::Avx) ? xcr0::kAvx : 0) |
           (features.has(Feature::Pku) ? xcr0::kPkru : 0);
}

u64 in_use(const Cpu* c) {
    u64 lower = 0, upper = 0;
    for (const VectorRegister& value : c->xmm) {
        lower |= value.q[0] | value.q[1];
        upper |= value.q[2] | value.q[3];
    }
    return (x87_in_use(c->x87) ? xcr0::kX87 : 0) | (lower != 0 ? xcr0::kSse : 0) |
           (upper != 0 ? xcr0::kAvx : 0) | (c->pkru != 0 ? xcr0::kPkru : 0);
}

void initialize(Cpu* c, u64 component) {
    if (component == xcr0::kX87) {
        c->x87 = {};
        return;
    }
    if (component == xcr0::kPkru) {
        set_pkru(c, 0);
        return;
    }
    const unsigned first = component == xcr0::kSse ? 0 : 2;
    for (unsigned i = 0; i < visible_registers(c); ++i) c->xmm[i].q[first] = c->xmm[i].q[first + 1] = 0;
}

void set_pkru(Cpu* c, u32 value) {
    if (value != c->pkru) c->flush_fast();  // it holds what the old rights allowed
    c->pkru = value;
}

bool valid_xcr0(const CpuFeatures& features, u64 value) {
    if ((value & ~supported(features)) != 0 || (value & xcr0::kX87) == 0) return false;
    return (value & xcr0::kAvx) == 0 || (value & xcr0::kSse) != 0;
}

}  // namespace orrery::xsave
