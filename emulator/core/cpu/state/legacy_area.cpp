#include "emulator/core/cpu/state/legacy_area.h"

namespace orrery {

namespace {

constexpr u16 kControlBits = 0x1f3f, kControlOne = 0x40, kOpcodeBits = 0x7ff;
constexpr u16 kExceptions = 0x3f, kErrorSummary = 0x80, kBusy = 0x8000;

unsigned top_of(const X87State& x87) {
    return x87.status >> 11 & 7;
}

u64 with_selector(u64 offset, u16 selector) {
    return (offset & 0xffff'ffff) | static_cast<u64>(selector) << 32;
}

}  // namespace

void save_x87(const Cpu* c, LegacyArea& area, bool wide) {
    const X87State& x87 = c->x87;
    area.control = x87.control;
    area.status = x87.status;
    area.valid = static_cast<u8>(~x87.empty);
    area.reserved5 = 0;
    area.opcode = x87.last_opcode;
    area.ip = wide ? x87.last_ip : with_selector(x87.last_ip, x87.last_cs);
    area.dp = wide ? x87.last_dp : with_selector(x87.last_dp, x87.last_ds);
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& from = x87.reg[(top_of(x87) + i) & 7];
        area.st[i] = {from.significand, from.sign_exponent, {}};
    }
}

void restore_x87(Cpu* c, const LegacyArea& area, bool wide) {
    X87State& x87 = c->x87;
    x87.control = (area.control & kControlBits) | kControlOne;
    x87.status = static_cast<u16>(area.status & ~(kErrorSummary | kBusy));
    if ((x87.status & ~x87.control & kExceptions) != 0) x87.status |= kErrorSummary | kBusy;
    x87.empty = static_cast<u8>(~area.valid);
    x87.last_opcode = area.opcode & kOpcodeBits;
    x87.last_ip = wide ? area.ip : area.ip & 0xffff'ffff;
    x87.last_dp = wide ? area.dp : area.dp & 0xffff'ffff;
    x87.last_cs = x87.last_ds = 0;
    for (unsigned i = 0; i < 8; ++i) {
        Float80& to = x87.reg[(top_of(x87) + i) & 7];
        to.significand = area.st[i].significand;
        to.sign_exponent = area.st[i].sign_exponent;
    }
}

}  // namespace orrery
