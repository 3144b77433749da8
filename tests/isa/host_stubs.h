// The few instructions between C++ and a generated case: load every register, jump; and back. Assembly in
// host_stubs.cpp; the context they share lies at a fixed low address, so that neither needs a register for
// it.
#pragma once

#include "tests/isa/test_case.h"

namespace orrery::testing {

constexpr u64 kContextBase = 0x0f00'0000;
constexpr u64 kExitStubBase = 0x0f00'1000;

struct HostContext {
    FxImage fx_in;
    FxImage fx_out;
    u64 gpr_in[16];   // offset 0x400
    u64 gpr_out[16];  // 0x480
    u64 rflags_in;    // 0x500
    u64 rflags_out;   // 0x508
    u64 target;       // 0x510: where to jump
    u64 target_cs;    // 0x518: selector behind a 32-bit offset, for the far jump at 0x510 … 0x515
    u64 host_rsp;     // 0x520
    u64 spare[27];
    u8 ymm_in[16][16];   // 0x600: upper halves
    u8 ymm_out[16][16];  // 0x700
};

extern "C" {
void orrery_enter_64();  // returns when the case has reached the exit stub or a handler has led to
                         // orrery_after_fault
void orrery_enter_32();
void orrery_after_fault();
extern const char orrery_exit_begin[], orrery_exit_end[];  // to be copied to kExitStubBase
// The same with the upper halves of the YMM registers; for hosts with AVX.
void orrery_enter_64_avx();
void orrery_enter_32_avx();
extern const char orrery_exit_avx_begin[], orrery_exit_avx_end[];
}

}  // namespace orrery::testing
