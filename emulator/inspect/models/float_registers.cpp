// x87 and SSE registers as text.
#include "emulator/inspect/models/float_registers.h"

#include <fmt/format.h>

#include <cstring>

namespace orrery {
namespace {

// The host's long double is the same 80-bit format.
long double to_long_double(const Float80& value) {
    long double result = 0;
    std::memcpy(&result, &value.significand, 8);
    std::memcpy(reinterpret_cast<u8*>(&result) + 8, &value.sign_exponent, 2);
    return result;
}

std::string doubles_text(const VectorRegister& value) {
    double low, high;
    float single[4];
    std::memcpy(&low, &value.q[0], 8);
    std::memcpy(&high, &value.q[1], 8);
    std::memcpy(single, value.q, 16);
    return fmt::format("pd {} {}  ps {} {} {} {}", high, low, single[3], single[2], single[1], single[0]);
}

}  // namespace

void add_float_registers(const Cpu& cpu, RegistersModel& model) {
    const X87State& x87 = cpu.x87;
    const unsigned top = x87.status >> 11 & 7;
    model.float_control.push_back({"FCW", x87.control, 16, ""});
    model.float_control.push_back({"FSW", x87.status, 16, fmt::format("TOP {}", top)});
    model.float_control.push_back({"MXCSR", cpu.mxcsr, 32, ""});
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned physical = (top + i) & 7;
        const Float80& value = x87.reg[physical];
        const bool empty = (x87.empty >> physical & 1) != 0;
        model.x87.push_back({fmt::format("ST{}", i),
                             fmt::format("{:#06x} {:016x}", value.sign_exponent, value.significand),
                             empty ? "empty" : fmt::format("{}", to_long_double(value))});
    }
    for (unsigned i = 0; i < 16; ++i) {
        const u64* q = cpu.xmm[i].q;
        std::string value = fmt::format("{:#018x}{:016x}", q[1], q[0]);
        const bool wide = cpu.features.has(Feature::Avx);
        if (wide) value = fmt::format("{:#018x}{:016x}{:016x}{:016x}", q[3], q[2], q[1], q[0]);
        model.vectors.push_back(
            {fmt::format("{}MM{}", wide ? 'Y' : 'X', i), value, doubles_text(cpu.xmm[i])});
    }
}

}  // namespace orrery
