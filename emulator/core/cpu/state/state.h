// The architectural state of one CPU beyond its general registers (Intel SDM vol. 1, 3.2; vol. 3A, 2.1).
#pragma once

#include "emulator/core/state/archive.h"
#include "emulator/isa/control_bits.h"
#include "emulator/isa/types.h"

namespace orrery {

// A segment register with its descriptor cache (SDM vol. 3A, 3.4.3).
struct Segment {
    u16 selector = 0;
    u64 base = 0;
    u32 limit = 0xffff;  // in bytes, granularity applied
    // Descriptor bits 40-55 (type, S, DPL, P, AVL, L, D/B, G) with the limit's four bits 48-51 as zero.
    u16 access = 0;

    unsigned type() const { return access & 0xf; }
    bool is_code_or_data() const { return access & 0x10; }
    unsigned dpl() const { return (access >> 5) & 3; }
    bool present() const { return access & 0x80; }
    bool is_code() const { return (access & 0x18) == 0x18; }
    bool long_mode() const { return access & 0x2000; }  // L
    bool big() const { return access & 0x4000; }        // D/B
    bool granular() const { return access & 0x8000; }   // G

    void visit(Archive& archive) {
        archive.field("selector", selector);
        archive.field("base", base);
        archive.field("limit", limit);
        archive.field("access", access);
    }
};

struct DescriptorTable {
    u64 base = 0;
    u16 limit = 0xffff;
    void visit(Archive& archive) {
        archive.field("base", base);
        archive.field("limit", limit);
    }
};

// A YMM register; its lower half is the XMM register.
struct alignas(32) VectorRegister {
    u64 q[4] = {};
};

// An x87 register: 64-bit significand, sign and 15-bit exponent.
struct Float80 {
    u64 significand = 0;
    u16 sign_exponent = 0;
};

// x87 FPU (SDM vol. 1, chapter 8). MMX registers are the significands of the physical registers.
struct X87State {
    Float80 reg[8];  // physical: ST(i) is reg[(top + i) & 7]
    u16 control = 0x37f;
    u16 status = 0;   // with TOP in bits 11-13
    u8 empty = 0xff;  // bit i: physical register i is empty
    u16 last_opcode = 0;
    u64 last_ip = 0;
    u64 last_dp = 0;
    u16 last_cs = 0;
    u16 last_ds = 0;
    void visit(Archive& archive);
};

// Model-specific registers that are state of the CPU itself; those of the local APIC live there.
struct MsrState {
    u64 efer = 0;
    u64 star = 0, lstar = 0, cstar = 0, fmask = 0;
    u64 kernel_gs_base = 0;
    u64 tsc_offset = 0;  // time-stamp counter minus virtual time
    u64 tsc_adjust = 0;
    u64 tsc_aux = 0;
    u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    u64 pat = 0x0007040600070406;
    u64 misc_enable = 1 | 1u << 18;  // fast strings, MONITOR
    u64 mtrr_def_type = 0;
    u64 spec_ctrl = 0;
    u64 debugctl = 0;
    u64 mcg_status = 0;
    void visit(Archive& archive);
};

// MonitorWait: MWAIT, until a write to the monitored line or what ends a HLT.
enum class Activity : u8 { Running, Halted, WaitForSipi, Shutdown, MonitorWait };

}  // namespace orrery
