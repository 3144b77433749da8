// What the SSE and MMX tests add to BareMachine: XMM registers as floats and integers, and a data page that
// RBX names.
#pragma once

#include <array>
#include <bit>

#include "emulator/core/cpu/vector/fp_env.h"
#include "tests/unit/cpu/bare_machine.h"

namespace orrery::test {

class SseMachine : public BareMachine {
  public:
    static constexpr u64 kData = 0x3'0000;
    static constexpr unsigned kMxcsrDefault = 0x1f80;

    explicit SseMachine(unsigned cpl = 0, const CpuFeatures& features = {}) : BareMachine(features) {
        enter_long(cpl);
        cpu->gpr[kRbx] = kData;
        cpu->x87.control = 0x37f;
        cpu->x87.empty = 0xff;
    }

    void set_floats(unsigned n, std::array<float, 4> values) {
        std::memcpy(cpu->xmm[n].q, values.data(), sizeof values);
    }
    std::array<float, 4> floats(unsigned n) const {
        std::array<float, 4> values;
        std::memcpy(values.data(), cpu->xmm[n].q, sizeof values);
        return values;
    }
    void set_double(unsigned n, double value) { cpu->xmm[n].q[0] = std::bit_cast<u64>(value); }
    void set_quads(unsigned n, u64 low, u64 high) {
        cpu->xmm[n].q[0] = low;
        cpu->xmm[n].q[1] = high;
    }
    bool has_quads(unsigned n, u64 low, u64 high) const {
        return cpu->xmm[n].q[0] == low && cpu->xmm[n].q[1] == high;
    }
    void set_mxcsr(u32 value) {
        cpu->mxcsr = value;
        cpu->update_mode();
    }
    // From kCode again: `bytes`, `count` instructions.
    void again(std::initializer_list<unsigned> bytes, unsigned count = 1) {
        restart();
        code_here(bytes);
        run(count);
    }
    // One instruction from kCode; true if it raises `vector`. Afterwards the CPU is at CPL 0 in the handler.
    bool faults(unsigned vector, std::initializer_list<unsigned> bytes) {
        again(bytes);
        return in_handler(vector);
    }
};

}  // namespace orrery::test
