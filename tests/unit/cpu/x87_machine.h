// A CPU alone with a little memory, for x87 tests: 64-bit mode without paging and without an IDT, so that any
// exception ends in a shutdown whose first fault is the one looked for; or real mode as after reset.
#pragma once

#include <cstring>
#include <initializer_list>
#include <vector>

#include "emulator/core/cpu/state/cpu.h"
#include "emulator/core/timing/cost_model.h"

namespace orrery::testing {

class X87Machine {
  public:
    static constexpr u64 kData = 0x1000, kCode = 0x10000, kRam = 16 << 20;
    static constexpr u64 kLowCode = 0x2000, kHandlers = 0x4000, kGdt = 0x5000, kIdt = 0x6000, kStack = 0x8000;
    static constexpr unsigned kVectors = 32;

    X87Machine() : bus_(kRam), cpu_(0, environment(), CpuFeatures{}) { enter_long_mode(); }

    Cpu& cpu() { return cpu_; }
    X87State& x87() { return cpu_.x87; }
    u8* data() { return bus_.ram_at(kData); }
    u8* ram(u64 physical) { return bus_.ram_at(physical); }

    // Power-on, then 64-bit mode at CPL 0 with RBX at the data and the x87 initialized.
    void enter_long_mode() {
        cpu_.reset();
        cpu_.cr0 |= cr0::kPe | cr0::kNe;
        cpu_.cr0 &= ~(cr0::kCd | cr0::kNw);
        cpu_.msr.efer = efer::kLme | efer::kLma;
        const u64 code = 0x00209b00'00000000;
        std::memcpy(bus_.ram_at(kGdt + 8), &code, 8);
        cpu_.gdtr = {kGdt, 0xf};
        cpu_.idtr = {kIdt, 32 * 16 - 1};
        for (unsigned n = 0; n < kVectors; ++n) {
            const u64 gate[2] = {0x8e00'0008'0000 | (kHandlers + 16 * n), 0};
            std::memcpy(bus_.ram_at(kIdt + 16 * n), gate, 16);
        }
        cpu_.seg[kCs].selector = 8;
        cpu_.seg[kCs].base = 0;
        cpu_.seg[kCs].access = 0x209b;
        prepare();
    }
    // Real mode, all segments at 0.
    void enter_real_mode() {
        cpu_.reset();
        for (Segment& s : cpu_.seg) s.base = s.selector = 0;
        for (u32 n = 0; n < kVectors; ++n) {
            const u32 entry = static_cast<u32>(kHandlers) + 16 * n;
            std::memcpy(bus_.ram_at(4 * n), &entry, 4);
        }
        prepare();
        next_ = kLowCode;
    }
    // Runs one instruction, put at a place of its own. Returns the vector it raised, or -1.
    int run(const std::vector<u8>& code) {
        std::memcpy(bus_.ram_at(next_), code.data(), code.size());
        cpu_.rip() = next_;
        at_ = next_;
        next_ += 16;
        cpu_.run(cpu_.instructions() + 1, ~u64{0} >> 2);
        const u64 handler = cpu_.rip() - kHandlers;
        return handler < 16 * kVectors ? static_cast<int>(handler / 16) : -1;
    }
    int run(std::initializer_list<int> code) {
        std::vector<u8> bytes;
        for (int b : code) bytes.push_back(static_cast<u8>(b));
        return run(bytes);
    }
    u64 last_address() const { return at_; }

  private:
    void prepare() {
        cpu_.gpr[kRbx] = kData;
        cpu_.gpr[kRsp] = kStack;
        for (unsigned n = 0; n < kVectors; ++n) std::memcpy(bus_.ram_at(kHandlers + 16 * n), "\xeb\xfe", 2);
        cpu_.x87 = {};
        cpu_.update_mode();
    }
    CpuEnvironment environment() {
        CpuEnvironment e;
        e.bus = &bus_;
        e.events = &events_;
        e.observers = &observers_;
        e.core = &costs_;
        e.code = &code_;
        return e;
    }

    Bus bus_;
    EventQueue events_;
    Observers observers_;
    InstructionCountModel costs_;
    CodeCache code_;
    Cpu cpu_;
    u64 next_ = kCode, at_ = 0;
};

}  // namespace orrery::testing
