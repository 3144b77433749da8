// Model-specific registers (SDM vol. 4; vol. 3A, 9.4) and the time-stamp counter (vol. 3B, 17.17). Whatever
// is not in msr.cpp's two lists does not exist, and raises #GP(0); those of the local APIC (1BH, 6E0H,
// 800H-8FFH) are its own.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// False: no such register (RDMSR raises #GP(0)).
bool read_msr(Cpu* c, u32 number, u64& value);

// False: no such register, read-only, or a reserved bit or value (WRMSR raises #GP(0)); nothing has then
// changed. The caller ends with update_mode(): EFER, FS_BASE and GS_BASE change what is derived from them.
bool write_msr(Cpu* c, u32 number, u64 value);

// IA32_MISC_ENABLE.ENABLE_MONITOR_FSM: whether CPUID shows MONITOR and MWAIT, and they are there.
inline constexpr u64 kMiscEnableMonitor = 1u << 18;
// .LIMIT_CPUID_MAXVAL: basic leaves of CPUID beyond 2 are hidden.
inline constexpr u64 kMiscEnableLimitCpuid = 1u << 22;
// .XD_BIT_DISABLE: CPUID does not show NX, and EFER.NXE cannot be set.
inline constexpr u64 kMiscEnableXdDisable = u64{1} << 34;
inline bool execute_disable_enabled(const Cpu& c) {
    return (c.msr.misc_enable & kMiscEnableXdDisable) == 0;
}
inline bool monitor_enabled(const Cpu& c) {
    return c.features.has(Feature::Monitor) && (c.msr.misc_enable & kMiscEnableMonitor) != 0;
}

// What RDTSC reads now.
inline u64 time_stamp(const Cpu* c) {
    return c->ticks() + c->msr.tsc_offset;
}

}  // namespace orrery
