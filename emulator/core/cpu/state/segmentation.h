// Segmentation: descriptors, loads of segment registers, and linear addresses in the legacy modes.
// Intel SDM vol. 3A, chapters 3 and 5.
//
// Functions that take `op` raise faults of that instruction (null: of an event's delivery) and do not return
// then; architectural state is changed only after the last access that can fault. `ext` is bit 0 of selector
// error codes: 1 while an event external to the program is being delivered (SDM vol. 3A, 6.13).
#pragma once

#include "emulator/core/cpu/run/memory.h"

namespace orrery {

inline constexpr u16 kRpl = 3, kTableIndicator = 4;

// Types of system descriptors (SDM vol. 3A, table 3-2). In IA-32e mode the 32-bit ones are 64 bits wide.
namespace system_type {
inline constexpr unsigned kTss16 = 1, kLdt = 2, kTss16Busy = 3, kCallGate16 = 4, kTaskGate = 5,
                          kInterruptGate16 = 6, kTrapGate16 = 7, kTss = 9, kTssBusy = 11, kCallGate = 12,
                          kInterruptGate = 14, kTrapGate = 15;
}

// A descriptor as it lies in the GDT or LDT (SDM vol. 3A, 3.4.5 and 5.8.3).
struct Descriptor {
    u64 low = 0;
    u64 high = 0;     // of the 16-byte system descriptors of IA-32e mode
    u64 address = 0;  // linear

    u16 access() const { return static_cast<u16>((low >> 40) & 0xf0ff); }  // as Segment::access
    unsigned type() const { return (low >> 40) & 0xf; }
    unsigned dpl() const { return (low >> 45) & 3; }
    bool present() const { return (low >> 47) & 1; }
    bool is_code_or_data() const { return (low >> 44) & 1; }
    bool is_code() const { return is_code_or_data() && (type() & 8) != 0; }
    bool is_conforming() const { return (type() & 4) != 0; }  // of code
    bool is_readable() const { return !is_code() || (type() & 2) != 0; }
    bool is_writable_data() const { return is_code_or_data() && (type() & 0xa) == 2; }
    bool long_mode() const { return (low >> 53) & 1; }
    bool big() const { return (low >> 54) & 1; }
    u32 limit() const;
    u32 base() const { return static_cast<u32>(((low >> 16) & 0xff'ffff) | ((low >> 32) & 0xff00'0000)); }
    // Of a 16-byte descriptor.
    u64 base64() const { return base() | high << 32; }
    // Of a gate.
    u16 gate_selector() const { return static_cast<u16>(low >> 16); }
    u32 gate_offset() const { return static_cast<u32>((low & 0xffff) | ((low >> 32) & 0xffff'0000)); }
    u64 gate_offset64() const { return gate_offset() | high << 32; }
};

// Reads the 8-byte descriptor that `selector` names (not null). False where it lies outside its table.
bool read_descriptor(Cpu* c, const Op* op, u16 selector, Descriptor& out);
// Reads the second half of a 16-byte system descriptor; false outside the table.
bool read_upper_half(Cpu* c, const Op* op, u16 selector, Descriptor& descriptor);
// As read_descriptor; raises `vector` with the selector as error code where there is none.
Descriptor require_descriptor(Cpu* c, const Op* op, u16 selector, Vector vector, u32 ext = 0);

// Sets the accessed bit of a code or data descriptor in memory and in `descriptor`.
void mark_accessed(Cpu* c, const Op* op, Descriptor& descriptor);

Segment make_segment(u16 selector, const Descriptor& descriptor);
// As real mode loads a segment register: limit and size bits stay what they were (SDM vol. 3A, 9.9.2).
Segment real_segment(u16 selector, const Segment& old);
// As virtual-8086 mode has them all (SDM vol. 3A, 20.2.2): 64 KiB from the paragraph on, at level 3.
Segment virtual_8086_segment(u16 selector);
// A null selector: unusable outside 64-bit mode.
Segment null_segment(u16 selector);

// Checks and descriptor of a load of SS for privilege level `cpl` (MOV SS, far returns: vector #GP; stack
// switches: #TS). A null selector is allowed where `null_allowed`.
Segment check_stack_segment(Cpu* c, const Op* op, u16 selector, unsigned cpl, bool null_allowed,
                            Vector vector, u32 ext = 0);

// What MOV Sreg, POP Sreg and LDS… do, in any mode: all checks (SDM vol. 2, MOV), then c->seg[index].
// update_mode() is the caller's, since it may have more to change.
void load_segment_register(Cpu* c, const Op* op, SegmentIndex index, u16 selector);

// SDM vol. 2, IRET and RET: an outer return makes data segment registers that the new CPL may not use null and
// unusable. Their bases stay, which for FS and GS shows in 64-bit mode.
void drop_privileged_segments(Cpu* c);

inline bool is_null(u16 selector) {
    return (selector & ~kRpl) == 0;
}
inline u32 selector_error(u16 selector, u32 ext = 0) {
    return (selector & 0xfffcu) | ext;
}

// Linear address of [offset, offset + size) in the segment, checked against its type and limit: #SS(0) or
// #GP(0). In 64-bit mode only the base is added; the access itself checks for canonical form. `offset` must
// have been cut to the address size (in legacy modes: 32 or 16 bits).
u64 checked_linear_legacy(Cpu* c, const Op* op, unsigned segment, u64 offset, unsigned size, bool write);
inline u64 segment_linear(Cpu* c, const Op* op, unsigned segment, u64 offset, unsigned size, bool write) {
    if (c->code64()) return offset + c->seg_base[segment];
    return checked_linear_legacy(c, op, segment, offset, size, write);
}

// True if [offset, offset + size) lies within the segment's limit (legacy modes; expand-down segments too).
bool within_limit(const Segment& segment, u64 offset, unsigned size);

}  // namespace orrery
